"""A reader of event files for these tests, written from the formats alone; a frame that is damaged fails."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Event:
    """What one frame holds."""

    wall_time: float = 0.0
    step: int = 0
    file_version: str = ""
    scalars: dict[str, float] = field(default_factory=dict)
    starts: bool = False


def read_events(data: bytes) -> list[Event]:
    """All frames."""
    events, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        message = data[at + 12 : at + 12 + length]
        assert data[at + 8 : at + 12] == _masked(data[at : at + 8])
        assert data[at + 12 + length : at + 16 + length] == _masked(message)
        events.append(_event(message))
        at += 16 + length
    return events


def _event(message: bytes) -> Event:
    event = Event()
    for number, value in _fields(message):
        match number, value:
            case 1, bytes():
                (event.wall_time,) = struct.unpack("<d", value)
            case 2, int():
                event.step = value
            case 3, bytes():
                event.file_version = value.decode()
            case 5, bytes():
                for _, scalar in _fields(value):
                    found = dict(_fields(bytes(scalar)))  # type: ignore[arg-type]
                    event.scalars[bytes(found[1]).decode()] = struct.unpack("<f", found[2])[0]  # type: ignore[arg-type]
            case 7, bytes():
                event.starts = value == b"\x08\x01"
            case _:
                raise AssertionError(f"unknown field {number}")
    return event


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
                yield tag >> 3, value
            case 1 | 5 as kind:
                size = 8 if kind == 1 else 4
                yield tag >> 3, message[at : at + size]
                at += size
            case 2:
                size, at = _varint(message, at)
                assert at + size <= len(message)
                yield tag >> 3, message[at : at + size]
                at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def _masked(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
