"""TensorBoard's event files: protobuf messages of six fields in checksummed frames, written without its library.

The library puts the time, host and process into names and bytes; here equal calls give equal bytes. Formats:
tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, and the TFRecord frame.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

FILE_VERSION = b"brain.Event:2"
"""Content of every file's first event."""
START = b"\x08\x01"
"""A SessionLog that tells readers to forget what they have from this step on."""


def event(
    wall_time: float,
    step: int,
    *,
    file_version: bytes = b"",
    scalars: Sequence[tuple[str, float]] = (),
    session: bytes = b"",
) -> bytes:
    """One frame: length, its checksum, an Event (wall_time 1, step 2, file_version 3, summary 5, session_log 7), its
    checksum.

    Args:
        wall_time: seconds after 1970.
        scalars: values by tag; kept as float32.
    """
    message = b"\x09" + struct.pack("<d", wall_time)
    if step:
        message += b"\x10" + _varint(step)
    for number, content in ((3, file_version), (5, _summary(scalars)), (7, session)):
        if content:
            message += _delimited(number, content)
    length = struct.pack("<Q", len(message))
    return length + _masked_crc(length) + message + _masked_crc(message)


def _summary(values: Sequence[tuple[str, float]]) -> bytes:
    """A Summary of scalars: each a Value of tag (1) and simple_value (2, float32)."""
    return b"".join(_delimited(1, _delimited(1, tag.encode()) + b"\x15" + _float32(value)) for tag, value in values)


def _float32(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # beyond float32: what a cast would give
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _delimited(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _crc_table() -> tuple[int, ...]:
    """Of CRC-32C (Castagnoli), reflected polynomial 0x82F63B78."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C of the data (RFC 3720)."""
    crc, table = 0xFFFFFFFF, _CRC
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked_crc(data: bytes) -> bytes:
    """TFRecord's rotated and shifted checksum."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
