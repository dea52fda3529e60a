"""Exact substring deduplication: a passage of w characters that stands twice stays once.

The rule (MAP-Neo Matrix, English; w = 50): over all documents, ordered by precedence, every window of w characters,
step 1, is deleted if the same characters form a window at a smaller (precedence, offset), in whichever document or
earlier in the same one. Windows are those of the texts as they came in; the characters of all deleted windows are cut.
MAP-Neo keeps an arbitrary copy, and leaves out the last window of a document (`skip_last_window`).

Nothing is lost: every character that is cut stands, with its window, at the first occurrence of that window, at the
same place of it. There it may have been cut because of another window around it, whose first occurrence is earlier
still. As (precedence, offset of the character) falls with every step, the chain ends at a character that was kept.

Running the stage on its own result may cut more: where a passage was cut, what stood before and after it now meets, and
forms windows that were not there before. All windows that both runs see keep their first occurrence.

Cuts end at whole characters: if what follows a cut begins with a combining mark, a variation selector, a zero width
joiner or an emoji modifier, the cut ends before the character that these belong to; and a cut does not begin with such,
but after them, so that what is kept keeps its marks. Thus cuts only shrink, and never cut what was not a repeat.

A cut names the document of the first occurrence. Where windows of several documents overlap, the window that begins
first has the shared characters.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.compiled import compiled
from neo_assets.dedup.anchors import Int64s, UInt32s, runs_of, texts_of
from neo_assets.dedup.cuts import SUBSTRING_CUTS, cuts_from, judged
from neo_assets.dedup.survivors import PRECEDENCE, ids_of
from neo_assets.recipe.dedup import SubstringSettings

Int32s = npt.NDArray[np.int32]

PASSAGES, ORIGINS = "passages", "origins"
PASSAGE_BITS = 10
"""A passage is ((run << 10) + shift << 10) + windows: so many windows from the run's window `shift` on; 0 for all."""

_JOINER = 0x200D
_NONE = np.int32(-1)


@dataclass(frozen=True)
class CutSubstrings:
    """Kernel: documents with `passages` and `origins` → cut, with `substring_cuts` and the verdict columns instead.

    `origins` are the precedences of the documents that have passages first, in any order. `passages` are as many
    lists: what the document repeats of one of these, as numbers (see `PASSAGE_BITS`), and a number -1 - n that says
    of which: the lists' n are in the order of the precedences. Where passages overlap, the smallest precedence
    counts. Linear in the characters.
    """

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = texts_of(batch.column("text").to_pylist())
        runs = runs_of(texts, self.settings)
        origins, bounds = _origins(batch)
        own = _own_origins(batch, origins, bounds)
        lists, passages = _flat(batch.column(PASSAGES))
        counts, starts, ends, which = _cuts(
            *texts, *runs[:4], bounds, *lists_in_order(lists, passages, bounds), own,
            self.settings.window_chars, continuing(),
        )  # fmt: skip
        names = pa.concat_arrays([ids_of(origins), batch.column("doc_id").cast(pa.string())])
        survivors = names.take(pa.array(which))
        cuts = cuts_from(np.append(0, np.cumsum(counts)), starts, ends, survivors)
        return judged(batch.drop_columns([PASSAGES, ORIGINS]), SUBSTRING_CUTS, cuts, self.settings.min_document_chars)


def lists_in_order(lists: Int64s, passages: Int64s, bounds: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """(bounds of the lists, their numbers, the origin of each): list i of a row has its i-th origin, by the markers."""
    marker = np.zeros(lists.size - 1, np.int64)
    owner = np.searchsorted(lists, np.flatnonzero(passages < 0), side="right") - 1
    marker[owner] = -1 - passages[passages < 0]
    row = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
    origin = np.empty(marker.size, np.int64)
    origin[np.lexsort((marker, row))] = np.arange(marker.size)
    return lists, passages, origin


def _flat(column: pa.ListArray) -> tuple[Int64s, Int64s]:
    """(bounds, numbers) of all inner lists of a list<list<int64>>."""
    inner = column.flatten()
    lengths = inner.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    return np.append(0, np.cumsum(lengths)), inner.flatten().to_numpy(zero_copy_only=False).astype(np.int64)


def _origins(batch: pa.RecordBatch) -> tuple[pa.Array, Int64s]:
    """(all origins, sorted within each row; bounds of the rows)."""
    column = batch.column(ORIGINS)
    counts = pc.fill_null(column.value_lengths(), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = pa.array(np.repeat(np.arange(batch.num_rows), counts))
    flat = pa.table({"row": rows, "origin": column.flatten().cast(pa.string())})
    order = pc.sort_indices(flat, sort_keys=[("row", "ascending"), ("origin", "ascending")])
    return flat["origin"].combine_chunks().take(order), np.append(0, np.cumsum(counts))


def _own_origins(batch: pa.RecordBatch, origins: pa.Array, bounds: Int64s) -> Int64s:
    """For each row which origin is the document itself; where none is, the place of its doc_id after all origins."""
    rows = np.repeat(np.arange(batch.num_rows), np.diff(bounds))
    own = len(origins) + np.arange(batch.num_rows)
    same = pc.equal(batch.column(PRECEDENCE).cast(pa.string()).take(pa.array(rows)), origins)
    places = np.flatnonzero(same.to_numpy(zero_copy_only=False))
    own[rows[places]] = places
    return own


@lru_cache(maxsize=1)
def continuing() -> npt.NDArray[np.bool_]:
    """For every code point whether it belongs to the character before it."""
    found = np.zeros(0x110000, np.bool_)
    found[0xFE00:0xFE10] = found[0xE0100:0xE01F0] = found[0x1F3FB:0x1F400] = found[_JOINER] = True
    found[[point for point in range(0x300, 0x20000) if unicodedata.combining(chr(point))]] = True
    return found


@compiled()
def _cuts(
    points: UInt32s,
    offsets: Int64s,
    run_bounds: Int64s,
    run_starts: Int64s,
    run_windows: Int64s,
    run_copies: Int64s,
    origin_bounds: Int64s,
    list_bounds: Int64s,
    passages: Int64s,
    origins: Int64s,
    own: Int64s,
    window: int,
    marks: npt.NDArray[np.bool_],
) -> tuple[Int64s, Int32s, Int32s, Int64s]:
    """(cuts of each text, their starts, ends, and survivors as places among the origins, or own names after them)."""
    n_texts = offsets.size - 1
    counts = np.zeros(n_texts, np.int64)
    size, capacity = 0, 64
    spans = np.empty((3, capacity), np.int64)
    for text in range(n_texts):
        first_run, last_run = run_bounds[text], run_bounds[text + 1]
        if first_run == last_run:
            continue
        end = run_starts[last_run - 1] + run_windows[last_run - 1] * (1 + run_copies[last_run - 1])
        survivor = np.full(end, -1, np.int64)
        repeated = False
        for number in range(origin_bounds[text], origin_bounds[text + 1]):
            for passage in passages[list_bounds[number] : list_bounds[number + 1]]:
                if passage >= 0:
                    _paint(survivor, passage, origins[number], first_run, run_starts, run_windows)
                    repeated = True
        for run in range(first_run, last_run):
            period = run_windows[run]
            for place in range(run_starts[run] + period, run_starts[run] + period * (1 + run_copies[run])):
                before = survivor[place - period]
                survivor[place] = before if before >= 0 else own[text]
                repeated = True
        if not repeated:
            continue
        begin = size
        for place in range(end):
            if survivor[place] < 0:
                continue
            start = place if size == begin else max(place, spans[1, size - 1])
            if size > begin and spans[1, size - 1] == start and spans[2, size - 1] == survivor[place]:
                spans[1, size - 1] = place + window
                continue
            if size == capacity:
                capacity *= 2
                wider = np.empty((3, capacity), np.int64)
                wider[:, :size] = spans
                spans = wider
            spans[0, size], spans[1, size], spans[2, size] = start, place + window, survivor[place]
            size += 1
        size = _whole_characters(points[offsets[text] : offsets[text + 1]], spans, begin, size, marks)
        counts[text] = size - begin
    return counts, spans[0, :size].astype(np.int32), spans[1, :size].astype(np.int32), spans[2, :size].copy()


@compiled(inline="always")
def _paint(
    survivor: Int64s, passage: int, origin: int, first_run: int, run_starts: Int64s, run_windows: Int64s
) -> None:
    most = (1 << PASSAGE_BITS) - 1
    windows, shift, run = passage & most, (passage >> PASSAGE_BITS) & most, first_run + (passage >> 2 * PASSAGE_BITS)
    start = run_starts[run] + shift
    for place in range(start, start + (windows if windows else run_windows[run])):
        if survivor[place] < 0 or origin < survivor[place]:
            survivor[place] = origin


@compiled()
def _whole_characters(points: UInt32s, spans: Int64s, begin: int, end: int, marks: npt.NDArray[np.bool_]) -> int:
    """Shrinks the spans of one text, begin … end - 1, to whole characters; gives where those that are left end.

    Spans that touch are shrunk as one.
    """
    size, place = begin, begin
    while place < end:
        after = place + 1
        while after < end and spans[0, after] == spans[1, after - 1]:
            after += 1
        start, stop = spans[0, place], spans[1, after - 1]
        while start < stop and start > 0 and _goes_on(points, start, marks):
            start += 1
        while start < stop < points.size and _goes_on(points, stop, marks):
            stop -= 1
        for span in range(place, after):
            low, high = max(spans[0, span], start), min(spans[1, span], stop)
            if low < high:
                spans[0, size], spans[1, size], spans[2, size] = low, high, spans[2, span]
                size += 1
        place = after
    return size


@compiled(inline="always")
def _goes_on(points: UInt32s, place: int, marks: npt.NDArray[np.bool_]) -> bool:
    return bool(marks[points[place]] or (points[place - 1] == _JOINER and points[place] >= 0x300))
