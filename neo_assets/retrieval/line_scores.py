"""The compiled loops behind `neo_assets.retrieval.scoring`: fastText's features of a line, each one addition.

fastText's hash is 32-bit FNV-1a with every byte taken as signed, so bytes from 0x80 on flip the upper 24 bits as well.
An n-gram's is 64 bits wide: the hash so far times 116049371 plus the next word's hash, sign-extended from 32 bits; its
bucket is the remainder. Unknown words have no row of their own but stand in n-grams. A line ends in the word `</s>`,
at the first line end, or where the text itself has that word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt8s = npt.NDArray[np.uint8]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]

_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(0xFFFFFFFF00000000)
_START = np.uint64(2166136261)
_PRIME = np.uint64(16777619)
_SIGNED = np.uint64(0xFFFFFF00)
_NEGATIVE = np.uint64(0x80000000)
_MULTIPLIER = np.uint64(116049371)
_SHIFT = np.uint64(32)
_LABEL = np.frombuffer(b"__label__", np.uint8).copy()


@compiled(inline="always")
def hashed(h: Any, byte: Any) -> Any:
    """The hash after one more byte."""
    value = np.uint64(byte)
    if byte >= 128:
        value |= _SIGNED
    return ((h ^ value) * _PRIME) & _LOW


@compiled()
def build_table(data: UInt8s, offsets: Int64s) -> UInt64s:
    """An open hash table of the words `data[offsets[i]:offsets[i + 1]]`: hash << 32 | number + 1, or 0; half full."""
    size = 16
    while size < 2 * (offsets.size - 1):
        size *= 2
    table = np.zeros(size, np.uint64)
    for number in range(offsets.size - 1):
        h = _START
        for i in range(offsets[number], offsets[number + 1]):
            h = hashed(h, data[i])
        place = np.int64(h) & (size - 1)
        while table[place] != 0:
            place = (place + 1) & (size - 1)
        table[place] = (h << _SHIFT) | np.uint64(number + 1)
    return table


@compiled()
def find_word(
    text: UInt8s, start: int, end: int, h: np.uint64, table: UInt64s, data: UInt8s, offsets: Int64s
) -> np.int64:
    """The number of the word `text[start:end]` with this hash, or -1: compared byte by byte."""
    last = table.size - 1
    place = np.int64(h) & last
    while table[place] != 0:
        if table[place] >> _SHIFT == h:
            number = np.int64(table[place] & _LOW) - 1
            first = offsets[number]
            if offsets[number + 1] - first == end - start and same_bytes(text, start, data, first, end - start):
                return number
        place = (place + 1) & last
    return np.int64(-1)


@compiled()
def score_lines(
    text: UInt8s,
    bounds: Int64s,
    table: UInt64s,
    data: UInt8s,
    offsets: Int64s,
    words: Float32s,
    buckets: Float32s,
    word_ngrams: int,
) -> Float64s:
    """The mean weight of the features of each line `text[bounds[i]:bounds[i + 1]]`; NaN without word or feature.

    `words` and `buckets` hold a weight each, NaN for a bucket that the model left out. Linear in the text.
    """
    logits = np.full(bounds.size - 1, np.nan)
    eos = np.array([60, 47, 115, 62], np.uint8)
    eos_hash = _START
    for i in range(4):
        eos_hash = hashed(eos_hash, eos[i])
    eos_number = find_word(eos, 0, 4, eos_hash, table, data, offsets)
    running = np.zeros(word_ngrams, np.uint64)
    n_buckets = np.uint64(max(buckets.size, 1))
    for line in range(bounds.size - 1):
        at, end = bounds[line], bounds[line + 1]
        total, n_features, n_running, any_word, ended = 0.0, 0, 0, False, False
        while not ended:
            while at < end and text[at] <= 32 and text[at] != 10 and is_separator(text[at]):
                at += 1
            if at >= end or text[at] == 10:
                h, number, ended = eos_hash, eos_number, True
            else:
                start = at
                h = _START
                while at < end and not (text[at] <= 32 and is_separator(text[at])):
                    h = hashed(h, text[at])
                    at += 1
                any_word = True
                number = find_word(text, start, at, h, table, data, offsets)
                if number < 0 and at - start >= _LABEL.size and same_bytes(text, start, _LABEL, 0, _LABEL.size):
                    continue
                ended = h == eos_hash and at - start == 4 and same_bytes(text, start, eos, 0, 4)
            if number >= 0:
                total += words[number]
                n_features += 1
            if word_ngrams > 1:
                signed = h | _HIGH if h & _NEGATIVE else h
                for k in range(n_running, 0, -1):
                    # running[k - 1] is the hash of the last k words; with this one, it is that of k + 1.
                    longer = running[k - 1] * _MULTIPLIER + signed
                    weight = buckets[np.int64(longer % n_buckets)]
                    if weight == weight:
                        total += weight
                        n_features += 1
                    running[k] = longer
                running[0] = signed
                n_running = min(n_running + 1, word_ngrams - 1)
        if any_word and n_features:
            logits[line] = total / n_features
    return logits


@compiled(inline="always")
def is_separator(byte: Any) -> Any:
    """Whether fastText parts words at this byte: space, tab, line end, vertical tab, form feed, return, NUL."""
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@compiled()
def same_bytes(text: UInt8s, start: int, other: UInt8s, first: int, length: int) -> bool:
    """Whether both arrays hold the same bytes from these places on."""
    n_same = 0
    while n_same < length and text[start + n_same] == other[first + n_same]:
        n_same += 1
    return n_same == length


@compiled()
def project_dense(rows: Float32s, direction: Float64s) -> Float32s:
    """The product of every row with the direction, added from left to right: equal on every machine."""
    products = np.zeros(rows.shape[0], np.float32)
    for row in range(rows.shape[0]):
        total = 0.0
        for column in range(rows.shape[1]):
            total += np.float64(rows[row, column]) * direction[column]
        products[row] = total
    return products


@compiled()
def project_codes(codes: UInt8s, products: Float64s) -> Float64s:
    """The sum over stretches of `products[stretch, code]`, for every row of codes."""
    sums = np.zeros(codes.shape[0], np.float64)
    for row in range(codes.shape[0]):
        for part in range(codes.shape[1]):
            sums[row] += products[part, codes[row, part]]
    return sums
