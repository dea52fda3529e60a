"""What a SentencePiece model file says of its pieces and its normaliser, read from its protocol buffer.

The module generated for that, which SentencePiece ships, asks for a newer protobuf library than others allow. Field
numbers: `sentencepiece_model.proto` of SentencePiece 0.2.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

BPE = 2
SPACE_MARK = "\u2581"
"""What SentencePiece writes a space as."""

Value = int | float | bytes


class PieceType(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class TokenizerError(ValueError):
    """A tokenizer that cannot be trained or used as asked."""


@dataclass(frozen=True)
class ModelFile:
    """A model: pieces by id, and the settings that encoding depends on."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    model_type: int
    byte_fallback: bool
    space_as_suffix: bool
    rewrites_text: bool
    """Whether the normaliser has rules, strips or joins spaces, or leaves spaces as they are."""
    add_dummy_prefix: bool


def read_model_file(data: bytes) -> ModelFile:
    """The model of a file's bytes. O(size).

    Raises:
        TokenizerError: the bytes are no protocol buffer of such a model.
    """
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, Value] = {}
    normalizer: dict[int, Value] = {}
    try:
        for number, value in _fields(data):
            if number == 1 and isinstance(value, bytes):
                piece = dict(_fields(value))
                name = bytes(piece[1]).decode() if isinstance(piece[1], bytes) else ""
                pieces.append((name, float(piece.get(2, 0.0)), int(piece.get(3, PieceType.NORMAL))))
            elif number == 2 and isinstance(value, bytes):
                trainer.update(_fields(value))
            elif number == 3 and isinstance(value, bytes):
                normalizer.update(_fields(value))
    except (IndexError, KeyError, TypeError, struct.error, ValueError) as error:
        raise TokenizerError(f"not a SentencePiece model: {type(error).__name__} {error}") from error
    names, scores, types = zip(*pieces, strict=True) if pieces else ((), (), ())
    return ModelFile(
        pieces=names,
        scores=scores,
        types=types,
        model_type=int(trainer.get(3, 1)),
        byte_fallback=bool(trainer.get(35, 0)),
        space_as_suffix=bool(trainer.get(24, 0)),
        rewrites_text=bool(normalizer.get(2, b"")) or bool(normalizer.get(4, 1)) or not normalizer.get(5, 1),
        add_dummy_prefix=bool(normalizer.get(3, 1)),
    )


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Field numbers and values of a message, in order."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value: Value
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 1:
                (value,) = struct.unpack_from("<d", data, at)
                at += 8
            case 2:
                size, at = _varint(data, at)
                if at + size > len(data):
                    raise IndexError("a field ends after the file")
                value = data[at : at + size]
                at += size
            case 5:
                (value,) = struct.unpack_from("<f", data, at)
                at += 4
            case other:
                raise IndexError(f"wire type {other}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
