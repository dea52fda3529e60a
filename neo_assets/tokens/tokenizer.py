"""The tokenizer: training of a SentencePiece BPE model, and a wrapper that loses nothing.

Facts about SentencePiece 0.2.3 that this module mends:
* the trainer silently drops lines longer than its limit, and lines that hold U+2585 (its internal mark of unknown
  characters): here lines are cut at the limit, and around U+2585 and U+2581, so that all other text is learnt from;
* encoding makes U+2581 (its space mark) a space: here U+2581 in a text becomes its three byte pieces.
With `normalization: identity` and `remove_extra_whitespaces: false` decoding then gives back every text exactly,
NUL and unassigned code points included.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.tokenizer import N_BYTES, TokenizerSection
from neo_assets.tokens.keyed import counter_hashes, key

SPACE_MARK = "\u2581"
RESERVED = re.compile("[\n\x00\u2581\u2585]")
N_THREADS = 1  # recorded inside the model file, so a constant: other values give the same pieces but other bytes

Ids = npt.NDArray[np.int32]


class TokenizerError(ValueError):
    """A tokenizer that cannot be trained or used as asked."""


def training_lines(text: str, max_bytes: int) -> Iterator[str]:
    """The lines of a text as the trainer gets them: none empty, none over `max_bytes` of UTF-8, none it would drop.

    Joined they give the text without line ends and reserved characters. A longer line is cut between characters.
    """
    for line in RESERVED.split(text):
        if len(line) * 4 <= max_bytes or len(data := line.encode()) <= max_bytes:
            if line:
                yield line
            continue
        start = 0
        while start < len(data):
            end = min(start + max_bytes, len(data))
            while end < len(data) and data[end] & 0xC0 == 0x80:
                end -= 1
            yield data[start:end].decode()
            start = end


def sample_lines(sample: pa.Table, settings: TokenizerSection, seed: int) -> list[str]:
    """All training lines of a sample (columns doc_id, text, copies), in the order of document ids.

    Where there are more than `max_sentences`, those with the smallest keyed hashes of their number are taken.
    """
    rows = sample.select(["doc_id", "text", "copies"]).sort_by("doc_id").to_batches()
    lines = [
        line
        for batch in rows
        for text, copies in zip(batch.column("text").to_pylist(), batch.column("copies").to_pylist(), strict=True)
        for line in list(training_lines(text, settings.max_sentence_bytes)) * copies
    ]
    if len(lines) <= settings.max_sentences:
        return lines
    hashes = counter_hashes(key("tokenizer lines", seed), len(lines))
    chosen = np.sort(np.lexsort((hashes[:, 1], hashes[:, 0]))[: settings.max_sentences])
    return [lines[i] for i in chosen]


def train_tokenizer(sample: pa.Table, settings: TokenizerSection, seed: int) -> bytes:
    """The serialized SentencePiece model trained on a sample; equal bytes for equal samples, in any row order or place.

    Raises:
        TokenizerError: SentencePiece refuses the settings on this sample; its reason is passed on.
    """
    import sentencepiece

    lines = sample_lines(sample, settings, seed)
    if not lines:
        raise TokenizerError("the tokenizer's sample holds no text; enlarge tokenizer.sampling.total_characters")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, **_options(settings)
        )
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise TokenizerError(
            f"SentencePiece cannot train {settings.vocab_size} pieces on {len(lines)} lines: {reason}"
            " (change tokenizer.vocab_size or character_coverage, or enlarge the sample)"
        ) from error
    return model.getvalue()


def _options(settings: TokenizerSection) -> dict[str, Any]:
    return {
        "model_type": settings.model_type,
        "vocab_size": settings.vocab_size,
        "character_coverage": settings.character_coverage,
        "max_sentence_length": settings.max_sentence_bytes,
        "max_sentencepiece_length": settings.max_piece_characters,
        "split_digits": settings.split_digits,
        "byte_fallback": settings.byte_fallback,
        "normalization_rule_name": settings.normalization,
        "remove_extra_whitespaces": settings.remove_extra_whitespaces,
        "add_dummy_prefix": settings.add_dummy_prefix,
        "allow_whitespace_only_pieces": settings.allow_whitespace_only_pieces,
        "split_by_unicode_script": settings.split_by_unicode_script,
        "split_by_whitespace": settings.split_by_whitespace,
        "split_by_number": settings.split_by_number,
        "unk_id": settings.unk_id,
        "bos_id": settings.bos_id,
        "eos_id": settings.eos_id,
        "pad_id": settings.pad_id,
        # Sampling is done before, by document id.
        "input_sentence_size": 0,
        "shuffle_input_sentence": False,
        "num_threads": N_THREADS,
        "minloglevel": 2,
    }


class Tokenizer:
    """A trained model with the ids appended after its vocabulary. Not picklable: load it in each process."""

    def __init__(self, model: bytes, settings: TokenizerSection) -> None:
        """Raises `TokenizerError` where the model is not one of `settings.vocab_size` pieces."""
        import sentencepiece

        try:
            self._model = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise TokenizerError(f"not a SentencePiece model: {error}") from error
        if self._model.vocab_size() != settings.vocab_size:
            raise TokenizerError(
                f"the model has {self._model.vocab_size()} pieces, the recipe {settings.vocab_size}; train it anew"
            )
        self.settings = settings
        self.vocab_size = settings.vocab_size
        self.end_of_document_id = settings.end_of_document_id
        self._marks = 2 if settings.add_dummy_prefix else 1
        first_byte = self._model.piece_to_id("<0x00>") if settings.byte_fallback else -1
        self.byte_ids = range(first_byte, first_byte + N_BYTES) if settings.byte_fallback else range(0)

    @classmethod
    def load(cls, path: Path | str, settings: TokenizerSection) -> Tokenizer:
        """The tokenizer of a model file."""
        return cls(Path(path).read_bytes(), settings)

    def encode(self, text: str) -> Ids:
        """The ids of one text, without BOS and without end of document."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text, without BOS and without end of document. About 2 M tokens per CPU-second."""
        if not texts:
            return []
        encoded = cast("list[Ids]", self._model.encode_as_numpy(list(texts)))
        for i, text in enumerate(texts):
            if SPACE_MARK in text and self.byte_ids:
                encoded[i] = self._encode_marked(text)
        return encoded

    def _encode_marked(self, text: str) -> Ids:
        """A text that holds U+2581: the segments around it as they are, and its bytes between them."""
        mark = np.array([self.byte_ids[byte] for byte in SPACE_MARK.encode()], np.int32)
        first, *others = text.split(SPACE_MARK)
        parts: list[Ids] = [self._model.encode_as_numpy([first])[0]]
        # NUL is in no piece, so it parts the dummy prefix from the segment, and its own byte piece can be cut off.
        for segment in self._model.encode_as_numpy([f"\x00{other}" for other in others]):
            parts += [mark, segment[self._marks :]]
        return np.concatenate(parts)

    def decode(self, ids: Iterable[int] | npt.NDArray[np.integer[Any]], *, appended: bool = False) -> str:
        """The text of ids. Appended tokens (end of document) are left out, or written by name where `appended` is true.

        Raises:
            TokenizerError: an id that no token has (embedding rows of padding).
        """
        array = np.fromiter(ids, np.int64) if not isinstance(ids, np.ndarray) else ids.astype(np.int64)
        if array.size and (array.min() < 0 or array.max() >= self.settings.n_ids):
            raise TokenizerError(f"ids must be 0 to {self.settings.n_ids - 1}, found {array.min()} to {array.max()}")
        text, start = [], 0
        for end in [*np.flatnonzero(array >= self.vocab_size).tolist(), len(array)]:
            text.append(str(self._model.decode(array[start:end].tolist())) if end > start else "")
            if appended and end < len(array):
                text.append(self.settings.appended_tokens[int(array[end]) - self.vocab_size])
            start = end + 1
        return "".join(text)

    def piece(self, id_: int) -> str:
        """The piece of an id, as SentencePiece writes it; the name of an appended token."""
        if id_ >= self.vocab_size:
            return self.settings.appended_tokens[id_ - self.vocab_size]
        return str(self._model.id_to_piece(id_))


@lru_cache(maxsize=2)
def cached_tokenizer(path: str, settings_json: str) -> Tokenizer:
    """The tokenizer of a model file, loaded once per process; settings as JSON, so that they can be a cache key."""
    return Tokenizer.load(path, TokenizerSection.model_validate_json(settings_json))
