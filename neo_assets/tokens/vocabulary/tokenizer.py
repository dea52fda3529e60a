"""The tokenizer: a SentencePiece BPE model, and a wrapper that loses nothing.

SentencePiece 0.2.3 makes U+2581 (its space mark) a space when it encodes: here U+2581 in a text becomes its three byte
pieces. With `normalization: identity` and `remove_extra_whitespaces: false` decoding then gives back every text, NUL
and unassigned code points included.

Text is encoded with integer tables (`vocabulary.encoder`), which give SentencePiece's ids; what these cannot
express is left to SentencePiece.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.tokenizer import N_BYTES, TokenizerSection
from neo_assets.tokens.vocabulary.encoder import Encoder, Ids, Offsets, unsupported
from neo_assets.tokens.vocabulary.model_file import SPACE_MARK, TokenizerError, read_model_file
from neo_assets.tokens.vocabulary.training import train_tokenizer

__all__ = ["Ids", "Tokenizer", "TokenizerError", "train_tokenizer"]


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
        self.sha256 = hashlib.sha256(model).hexdigest()
        self._file = read_model_file(model)
        self.settings = settings
        self.vocab_size = settings.vocab_size
        self.end_of_document_id = settings.end_of_document_id
        self._marks = 2 if self._file.add_dummy_prefix else 1
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
        """The ids of each text, without BOS and without end of document; as fast as `encode_arrow` for long texts."""
        if not texts:
            return []
        return self._encoder.encode(texts) if self._encoder is not None else self._encode_with_model(texts)

    def encode_arrow(self, texts: pa.StringArray | pa.LargeStringArray, end: int = -1) -> tuple[Ids, Offsets]:
        """The ids of all texts one after the other, and where each text's begin (one more: where the last end).

        Threads may call it at once: the interpreter lock is not held. About 20 M tokens per CPU-second.

        Args:
            end: written after each text, if not negative.

        Raises:
            TokenizerError: a null text.
        """
        if texts.null_count:
            raise TokenizerError(f"{texts.null_count} of {len(texts)} texts are null; leave such records out before")
        if self._encoder is not None:
            return self._encoder.encode_arrow(texts, end)
        after = np.array([end] if end >= 0 else [], np.int32)
        encoded = [np.concatenate([ids, after]) for ids in self._encode_with_model(texts.to_pylist())]
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return np.concatenate([np.empty(0, np.int32), *encoded]), offsets

    @cached_property
    def _encoder(self) -> Encoder | None:
        """Made when first needed: a process that only decodes compiles nothing."""
        return None if unsupported(self._file) else Encoder(self._file)

    def _encode_with_model(self, texts: Sequence[str]) -> list[Ids]:
        """By SentencePiece itself. About 2 M tokens per CPU-second."""
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

    def decode_batch(self, encoded: Sequence[Ids]) -> list[str]:
        """The text of each sequence of ids, as `decode` gives it, several times as fast for short ones.

        Raises:
            TokenizerError: an appended token, or an id that no token has.
        """
        if not encoded:
            return []
        array = np.concatenate(encoded)
        if array.size and (array.min() < 0 or array.max() >= self.vocab_size):
            raise TokenizerError(f"ids must be 0 to {self.vocab_size - 1}, found {array.min()} to {array.max()}")
        ids, ends = array.tolist(), [0, *itertools.accumulate(map(len, encoded))]
        return list(self._model.decode([ids[a:b] for a, b in itertools.pairwise(ends)], num_threads=1))

    def piece(self, id_: int) -> str:
        """The piece of an id, as SentencePiece writes it; the name of an appended token."""
        if id_ >= self.vocab_size:
            return self.settings.appended_tokens[id_ - self.vocab_size]
        return str(self._model.id_to_piece(id_))
