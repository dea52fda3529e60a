"""What is cut out of a document's text: spans of characters, each with the document that keeps the passage.

A column of cuts is a list per document of {start, end, survivor}: code points of the text as it came in, end exclusive,
sorted and disjoint. A stage that cuts replaces `text` by what is left, so a reader can undo it with the text before.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, with_verdicts

CUT = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("survivor", pa.string())])
CUTS = pa.list_(CUT)

PARAGRAPH_CUTS, SUBSTRING_CUTS, LINE_CUTS = "paragraph_cuts", "substring_cuts", "line_cuts"
SHORT_RULES = {
    PARAGRAPH_CUTS: "short_after_paragraphs",
    SUBSTRING_CUTS: "short_after_substrings",
    LINE_CUTS: "short_after_lines",
}
"""The rule that rejects a document left too short, by the column of the cuts that made it so."""


def left(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """What is left of the text without these sorted, disjoint spans (start, end)."""
    pieces: list[str] = []
    place = 0
    for start, end in spans:
        pieces.append(text[place:start])
        place = end
    pieces.append(text[place:])
    return "".join(pieces)


def cuts_from(
    offsets: npt.NDArray[np.int64], starts: npt.NDArray[np.int32], ends: npt.NDArray[np.int32], survivors: pa.Array
) -> pa.ListArray:
    """The column whose document i has the cuts offsets[i] … offsets[i + 1] - 1 of these arrays."""
    spans = [pa.array(starts, pa.int32()), pa.array(ends, pa.int32()), survivors.cast(pa.string())]
    structs = pa.StructArray.from_arrays(spans, fields=list(CUT))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=CUTS)


def judged(batch: pa.RecordBatch, name: str, cuts: pa.ListArray, min_document_chars: int) -> pa.RecordBatch:
    """The batch with its cuts made: `text` is what is left, column `name` the cuts, then the verdict columns.

    Args:
        batch: rows with `text`; all other columns are carried along.
        name: `PARAGRAPH_CUTS`, `SUBSTRING_CUTS` or `LINE_CUTS`.
        cuts: one list per row (`CUTS`, no nulls), sorted and disjoint.
        min_document_chars: a document left with fewer characters is rejected, by the rule in `SHORT_RULES`; its
            survivor is that of its first cut, null where nothing was cut. A document without text is quarantined.
    """
    before = batch.column("text")
    after = _made(before, cuts)
    n_before, n_left = pc.utf8_length(before), pc.utf8_length(after)
    missing = before.is_null()
    short = pc.fill_null(pc.less(n_left, min_document_chars), False)
    column = batch.schema.get_field_index("text")
    changed = batch.set_column(column, batch.schema.field(column), after).append_column(pa.field(name, CUTS), cuts)
    limit = f" characters left, fewer than {min_document_chars}"
    what = pc.binary_join_element_wise(n_left.cast(pa.string()), " of ", n_before.cast(pa.string()), limit, "")
    return with_verdicts(
        changed,
        verdict=pc.if_else(missing, QUARANTINED, pc.if_else(short, REJECTED, KEPT)),
        rule=_where(short, pa.scalar(SHORT_RULES[name])),
        value=_where(short, n_left.cast(pa.float64())),
        threshold=_where(short, pa.scalar(float(min_document_chars))),
        survivor=_where(short, _first_survivors(cuts)),
        reason=pc.if_else(missing, pa.scalar("the document has no text"), _where(short, what)),
    )


def _where(mask: pa.Array, values: pa.Array | pa.Scalar) -> pa.Array:
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _made(texts: pa.Array, cuts: pa.ListArray) -> pa.Array:
    """The texts with their cuts made; only those with a cut pass through Python."""
    counts = cuts.value_lengths()
    which = pc.and_(pc.greater(counts, 0), texts.is_valid())
    if not which.true_count:
        return texts
    chosen = cuts.filter(which)
    flat = chosen.flatten()
    spans = zip(flat.field("start").to_pylist(), flat.field("end").to_pylist(), strict=True)
    lefts: list[str] = []
    for text, count in zip(texts.filter(which).to_pylist(), chosen.value_lengths().to_pylist(), strict=True):
        lefts.append(left(text, [next(spans) for _ in range(count)]))
    return pc.replace_with_mask(texts, which, pa.array(lefts, texts.type))


def _first_survivors(cuts: pa.ListArray) -> pa.Array:
    """The survivor of each row's first cut, null where there is none."""
    lengths = cuts.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    firsts = np.cumsum(lengths) - lengths
    return cuts.flatten().field("survivor").take(pa.array(firsts, mask=lengths == 0))
