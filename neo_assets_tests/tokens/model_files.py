"""SentencePiece model files written piece by piece, so that tests choose the pieces, their scores and the settings."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from neo_assets.tokens.vocabulary.model_file import PieceType

Piece = tuple[str, float, int]
RESERVED: list[Piece] = [
    ("<unk>", 0.0, PieceType.UNKNOWN),
    ("<s>", 0.0, PieceType.CONTROL),
    *((f"<0x{byte:02X}>", 0.0, PieceType.BYTE) for byte in range(256)),
]


def model_bytes(
    pieces: Sequence[Piece],
    *,
    model_type: int = 2,
    byte_fallback: bool = True,
    dummy_prefix: bool = False,
    strips_spaces: bool = False,
    space_as_suffix: bool = False,
    charsmap: bytes = b"",
    escapes_spaces: bool = True,
) -> bytes:
    """The file of a model with these pieces; field numbers as in `sentencepiece_model.proto`."""
    trainer = _number(3, model_type) + _number(24, space_as_suffix) + _number(35, byte_fallback)
    normalizer = _bytes(1, b"identity") + _number(3, dummy_prefix) + _number(4, strips_spaces)
    normalizer += _number(5, escapes_spaces) + (_bytes(2, charsmap) if charsmap else b"")
    written = [
        _bytes(1, _bytes(1, name.encode()) + _tag(2, 5) + struct.pack("<f", score) + _number(3, type_))
        for name, score, type_ in pieces
    ]
    return b"".join(written) + _bytes(2, trainer) + _bytes(3, normalizer)


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(int(value))


def _bytes(number: int, value: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(value)) + value
