"""Segments of a document that resemble an earlier segment of it. Source: MAP-Neo Matrix, Chinese similar-line dedup.

Segments: an opening bracket ([ 【) begins one; the other delimiters (. ! ? 。 ！ ？ \\ … ] 】) end one, with it;
so does the end of the text. Line feeds delimit nothing and belong to the segment they stand in. Each segment, compared
as it is, end mark and all, is removed if an earlier one that stays is similar:

- lengths a, b: |a - b| / max(a, b) < max(max_length_difference, proportion);
- characters with repeats: sum of minima / sum of maxima >= min_overlap;
- edit distance <= proportion · max(a, b), or = 0 if min(a, b) <= exact_chars.

The rest is joined without a separator. The profile `faithful` does just this. `corrected` mends what harms a text:

- of several end marks in a row (……, ？！, 。】) the last one ends the segment, and of several opening brackets ([[) the
  first begins it: else the second … or [ of a text would be a repeated segment;
- . ! ? \\ directly before an ASCII letter or digit (3.14, \\frac, a.html) end nothing;
- segments without a letter (the "1." of a list, a row of dots, whitespace) are neither removed nor compared;
- lines are not glued: if a run of removed segments has a line feed and what follows does not begin with one, its first
  line feed stays, with those directly after it.

A second run can find more, for what is left is divided anew: a segment that ended before a removed bracket, or that
inherits a line feed, is another one then. Where every segment ends in a mark and inherits none it finds nothing.

Segments equal to an earlier one are found by hashing. The others meet only segments of similar length, pass two
filters that lose nothing (an edit changes the parity of the counts of at most two characters), and then the
bit-parallel distance: at worst quadratic in the segments of similar length. Memory: linear in the longest document.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.cuts import LINE_CUTS, cuts_from, judged
from neo_assets.dedup.edit_distance import STRIP, clear_masks, long_distance, set_masks, short_distance
from neo_assets.dedup.line_segments import segments_of, write_cuts
from neo_assets.dedup.shingles import reduced_points
from neo_assets.hashing import BASE, ONE, key64, mix64, slots_for
from neo_assets.recipe.dedup import SimilarLineSettings

UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

_N_POINTS = 0x110000
_WORDS = 4
"""Words of the second filter, of 256 bits; the first, quicker one has 64."""
_ZERO = np.uint64(0)


@dataclass(frozen=True)
class SimilarLines:
    """Kernel: (doc_id, text, …) → the rows with similar segments cut out, `line_cuts` and verdicts (`cuts.judged`).

    The survivor of every cut is the document itself.
    """

    settings: SimilarLineSettings
    profile: Literal["corrected", "faithful"] = "corrected"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        chosen = self.settings
        points, offsets = reduced_points(batch.column("text"), "none")
        limits = (chosen.proportion, max(chosen.max_length_difference, chosen.proportion), chosen.min_overlap)
        bounds, starts, ends = _cuts(points, offsets, limits, chosen.exact_chars, self.profile == "faithful", letters())
        owners = np.repeat(np.arange(batch.num_rows), np.diff(bounds))
        cuts = cuts_from(bounds, starts, ends, batch.column("doc_id").take(pa.array(owners)))
        return judged(batch, LINE_CUTS, cuts, chosen.min_document_chars)


@lru_cache(maxsize=1)
def letters() -> Bools:
    """For every code point whether it is a letter."""
    return np.fromiter((chr(point).isalpha() for point in range(_N_POINTS)), np.bool_, _N_POINTS)


@compiled()
def _cuts(
    points: UInt32s,
    offsets: Int64s,
    limits: tuple[float, float, float],
    exact_chars: int,
    faithful: bool,
    letter: Bools,
) -> tuple[Int64s, Int32s, Int32s]:
    """(offsets, starts, ends) of the cuts of each text, in its own characters."""
    numbers = np.zeros(_N_POINTS, np.int32)
    starts, ends = np.empty(points.size, np.int32), np.empty(points.size, np.int32)
    bounds = np.zeros(offsets.size, np.int64)
    n = 0
    for text in range(offsets.size - 1):
        own = points[offsets[text] : offsets[text + 1]]
        segments = segments_of(own, faithful)
        if segments.size > 2:  # one segment resembles nothing
            removed = _similar(own, segments, limits, exact_chars, faithful, letter, numbers)
            n = write_cuts(own, segments, removed, faithful, starts, ends, n)
        bounds[text + 1] = n
    return bounds, starts[:n].copy(), ends[:n].copy()


@compiled()
def _similar(
    points: UInt32s,
    segments: Int64s,
    limits: tuple[float, float, float],
    exact_chars: int,
    faithful: bool,
    letter: Bools,
    numbers: Int32s,
) -> Bools:
    """Which segments resemble an earlier one that stays. `numbers` must be, and is left, all 0."""
    proportion, max_difference, _ = limits
    n_segments = segments.size - 1
    lengths = segments[1:] - segments[:-1]
    text, alphabet = _numbered(points, numbers)
    removed = np.zeros(n_segments, np.bool_)
    table = np.full(slots_for(n_segments), -1, np.int64)  # by hash: the first of all equal segments
    hashes = np.empty(n_segments, np.uint64)
    # Those that stay, by length: of length l they are members[starts[l]:ends[l]], with their two filters.
    starts = _rooms(lengths)
    ends = starts.copy()
    members = np.empty(n_segments, np.int64)
    quick, parities = np.empty(n_segments, np.uint64), np.empty((n_segments, _WORDS), np.uint64)
    parity = np.empty(_WORDS, np.uint64)
    masks = np.zeros(alphabet, np.uint64)
    counts = np.zeros(alphabet, np.int64)
    for j in range(n_segments):
        own, length = text[segments[j] : segments[j + 1]], lengths[j]
        if not faithful and not _has_letter(points[segments[j] : segments[j + 1]], letter):
            continue
        if _seen(text, segments, hashes, table, j):
            removed[j] = True
            continue
        if length <= exact_chars:
            continue
        own_quick = _parity_of(points, segments[j], segments[j + 1], parity)
        masked = False
        other = max(exact_chars + 1, int(length - proportion * length) - 1)
        while other < starts.size - 1 and not removed[j]:
            longer, difference = max(other, length), abs(length - other)
            allowed = proportion * longer
            if difference > allowed or difference / longer >= max_difference:
                other += 1
                if other > length:
                    break  # the relative difference only grows
                continue
            most = int(allowed)
            for k in range(starts[other], ends[other]):
                if _ones(quick[k] ^ own_quick) > 2 * most or _differ(parities[k], parity) > 2 * most:
                    continue
                i = members[k]
                earlier = text[segments[i] : segments[i + 1]]
                if length > STRIP:
                    distance = long_distance(own, earlier, most, masks)
                else:
                    if not masked:
                        set_masks(masks, own)
                        masked = True
                    distance = short_distance(masks, length, earlier, most)
                if distance <= most and _overlap(own, earlier, counts) >= limits[2]:
                    removed[j] = True
                    break
            other += 1
        if masked:
            clear_masks(masks, own)
        if not removed[j]:
            k = ends[length]
            members[k] = j
            quick[k], parities[k, :] = own_quick, parity
            ends[length] += 1
    return removed


@compiled()
def _numbered(points: UInt32s, numbers: Int32s) -> tuple[Int64s, int]:
    """The text in its own alphabet: 0, 1, … in the order of first appearance; and the alphabet's size."""
    text = np.empty(points.size, np.int64)
    n = 0
    for place in range(points.size):
        point = points[place]
        if numbers[point] == 0:
            n += 1
            numbers[point] = n
        text[place] = numbers[point] - 1
    for point in points:
        numbers[point] = 0
    return text, n


@compiled()
def _rooms(lengths: Int64s) -> Int64s:
    """Where the segments of each length 0 … longest begin in an array sorted by length; one more entry at the end."""
    rooms = np.zeros(lengths.max() + 2, np.int64)
    for length in lengths:
        rooms[length + 1] += 1
    return np.cumsum(rooms)


@compiled()
def _has_letter(points: UInt32s, letter: Bools) -> bool:
    return bool(letter[points].any())


@compiled()
def _seen(text: Int64s, segments: Int64s, hashes: UInt64s, table: Int64s, j: int) -> bool:
    """Whether an earlier segment equals segment j; else j is noted."""
    own = text[segments[j] : segments[j + 1]]
    key = _ZERO
    for number in own:
        key = key * BASE + np.uint64(number) + ONE
    key = key64(key)
    hashes[j] = key
    mask = np.uint64(table.size - 1)
    slot = key & mask
    while table[slot] >= 0:
        i = table[slot]
        if hashes[i] == key and np.array_equal(text[segments[i] : segments[i + 1]], own):
            return True
        slot = (slot + ONE) & mask
    table[slot] = j
    return False


@compiled()
def _parity_of(points: UInt32s, start: int, end: int, parity: UInt64s) -> np.uint64:
    """Whether the number of the characters of one hash is odd: 64 bits returned, 256 other ones written."""
    quick = _ZERO
    parity.fill(_ZERO)
    for place in range(start, end):
        hashed = mix64(np.uint64(points[place]) * BASE)
        quick ^= ONE << ((hashed >> np.uint64(8)) & np.uint64(63))
        parity[hashed >> np.uint64(62)] ^= ONE << (hashed & np.uint64(63))
    return quick


@compiled(inline="always")
def _differ(one: UInt64s, two: UInt64s) -> int:
    """Bits that differ."""
    different = 0
    for word in range(_WORDS):
        different += _ones(one[word] ^ two[word])
    return different


@compiled(inline="always")
def _ones(word: np.uint64) -> int:
    """Bits set (the compiler makes one instruction of this)."""
    word = word - ((word >> ONE) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled()
def _overlap(one: Int64s, two: Int64s, counts: Int64s) -> float:
    """Shared characters by all characters, with repeats. `counts` must be, and is left, all 0."""
    for number in one:
        counts[number] += 1
    shared = 0
    for number in two:
        shared += counts[number] > 0
        counts[number] -= 1
    for number in one:
        counts[number] = 0
    for number in two:
        counts[number] = 0
    return shared / (one.size + two.size - shared)
