"""Levenshtein distance up to a limit, 64 cells of the table at a time.

Source: G. Myers, A fast bit-vector algorithm for approximate string matching (1999), in the form of H. Hyyrö, A
bit-vector algorithm for computing Levenshtein and Damerau edit distances (2003). A column of up to 64 rows is two
words: where a cell is one more, and one less, than the cell above it. Longer patterns take one strip of 64 rows after
the other, each over the columns that a path of at most `most` edits can reach, so that memory is linear in the text.

Characters are small numbers (0 … alphabet - 1), one bit mask each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

STRIP = 64
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled()
def set_masks(masks: UInt64s, strip: Int64s) -> None:
    """Marks where each character stands in a strip of at most 64; `masks` must be all 0 for these characters."""
    for row in range(strip.size):
        masks[strip[row]] |= _ONE << np.uint64(row)


@compiled()
def clear_masks(masks: UInt64s, strip: Int64s) -> None:
    """Undoes `set_masks`."""
    for character in strip:
        masks[character] = np.uint64(0)


@compiled()
def short_distance(masks: UInt64s, rows: int, text: Int64s, most: int) -> int:
    """Distance of the pattern of 1 … 64 characters in `masks` from the text, or most + 1 if it is greater.

    Time: one step per character of the text, ended as soon as the rest cannot bring the distance down to `most`.
    """
    plus, minus = _ALL, np.uint64(0)
    last = np.uint64(rows - 1)
    score, limit = rows, most + text.size
    for character in text:
        equal = masks[character]
        vertical = equal | minus
        horizontal = (((equal & plus) + plus) ^ plus) | equal
        up = minus | ~(horizontal | plus)
        down = plus & horizontal
        score += int((up >> last) & _ONE) - int((down >> last) & _ONE)
        limit -= 1
        if score > limit:
            return most + 1
        up = (up << _ONE) | _ONE
        down <<= _ONE
        plus = down | ~(vertical | up)
        minus = up & vertical
    return score


@compiled()
def long_distance(pattern: Int64s, text: Int64s, most: int, masks: UInt64s) -> int:
    """Distance of two non-empty strings of any length, or most + 1 if it is greater.

    Time: O(len(pattern) / 64 · (64 + 2 most)), ended after a strip from which no path of `most` edits leads on.
    Memory: a byte per character of the text. `masks` must be, and is left, all 0.
    """
    n_rows, n_columns = pattern.size, text.size
    if abs(n_rows - n_columns) > most:
        return most + 1
    steps = np.ones(n_columns + 1, np.int8)  # from column c - 1 to c, along the row above the strip
    reached = n_columns  # the last column that the strip above has computed
    corner = 0  # the cell above the strip, left of its first column
    score = 0
    for top in range(0, n_rows, STRIP):
        bottom = min(top + STRIP, n_rows)
        first, last = max(1, top + 1 - most), min(n_columns, bottom + most)
        next_corner = max(0, bottom - most)
        strip = pattern[top:bottom]
        set_masks(masks, strip)
        score = corner + bottom - top  # outside the band every step is taken to cost one: never too little
        corner = score
        least = score + abs(n_rows - bottom - (n_columns - first + 1))
        plus, minus = _ALL, np.uint64(0)
        end = np.uint64(bottom - top - 1)
        for column in range(first, last + 1):
            enters = steps[column] if column <= reached else np.int8(1)
            equal = masks[text[column - 1]]
            vertical = equal | minus
            if enters < 0:
                equal |= _ONE
            horizontal = (((equal & plus) + plus) ^ plus) | equal
            up = minus | ~(horizontal | plus)
            down = plus & horizontal
            leaves = int((up >> end) & _ONE) - int((down >> end) & _ONE)
            steps[column] = leaves
            score += leaves
            up <<= _ONE
            down <<= _ONE
            if enters < 0:
                down |= _ONE
            elif enters > 0:
                up |= _ONE
            plus = down | ~(vertical | up)
            minus = up & vertical
            least = min(least, score + abs(n_rows - bottom - (n_columns - column)))
            if column == next_corner:
                corner = score
        clear_masks(masks, strip)
        if least > most:
            return most + 1
        reached = last
    return min(score, most + 1)


@compiled()
def _distance(one: Int64s, two: Int64s, most: int, alphabet: int) -> int:
    masks = np.zeros(alphabet, np.uint64)
    if one.size > STRIP:
        return long_distance(one, two, most, masks)
    set_masks(masks, one)
    return short_distance(masks, one.size, two, most)


def edit_distance(one: str, two: str, most: int | None = None) -> int:
    """Insertions, deletions and substitutions of code points between two strings, or most + 1 if there are more."""
    limit = max(len(one), len(two)) if most is None else most
    if not one or not two:
        return min(max(len(one), len(two)), limit + 1)
    numbers = {character: number for number, character in enumerate(sorted({*one, *two}))}
    left, right = (np.array([numbers[character] for character in string], np.int64) for string in (one, two))
    return int(_distance(left, right, limit, len(numbers)))
