"""A SentencePiece BPE model as a `tokenizers` file: the same ids for every text, by construction.

SentencePiece joins, at each step, the two neighbours whose joined piece has the best score, the leftmost such pair
first. Inside the span that becomes a piece, no earlier join crosses its ends, so the joins there are those of the piece
encoded alone. Hence a piece arises by one rule only, the last join of encoding it alone; a piece that does not encode
to itself never arises. With these rules, ranked by score, the other library's greedy search makes the same joins in the
same order; rules for other ways to cut a piece, which the usual conversion adds, would never be used.

The space mark is left out: the vocabulary holds true spaces, so that U+2581 in a text becomes its three bytes, as in
training, and not a space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

SPACE_MARK = "▁"
LONE_BYTES = {"<0x09>": "\t", "<0x0A>": "\n", "<0x0D>": "\r"}
"""Byte pieces decoded one by one: generated text that stops inside a character must not take line ends along."""


class InexactTokenizerError(ValueError):
    """A SentencePiece model that no `tokenizers` file can equal."""


def has_dummy_prefix(pieces: SentencePieceProcessor) -> bool:
    """Whether the model puts a space before every text."""
    return bool(pieces.encode("a", out_type=str)[0].startswith(SPACE_MARK))


def normal_scores(pieces: SentencePieceProcessor) -> dict[str, float]:
    """The score of every piece that is neither special nor a byte, in the order of ids, with true spaces."""
    ids = range(pieces.vocab_size())
    normal = [i for i in ids if not (pieces.is_control(i) or pieces.is_unknown(i) or pieces.is_byte(i))]
    return {_spaced(pieces.id_to_piece(i)): pieces.get_score(i) for i in normal}


def last_join(piece: str, scores: Mapping[str, float]) -> tuple[str, str] | None:
    """The two parts that the last join of encoding `piece` alone puts together; None where it does not become whole.

    O(n^2) for n characters, at most 16 in published models.
    """
    parts = list(piece)
    while len(parts) > 2:
        joined = [(scores[whole], -i) for i in range(len(parts) - 1) if (whole := parts[i] + parts[i + 1]) in scores]
        if not joined:
            return None
        at = -max(joined)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return (parts[0], parts[1]) if len(parts) == 2 else None


def merges(pieces: SentencePieceProcessor) -> list[tuple[str, str]]:
    """The merge rule of each piece of two or more characters that can arise, best score first.

    Raises:
        InexactTokenizerError: two joined pieces have the same score, or a part is no piece: no ranking of rules gives
            SentencePiece's order then. Models that SentencePiece trained have neither.
    """
    scores = normal_scores(pieces)
    joined = {piece: score for piece, score in scores.items() if len(piece) > 1}
    if len(set(joined.values())) < len(joined):
        raise InexactTokenizerError("two pieces have the same score; export a model that SentencePiece trained as BPE")
    ranked = sorted(joined, key=lambda piece: -joined[piece])
    rules = [rule for piece in ranked if (rule := last_join(piece, scores)) is not None]
    if lacking := [part for rule in rules for part in rule if part not in scores]:
        raise InexactTokenizerError(f"{lacking[0]!r} is part of a piece but no piece; train the model by SentencePiece")
    return rules


def hugging_face_tokenizer(pieces: SentencePieceProcessor, appended_tokens: Sequence[str]) -> Tokenizer:
    """The equal tokenizer; ids of `appended_tokens` follow the vocabulary. Special tokens never come from merging.

    By itself the library takes the name of an appended token in a text for that token. Set its attribute
    `encode_special_tokens`, or `split_special_tokens` in tokenizer_config.json, to have plain text there, as in
    training. Decoding takes away one dummy prefix: that of the first text of several.

    Raises:
        InexactTokenizerError: the model normalises text or strips spaces, or `merges` refuses it.
    """
    _refuse_normalisation(pieces)
    unknown = pieces.id_to_piece(pieces.unk_id())
    normal = {pieces.piece_to_id(_marked(piece)): piece for piece in normal_scores(pieces)}
    vocabulary = {normal.get(i, pieces.id_to_piece(i)): i for i in range(pieces.vocab_size())}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges(pieces), unk_token=unknown, byte_fallback=True, fuse_unk=True)
    )
    decode: list[Any] = [decoders.Replace(Regex(f"^{piece}$"), byte) for piece, byte in LONE_BYTES.items()]
    decode += [decoders.ByteFallback(), decoders.Fuse()]
    if has_dummy_prefix(pieces):
        # A text that starts with U+2581 has nothing before its bytes, as in training.
        unmarked = normalizers.Replace(Regex(rf"\A {SPACE_MARK}"), SPACE_MARK)
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(" "), unmarked])
        decode.append(decoders.Strip(" ", 1, 0))
    tokenizer.decoder = decoders.Sequence(decode)
    if all(" " not in piece[1:] for piece in normal.values()):  # no piece crosses the place before a space
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in appended_tokens])
    return tokenizer


def tokenizer_settings(
    end_of_document: str, seq_length: int, *, special_tokens_in_text: bool = False
) -> dict[str, Any]:
    """The content of tokenizer_config.json: nothing is added to a text, documents end with `end_of_document`.

    `special_tokens_in_text`: whether the name of a special token in a text is that token (chat templates need it) or
    plain text, as in pre-training.
    """
    return {
        "clean_up_tokenization_spaces": False,
        "eos_token": end_of_document,
        "model_max_length": seq_length,
        "pad_token": "<unk>",
        "split_special_tokens": not special_tokens_in_text,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
    }


def _spaced(piece: str) -> str:
    return piece.replace(SPACE_MARK, " ")


def _marked(piece: str) -> str:
    return piece.replace(" ", SPACE_MARK)


def _refuse_normalisation(pieces: SentencePieceProcessor) -> None:
    probe = "  ﬁ Ａ①  "
    kept = _marked(" " + probe if has_dummy_prefix(pieces) else probe)
    if pieces.normalize(probe) != kept:
        raise InexactTokenizerError(
            "the model normalises text or strips spaces; only identity normalisation with"
            " remove_extra_whitespaces: false can be exported exactly"
        )
