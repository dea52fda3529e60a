"""Where personal data might be: a compiled pass over UTF-8 bytes, so that text without it costs next to nothing.

A candidate is an at sign between characters of an address, a stretch of digits and separators with enough digits for a
telephone number or an IP address, or a stretch that begins like a global IPv6 address. Full-width forms count as the
ASCII ones that they stand for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt8s = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.signedinteger[Any]]
Int64s = npt.NDArray[np.int64]

AT, NUMBER, COLONS = 0, 1, 2
"""Kinds of candidates."""

_OTHER, _DIGIT, _SEPARATOR, _DOT, _AT = range(5)
LEAST_DIGITS = 7
"""Digits of the shortest telephone number; an address of four numbers has at least 4, with 3 dots."""
_MOST_SEPARATORS = 2
_IPV6_COLONS = 6
_IPV6_CHARS = 40
_BLOCK = 32
_ROW, _KIND, _START, _END = range(4)
_ZERO, _TWO, _THREE, _NINE = (ord(digit) for digit in "0239")


def _classes() -> UInt8s:
    """The class of each ASCII character."""
    table = np.zeros(128, np.uint8)
    for characters, kind in (
        ("0123456789", _DIGIT),
        (" \t-()/+", _SEPARATOR),
        (".", _DOT),
        ("@", _AT),
    ):
        for character in characters:
            table[ord(character)] = kind
    return table


def _wakes() -> npt.NDArray[np.bool_]:
    """Bytes at which a candidate may begin: digits, the at sign, and the first one of full-width forms."""
    table = np.zeros(256, np.bool_)
    table[[*range(_ZERO, _NINE + 1), ord("@"), 0xEF]] = True
    return table


_CLASS_OF, _WAKES = _classes(), _wakes()


def candidates(data: UInt8s, offsets: Offsets) -> Int64s:
    """Candidates of UTF-8 texts, text i being `data[offsets[i]:offsets[i + 1]]`.

    Returns:
        int64[n, 4]: text, kind, first and one past the last character (of an at sign: its place).

    About 1 ns a byte.
    """
    return _candidates(data, offsets, _CLASS_OF, _WAKES)


@compiled()
def _candidates(data: UInt8s, offsets: Offsets, classes: UInt8s, wakes: npt.NDArray[np.bool_]) -> Int64s:
    found = np.empty((64, 4), np.int64)
    n = 0
    for row in range(offsets.size - 1):
        i, end, place = int(offsets[row]), int(offsets[row + 1]), 0
        first = i
        while i < end:
            if i + _BLOCK <= end:
                wake, n_chars = _block(data[i : i + _BLOCK])
                if not wake:
                    i += _BLOCK
                    place += n_chars
                    continue
            while i < end and not wakes[data[i]]:
                place += (data[i] & 0xC0) != 0x80
                i += 1
            if i == end:
                break
            if n + 2 >= len(found):
                found = np.concatenate((found, np.empty_like(found)))
            kind, step = _character(data, i, end, classes)
            if kind == _AT and i > first and data[i - 1] > 32:
                found[n] = row, AT, place, place + 1
                n += 1
            if kind != _DIGIT:
                i += step
                place += 1
                continue
            # A stretch of digits with separators, at most two in a row.
            start, last, digits, dots, separators, before = place, place, 0, 0, 0, _OTHER
            while kind == _DIGIT or (kind in (_SEPARATOR, _DOT) and separators < _MOST_SEPARATORS):
                if kind == _DIGIT:
                    digits += 1
                    separators = 0
                    last = place
                    if before != _DIGIT and _TWO <= data[i] <= _THREE:
                        length = _ipv6_chars(data, i, end)
                        if length:
                            found[n] = row, COLONS, place, place + length
                            n += 1
                            if n + 2 >= len(found):
                                found = np.concatenate((found, np.empty_like(found)))
                else:
                    separators += 1
                    dots += kind == _DOT
                before = kind
                i += step
                place += 1
                kind, step = _character(data, i, end, classes)
            if digits >= LEAST_DIGITS or (dots >= 3 and digits >= 4):
                found[n] = row, NUMBER, start, last + 1
                n += 1
    return found[:n].copy()


@compiled(inline="always")
def _block(block: UInt8s) -> tuple[bool, int]:
    """Whether a candidate may begin in the block, and how many characters do; the loop is made for vector units."""
    wake, n_chars = np.uint8(0), np.uint8(0)
    for byte in block:
        wake |= np.uint8(np.uint8(byte - _ZERO) < 10) | np.uint8(byte == 64) | np.uint8(byte == 0xEF)
        n_chars += np.uint8((byte & 0xC0) != 0x80)
    return bool(wake != 0), int(n_chars)


@compiled()
def _ipv6_chars(data: UInt8s, i: int, end: int) -> int:
    """Characters of what may be an IPv6 address here: it has :: or at least six colons; 0 if it has not."""
    colons = pairs = length = 0
    while i + length < end and length < _IPV6_CHARS:
        byte = data[i + length]
        lower = byte | 0x20
        if byte == 58:
            colons += 1
            pairs += length > 0 and data[i + length - 1] == 58
        elif not (_ZERO <= byte <= _NINE or 97 <= lower <= 102):
            break
        length += 1
    return length if pairs > 0 or colons >= _IPV6_COLONS else 0


@compiled(inline="always")
def _character(data: UInt8s, i: int, end: int, classes: UInt8s) -> tuple[int, int]:
    """The class of the character at a byte, a full-width form being its ASCII one, and how many bytes it has."""
    if i >= end:
        return _OTHER, 1
    byte = data[i]
    if byte < 0x80:
        return classes[byte], 1
    if byte < 0xE0 or i + 2 >= end:
        return (_SEPARATOR if byte == 0xC2 and i + 1 < end and data[i + 1] == 0xA0 else _OTHER), 2
    if byte >= 0xF0:
        return _OTHER, 4
    second, third = data[i + 1], data[i + 2]
    if byte == 0xEF and second == 0xBC and third >= 0x81:
        return classes[third - 0x60], 3  # U+FF01 … U+FF3F
    if byte == 0xEF and second == 0xBD and third <= 0x9E:
        return classes[third - 0x20], 3  # U+FF40 … U+FF5E
    dash = byte == 0xE2 and second == 0x80 and 0x90 <= third <= 0x94
    return (_SEPARATOR if dash or (byte == 0xE3 and second == 0x80 and third == 0x80) else _OTHER), 3
