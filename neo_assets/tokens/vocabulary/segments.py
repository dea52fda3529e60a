"""The compiled loop from UTF-8 to ids: cuts texts into segments, merges each, remembers what became of it.

A piece never spans two characters that stand side by side in no piece, so a text falls into short *segments* there,
which are merged each for itself with the same outcome. Which pairs stand side by side is kept as bits by hash: a bit
that another pair has set makes a segment longer, never an id wrong.

Segments recur, so a memo holds what became of them: `slots` point into `arena`, where an entry is its number of
symbols, its number of ids, its symbols, its ids. Symbols are compared, so equal hashes do no harm. A full memo is
emptied.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neo_assets.compiled import compiled
from neo_assets.tokens.vocabulary.bpe import Array, Integer, merge, place

LONGEST_REMEMBERED = 32
_SPACE_MARK = 0x2581
_LOW = 0xFFFFFFFF
_MIX = -7046029254386353131  # 2**64 / golden ratio


class Tables(NamedTuple):
    """A model as integers."""

    symbol_of: Array
    """Symbol of each code point, -1 where no piece holds it (U+2581 included); that of a space is its mark's."""
    joints: Array
    """Bits by hash of the pairs of symbols that stand side by side in a piece."""
    merges: Array
    ranks: Array
    characters: Array
    """Code points of the symbols after the pieces."""
    first_byte: int
    """Id of the byte piece of 0; the others follow."""
    dummy_prefix: bool


class Memo(NamedTuple):
    """What became of segments. One thread's own."""

    slots: Array
    arena: Array
    used: Array
    """Room taken in the arena, and entries."""


def new_memo(n_slots: int = 1 << 17, n_numbers: int = 1 << 21) -> Memo:
    """An empty memo; numbers of slots are powers of two. 9 MB by default, touched as it fills."""
    return Memo(np.zeros(n_slots, np.int64), np.zeros(n_numbers, np.int32), np.array([1, 0], np.int64))


@compiled(inline="always")
def _character(data: Array, at: Integer) -> tuple[Integer, Integer]:
    """The code point of valid UTF-8 at a place, and where the next begins."""
    code = np.int64(data[at])
    if code < 0x80:
        return code, at + 1
    if code < 0xE0:
        return ((code & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), at + 2
    code = (code << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F)
    if code < 0xF0000:
        return code & 0xFFFF, at + 3
    return ((code & 0x7FFF) << 6) | (np.int64(data[at + 3]) & 0x3F), at + 4


@compiled(inline="always")
def _mixed(hashed: Integer, symbol: Integer) -> Integer:
    """The hash of one symbol more."""
    hashed = (hashed ^ (symbol + 1)) * _MIX
    return hashed ^ ((hashed >> 32) & _LOW)


@compiled()
def _write_bytes(out: Array, n_out: Integer, code: Integer, first_byte: Integer) -> Integer:
    """Writes a character as the byte pieces of its UTF-8; gives the new length of the output."""
    if code < 0x80:
        out[n_out] = first_byte + code
        return n_out + 1
    if code < 0x800:
        out[n_out] = first_byte + (0xC0 | (code >> 6))
        n_out += 1
    else:
        if code < 0x10000:
            out[n_out] = first_byte + (0xE0 | (code >> 12))
            n_out += 1
        else:
            out[n_out] = first_byte + (0xF0 | (code >> 18))
            out[n_out + 1] = first_byte + (0x80 | ((code >> 12) & 0x3F))
            n_out += 2
        out[n_out] = first_byte + (0x80 | ((code >> 6) & 0x3F))
        n_out += 1
    out[n_out] = first_byte + (0x80 | (code & 0x3F))
    return n_out + 1


@compiled()
def _write_merged(
    symbols: Array,
    n: Integer,
    merges: Array,
    ranks: Array,
    characters: Array,
    first_byte: Integer,
    pairs: Array,
    out: Array,
    n_out: Integer,
) -> Integer:
    """Merges the first n symbols, which are overwritten, and writes their ids; gives the new length of the output."""
    n_pieces = len(ranks)
    for i in range(merge(symbols, n, merges, ranks, pairs)):
        if symbols[i] < n_pieces:
            out[n_out] = symbols[i]
            n_out += 1
        else:
            n_out = _write_bytes(out, n_out, characters[symbols[i] - n_pieces], first_byte)
    return n_out


@compiled(inline="always")
def _recall(
    slots: Array, arena: Array, slot: Integer, mark: Integer, symbols: Array, n: Integer
) -> tuple[Integer, Integer]:
    """Where a segment's entry is, or 0, and the slot where it is or where it would be."""
    mask = len(slots) - 1
    found: Integer = np.int64(0)
    while slots[slot] != 0:
        if slots[slot] & ~np.int64(_LOW) == mark:
            at = slots[slot] & _LOW
            i: Integer = np.int64(0)
            if arena[at] == n:
                while i < n and arena[at + 2 + i] == symbols[i]:
                    i += 1
            if i == n:
                found = at
                break
        slot = (slot + 1) & mask
    return found, slot


@compiled()
def _learn(
    symbols: Array,
    n: Integer,
    hashed: Integer,
    slot: Integer,
    slots: Array,
    arena: Array,
    used: Array,
    merges: Array,
    ranks: Array,
    characters: Array,
    first_byte: Integer,
    pairs: Array,
    out: Array,
    n_out: Integer,
) -> Integer:
    """Merges a segment's symbols, writes its ids and remembers them; gives the new length of the output."""
    if used[0] + 2 + 5 * n > len(arena) or used[1] * 2 > len(slots):
        slots.fill(0)
        used[0], used[1] = 1, 0
        slot = (hashed >> 32) & (len(slots) - 1)
    at, start = used[0], n_out
    arena[at] = n
    for i in range(n):
        arena[at + 2 + i] = symbols[i]
    n_out = _write_merged(symbols, n, merges, ranks, characters, first_byte, pairs, out, n_out)
    arena[at + 1] = n_out - start
    for i in range(n_out - start):
        arena[at + 2 + n + i] = out[start + i]
    used[0], used[1] = at + 2 + n + n_out - start, used[1] + 1
    slots[slot] = (hashed & ~np.int64(_LOW)) | at
    return n_out


@compiled()
def encode_texts(
    data: Array, offsets: Array, tables: Tables, memo: Memo, end: Integer, out: Array, ends: Array
) -> Integer:
    """Writes the ids of all texts one after the other into `out`, and where each ends; gives how many there are.

    Args:
        data: valid UTF-8, bytes.
        offsets: where each text begins in it, and where the last ends.
        end: an id to write after each text, or -1.
        out: room for one id a byte, and two more a text.
        ends: room for one number a text.

    O(bytes), and O(n log n) for a segment of n characters.
    """
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    symbols, pairs = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    symbol_of, joints, merges, ranks, characters, first_byte, dummy_prefix = tables
    slots, arena, used = memo
    space, n_pieces = np.int64(symbol_of[0x20]), len(ranks)
    joint_mask, slot_mask = len(joints) * 8 - 1, len(slots) - 1
    n_out = 0
    for text in range(len(offsets) - 1):
        at, stop = np.int64(offsets[text]), np.int64(offsets[text + 1])
        n, previous, hashed = 0, np.int64(0), np.int64(0)
        marked = at < stop and data[at] == 0xE2 and data[at + 1] == 0x96 and data[at + 2] == 0x81
        if dummy_prefix and at < stop and not marked:
            n, previous, hashed = 1, space, _mixed(np.int64(0), space)
            symbols[0] = space
        while True:
            code, symbol = np.int64(-1), np.int64(-1)
            if at < stop:
                code, at = _character(data, at)
                symbol = np.int64(symbol_of[code])
            if symbol >= 0:
                bit = place(previous, symbol) & joint_mask
                if n == 0 or (joints[bit >> 3] >> (bit & 7)) & 1:
                    symbols[n] = previous = symbol
                    n += 1
                    hashed = _mixed(hashed, symbol)
                    continue
            if n == 1 and symbols[0] < n_pieces:
                out[n_out] = symbols[0]
                n_out += 1
            elif 0 < n <= 2 or n > LONGEST_REMEMBERED:
                n_out = _write_merged(symbols, n, merges, ranks, characters, first_byte, pairs, out, n_out)
            elif n > 0:
                found, slot = _recall(slots, arena, (hashed >> 32) & slot_mask, hashed & ~np.int64(_LOW), symbols, n)
                if found:
                    for i in range(arena[found + 1]):
                        out[n_out + i] = arena[found + 2 + n + i]
                    n_out += arena[found + 1]
                else:
                    n_out = _learn(
                        symbols, n, hashed, slot, slots, arena, used,
                        merges, ranks, characters, first_byte, pairs, out, n_out,
                    )  # fmt: skip
            if symbol >= 0:
                symbols[0] = previous = symbol
                n, hashed = 1, _mixed(np.int64(0), symbol)
                continue
            n, hashed = 0, np.int64(0)
            if code < 0:
                break
            n_out = _write_bytes(out, n_out, code, first_byte)
        if end >= 0:
            out[n_out] = end
            n_out += 1
        ends[text] = n_out
    return n_out
