from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.cuts import CUTS, LINE_CUTS, SHORT_RULES, judged, left
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets_tests.dedup.naive_cuts import Cut, cuts_column, merged

SPANS = st.lists(st.builds(Cut, st.integers(0, 12), st.integers(0, 12), st.sampled_from("ABC")), max_size=6)
TEXTS = st.text("aß字𠮷\n ", max_size=14)


def batch(*texts: str | None) -> pa.RecordBatch:
    columns = {"doc_id": [f"d{i}" for i in range(len(texts))], "text": list(texts), "score": [0.5] * len(texts)}
    schema = pa.schema([("doc_id", "string"), ("text", "string"), ("score", "float32")])
    return pa.RecordBatch.from_pydict(columns, schema)


@given(SPANS)
def test_merged_covers_the_same_characters_sorted_disjoint_and_non_empty(cuts: list[Cut]) -> None:
    found = merged(cuts)
    covered = [place for cut in found for place in range(cut.start, cut.end)]
    assert covered == sorted({place for cut in cuts for place in range(cut.start, cut.end)})
    assert all(cut.start < cut.end for cut in found)
    for one, two in pairwise(found):
        assert one.end < two.start or (one.end == two.start and one.survivor != two.survivor)
    assert merged(reversed(cuts)) == found == merged(found)
    for cut in found:  # each character belongs to the cut over it that starts first
        for place in range(cut.start, cut.end):
            over = [c for c in cuts if c.start <= place < c.end]
            assert cut.survivor == min(over, key=lambda c: (c.start, -c.end, c.survivor)).survivor


def test_touching_cuts_of_two_survivors_stay_two() -> None:
    assert merged([Cut(0, 4, "B"), Cut(2, 6, "A"), Cut(6, 7, "A")]) == [Cut(0, 4, "B"), Cut(4, 7, "A")]


@given(st.lists(st.tuples(TEXTS, SPANS), max_size=5), st.integers(0, 8), st.integers(0, 4))
def test_judged_makes_the_cuts_and_rejects_what_is_left_too_short(
    rows: list[tuple[str, list[Cut]]], least: int, offset: int
) -> None:
    texts = [text for text, _ in rows]
    cuts = [[cut for cut in merged(given) if cut.end <= len(text)] for text, given in rows]
    whole, column = batch(*texts), cuts_column(cuts)
    out = judged(whole.slice(offset), LINE_CUTS, column.slice(offset), least).to_pylist()
    for row, text, made in zip(out, texts[offset:], cuts[offset:], strict=True):
        gone = {place for cut in made for place in range(cut.start, cut.end)}
        assert row["text"] == "".join(c for place, c in enumerate(text) if place not in gone)
        assert row["text"] == left(text, [(cut.start, cut.end) for cut in made])
        assert [Cut(**cut) for cut in row[LINE_CUTS]] == made
        n = len(row["text"])
        if n < least:
            assert (row["verdict"], row["rule"], row["value"]) == ("rejected", SHORT_RULES[LINE_CUTS], float(n))
            assert row["threshold"] == float(least)
            assert row["survivor"] == (made[0].survivor if made else None)
            assert row["reason"] == f"{n} of {len(text)} characters left, fewer than {least}"
        else:
            assert row["verdict"] == "kept"
            assert all(row[field.name] is None for field in VERDICT_COLUMNS[1:])


def test_a_document_without_text_is_quarantined_and_other_columns_stay() -> None:
    out = judged(batch(None, "ab"), LINE_CUTS, cuts_column([[], [Cut(0, 1, "x")]]), 0)
    assert out.schema.field("score").type == pa.float32()
    assert out.schema.field(LINE_CUTS).type == CUTS
    assert out.schema.names == ["doc_id", "text", "score", LINE_CUTS, *(field.name for field in VERDICT_COLUMNS)]
    missing, cut = out.to_pylist()
    assert (missing["verdict"], missing["reason"], missing["text"]) == ("quarantined", "the document has no text", None)
    assert (cut["verdict"], cut["text"], cut["survivor"]) == ("kept", "b", None)


def test_no_rows_give_the_same_schema() -> None:
    one = judged(batch("a"), LINE_CUTS, cuts_column([[]]), 3)
    assert judged(batch(), LINE_CUTS, cuts_column([]), 3).schema == one.schema


def test_an_unknown_column_of_cuts_is_refused() -> None:
    with pytest.raises(KeyError):
        judged(batch("a"), "other_cuts", cuts_column([[]]), 0)
