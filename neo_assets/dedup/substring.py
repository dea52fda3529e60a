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

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.compiled import compiled
from neo_assets.dedup.anchors import Int64s, Texts, UInt32s, texts_of
from neo_assets.dedup.cuts import SUBSTRING_CUTS, cuts_from, judged
from neo_assets.dedup.packed import unpacked
from neo_assets.dedup.run_rows import PLACE_BITS, starts_of
from neo_assets.dedup.shared_windows import END_BIT
from neo_assets.dedup.survivors import PRECEDENCE, ids_of
from neo_assets.dedup.whole_characters import continuing, shrink_spans
from neo_assets.recipe.dedup import SubstringSettings

Int32s = npt.NDArray[np.int32]

PASSAGES, ORIGINS = "passages", "origins"
RUN_COLUMNS = ("windows", "copies")
"""Columns of the index of anchors that cutting reads."""


@dataclass(frozen=True)
class CutSubstrings:
    """Kernel: documents with `passages`, `origins` and `RUN_COLUMNS` → cut, with `substring_cuts` and the verdicts.

    `origins` are the precedences of the documents that have passages first, in any order; documents are numbered in
    the order of precedence, so that the smallest number among the passages means the smallest precedence here. A
    passage, in any order, is either a whole run, 2^32 times its begin plus the number of an origin; or -1 less an
    `edge`. Where passages overlap, the smallest precedence counts. Linear in the characters of documents that have
    passages or copies; the others pass.
    """

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        passages = batch.column(PASSAGES)
        lengths = pc.fill_null(passages.value_lengths(), 0).to_numpy(zero_copy_only=False)
        copied = np.diff(unpacked(batch.column("copies"), np.uint32)[1])
        rows = np.flatnonzero((lengths > 0) | (copied > 0))
        counts = np.zeros(batch.num_rows, np.int64)
        touched = batch.take(pa.array(rows))
        counts[rows], starts, ends, survivors = self._cuts(touched)
        cuts = cuts_from(np.append(0, np.cumsum(counts)), starts, ends, survivors)
        rest = batch.drop_columns([PASSAGES, ORIGINS, *RUN_COLUMNS])
        return judged(rest, SUBSTRING_CUTS, cuts, self.settings.min_document_chars)

    def _cuts(self, batch: pa.RecordBatch) -> tuple[Int64s, Int32s, Int32s, pa.Array]:
        """(cuts of each document, their starts, ends, survivors)."""
        windows, run_bounds = unpacked(batch.column("windows"), np.uint16)
        run_starts, _ = starts_of(batch)
        copies, copy_bounds = unpacked(batch.column("copies"), np.uint32)
        passages = batch.column(PASSAGES)
        lengths = pc.fill_null(passages.value_lengths(), 0).to_numpy(zero_copy_only=False)
        names, name_bounds = _origins(batch)
        counts, starts, ends, which = _cuts(
            *_texts_with_marks(batch.column("text")), run_bounds, run_starts, windows.astype(np.int64),
            copy_bounds, copies.astype(np.int64),
            np.append(0, np.cumsum(lengths, dtype=np.int64)), passages.flatten().to_numpy(zero_copy_only=False),
            name_bounds, _own_origins(batch, names, name_bounds), self.settings.window_chars, continuing(),
        )  # fmt: skip
        named = pa.concat_arrays([ids_of(names), batch.column("doc_id").cast(pa.string())])
        return counts, starts, ends, named.take(pa.array(which))


def _texts_with_marks(texts: pa.Array) -> Texts:
    """The texts, but those of ASCII alone empty: nothing in these belongs to what is before it."""
    plain = pc.equal(pc.binary_length(texts), pc.utf8_length(texts).cast(pa.int64()))
    return texts_of(pc.if_else(plain, pa.scalar("", texts.type), texts))


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


@compiled()
def _cuts(
    points: UInt32s,
    offsets: Int64s,
    run_bounds: Int64s,
    run_starts: Int64s,
    run_windows: Int64s,
    copy_bounds: Int64s,
    copies: Int64s,
    bounds: Int64s,
    passages: Int64s,
    name_bounds: Int64s,
    own: Int64s,
    window: int,
    marks: npt.NDArray[np.bool_],
) -> tuple[Int64s, Int32s, Int32s, Int64s]:
    """(cuts of each text, their starts, ends, and survivors as places among the origins, or own names after them).

    A text given as empty has no marks.
    """
    n_texts = offsets.size - 1
    counts = np.zeros(n_texts, np.int64)
    size, capacity = 0, 64
    spans = np.empty((3, capacity), np.int64)
    for text in range(n_texts):
        first_run, last_run = run_bounds[text], run_bounds[text + 1]
        copied = copies[copy_bounds[text] : copy_bounds[text + 1]]
        last = run_windows[last_run - 1] * (1 + copied[-1] if copied.size else 1)
        end = run_starts[last_run - 1] + last
        survivor = np.full(end, -1, np.int64)
        _paint(
            survivor, passages[bounds[text] : bounds[text + 1]], name_bounds[text],
            run_starts[first_run:last_run], run_windows[first_run:last_run],
        )  # fmt: skip
        for i in range(copied.size):
            start, period = run_starts[first_run + i], run_windows[first_run + i]
            for place in range(start + period, start + period * (1 + copied[i])):
                before = survivor[place - period]
                survivor[place] = before if before >= 0 else own[text]
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
        if offsets[text + 1] > offsets[text]:
            size = shrink_spans(points[offsets[text] : offsets[text + 1]], spans, begin, size, marks)
        counts[text] = size - begin
    return counts, spans[0, :size].astype(np.int32), spans[1, :size].astype(np.int32), spans[2, :size].copy()


@compiled()
def _paint(survivor: Int64s, passages: Int64s, first_name: int, run_starts: Int64s, run_windows: Int64s) -> None:
    """Writes at every window that is repeated the place of its origin's name: the smallest of those it has."""
    low, ends_flag = np.int64((1 << END_BIT) - 1), np.int64(1 << END_BIT)
    n_whole = 0
    ordered = np.sort(passages)  # edges first, from the last to the first; then whole runs, in order
    origins = np.empty(ordered.size, np.int64)
    for i in range(ordered.size):
        code = ordered[i]
        origins[i] = (code if code >= 0 else -1 - code) & low
        n_whole += code >= 0
    names = np.unique(origins)
    run = 0
    for code in ordered[ordered.size - n_whole :]:
        start = code >> PLACE_BITS
        while run_starts[run] < start:
            run += 1
        name = first_name + np.searchsorted(names, code & low)
        for place in range(start, start + run_windows[run]):
            if survivor[place] < 0 or name < survivor[place]:
                survivor[place] = name
    # Of one origin the first begin and the first end, the second ones, … are edges of the same windows in all.
    begins, ends = np.empty(ordered.size - n_whole, np.int64), np.empty(ordered.size - n_whole, np.int64)
    n_begins = n_ends = 0
    for code in ordered[: ordered.size - n_whole]:
        edge = -1 - code
        key = ((edge & low) << PLACE_BITS) + (edge >> PLACE_BITS)
        if edge & ends_flag:
            ends[n_ends] = key
            n_ends += 1
        else:
            begins[n_begins] = key
            n_begins += 1
    begins, ends = np.sort(begins[:n_begins]), np.sort(ends[:n_ends])
    for i in range(n_begins):
        name = first_name + np.searchsorted(names, begins[i] >> PLACE_BITS)
        for place in range(begins[i] & 0xFFFFFFFF, ends[i] & 0xFFFFFFFF):
            if survivor[place] < 0 or name < survivor[place]:
                survivor[place] = name
