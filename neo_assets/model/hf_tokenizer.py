"""A SentencePiece BPE model as a `tokenizers` file: same pieces, same ids, same merges, same bytes for the unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

SPACE = "▁"


def has_dummy_prefix(pieces: SentencePieceProcessor) -> bool:
    """Whether the model puts a space before every text."""
    return bool(pieces.encode("a", out_type=str)[0].startswith(SPACE))


def merges(pieces: SentencePieceProcessor) -> list[tuple[str, str]]:
    """The merge rules that the scores imply: every way to make a piece of two others, best score first.

    O(vocabulary x piece length).
    """
    ids = range(pieces.vocab_size())
    normal = [i for i in ids if not (pieces.is_control(i) or pieces.is_unknown(i) or pieces.is_byte(i))]
    known = {pieces.id_to_piece(i) for i in normal}
    rules = []
    for id_ in sorted(normal, key=lambda i: (-pieces.get_score(i), i)):
        piece = pieces.id_to_piece(id_)
        halves = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        rules += [(left, right) for left, right in halves if left in known and right in known]
    return rules


def hugging_face_tokenizer(pieces: SentencePieceProcessor, appended_tokens: Sequence[str]) -> Tokenizer:
    """The equal tokenizer. Special tokens are never made from plain text by merging, as in SentencePiece."""
    vocabulary = {pieces.id_to_piece(i): i for i in range(pieces.vocab_size())}
    unknown = pieces.id_to_piece(pieces.unk_id())
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges(pieces), unk_token=unknown, byte_fallback=True, fuse_unk=True)
    )
    prefix = has_dummy_prefix(pieces)
    replace = normalizers.Replace(" ", SPACE)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), replace] if prefix else [replace])
    decode: list[Any] = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*decode, decoders.Strip(" ", 1, 0)] if prefix else decode)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in appended_tokens])
    return tokenizer


def tokenizer_settings(end_of_document: str, seq_length: int) -> dict[str, Any]:
    """The content of tokenizer_config.json: nothing is added to a text, documents end with `end_of_document`."""
    return {
        "clean_up_tokenization_spaces": False,
        "eos_token": end_of_document,
        "model_max_length": seq_length,
        "pad_token": "<unk>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
    }
