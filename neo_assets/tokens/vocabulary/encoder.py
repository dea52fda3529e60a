"""The fastest exact way from text to the ids of a SentencePiece BPE model: its merges as integer tables.

Every model that `train_tokenizer` makes with identity normalisation and byte fallback goes this way. Others
(`unsupported` says why) are left to SentencePiece itself.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.tokenizer import N_BYTES
from neo_assets.tokens.vocabulary.bpe import MAX_SYMBOLS, fill_joints, fill_merges
from neo_assets.tokens.vocabulary.model_file import BPE, SPACE_MARK, ModelFile, PieceType
from neo_assets.tokens.vocabulary.segments import Memo, Tables, encode_texts, new_memo

_INEXPRESSIBLE = {PieceType.USER_DEFINED, PieceType.UNUSED}

Ids = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]


def unsupported(model: ModelFile) -> str | None:
    """Why integer tables cannot express a model, or nothing where they can."""
    reserved = [
        p for p, t in zip(model.pieces, model.types, strict=True) if t in (PieceType.CONTROL, PieceType.UNKNOWN)
    ]
    reasons = {
        "its merges are not BPE's": model.model_type != BPE,
        "it has no byte fallback": not model.byte_fallback,
        "it has user-defined or unused pieces": not _INEXPRESSIBLE.isdisjoint(model.types),
        "it rewrites text or strips spaces": model.rewrites_text,
        "it writes spaces after words": model.space_as_suffix,
        "a space is no piece of its own": SPACE_MARK not in model.pieces,
        "a reserved piece is one character": any(len(piece) == 1 for piece in reserved),
        "it has too many pieces": 2 * len(model.pieces) > MAX_SYMBOLS,
        "its byte pieces are not in order": not _bytes_in_order(model),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _bytes_in_order(model: ModelFile) -> bool:
    found = [i for i, type_ in enumerate(model.types) if type_ == PieceType.BYTE]
    names = [f"<0x{byte:02X}>" for byte in range(N_BYTES)]
    return [model.pieces[i] for i in found] == names and found == list(range(found[0], found[0] + N_BYTES))


def tables_of(model: ModelFile) -> Tables:
    """The tables of a model that `unsupported` has nothing against. O(pieces x their length), 0.3 s for 64,000."""
    normal = [i for i, type_ in enumerate(model.types) if type_ == PieceType.NORMAL]
    symbols = {model.pieces[i]: i for i in normal}
    n_pieces = len(model.pieces)
    characters = sorted({c for i in normal for c in model.pieces[i]} - symbols.keys())
    symbols |= {character: n_pieces + i for i, character in enumerate(characters)}
    rules: list[tuple[int, int, int]] = []
    joints: set[tuple[int, int]] = set()
    for i in normal:
        piece = model.pieces[i]
        for cut in range(1, len(piece)):
            joints.add((symbols[piece[cut - 1]], symbols[piece[cut]]))
            left, right = symbols.get(piece[:cut], -1), symbols.get(piece[cut:], -1)
            if left >= 0 and right >= 0:
                rules.append((left, right, i))
    lefts, rights, merged = np.array(rules, np.int32).reshape(-1, 3).T.copy()
    merges = np.full(_power_of_two(2 * len(rules)), -1, np.int64)
    fill_merges(merges, lefts, rights, merged)
    befores, afters = np.array(sorted(joints), np.int32).reshape(-1, 2).T.copy()
    bits = np.zeros(max(_power_of_two(32 * len(joints)), 1024) // 8, np.uint8)
    fill_joints(bits, befores, afters)
    symbol_of = np.full(0x110000, -1, np.int32)
    for piece, symbol in symbols.items():
        if len(piece) == 1:
            symbol_of[ord(piece)] = symbol
    symbol_of[0x20] = symbol_of[ord(SPACE_MARK)]
    symbol_of[ord(SPACE_MARK)] = -1
    ranks = np.unique(-np.array(model.scores, np.float32), return_inverse=True)[1].astype(np.int32)
    codes = np.array([ord(c) for c in characters], np.int64)
    first_byte = model.types.index(PieceType.BYTE)
    return Tables(symbol_of, bits, merges, ranks, codes, first_byte, model.add_dummy_prefix)


def _power_of_two(n: int) -> int:
    """The least power of two that is not below n and not below 2."""
    return 1 << max(n - 1, 1).bit_length()


class Encoder:
    """Encodes with integer tables. Threads may share it: each has a memo of its own, and holds no interpreter lock."""

    def __init__(self, model: ModelFile) -> None:
        """Raises `ValueError` where `unsupported` has a reason."""
        if reason := unsupported(model):
            raise ValueError(f"the model cannot be encoded with tables: {reason}")
        self._tables = tables_of(model)
        self._own = threading.local()

    def encode_arrow(self, texts: pa.StringArray | pa.LargeStringArray, end: int = -1) -> tuple[Ids, Offsets]:
        """The ids of all texts, one after the other, and where each text's begin (one more: where the last end).

        `end`, if not negative, is written after each text. No text may be null.
        """
        width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        _, offset_buffer, data_buffer = texts.buffers()
        if len(texts) == 0 or offset_buffer is None:
            return np.empty(0, np.int32), np.zeros(1, np.int64)
        offsets = np.frombuffer(offset_buffer, width)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
        data = np.frombuffer(data_buffer if data_buffer is not None else b"", np.uint8)
        out = np.empty(int(offsets[-1] - offsets[0]) + 2 * len(texts), np.int32)
        starts = np.zeros(len(texts) + 1, np.int64)
        n = encode_texts(data, offsets, self._tables, self._memo(), end, out, starts[1:])
        return out[:n].copy(), starts

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text."""
        ids, starts = self.encode_arrow(pa.array(texts, pa.large_string()))
        return [ids[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]

    def _memo(self) -> Memo:
        if not hasattr(self._own, "memo"):
            self._own.memo = new_memo()
        memo: Memo = self._own.memo
        return memo
