"""Which pages are shown."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.report.choice import chosen, spread
from neo_assets.documents.report.facts import FACT_SCHEMA

Scores = list[list[float | None]]


def facts(scores: Scores) -> pa.Table:
    """A row a page, with documents named a, b, … and their pages' scores."""
    rows = [
        {"doc_id": f"d{n:03d}", "page": page, "mean_score": score, "layout_score": 0.9}
        for n, pages in enumerate(scores)
        for page, score in enumerate(pages, 1)
    ]
    return pa.Table.from_pylist(rows, FACT_SCHEMA)


def test_first_pages_then_the_worst_then_others() -> None:
    scores: Scores = [[0.9] * 20, [0.9] * 10 + [0.2] + [0.9] * 9]
    pages = [("d000", 1), ("d000", 2), ("d000", 3), ("d000", 12), ("d001", 1), ("d001", 2), ("d001", 11), ("d001", 12)]
    assert chosen(facts(scores), 8) == pages


@given(st.lists(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8), max_size=8), st.integers(0, 30))
def test_so_many_as_allowed_without_repetition_in_order(scores: Scores, n: int) -> None:
    found = chosen(facts(scores), n)
    assert len(found) == min(n, sum(map(len, scores)))
    assert found == sorted(set(found))
    if n >= 4 and found:
        assert found[0] == ("d000", 1)
    if n >= 2 * len(scores):
        assert {(f"d{k:03d}", 1) for k in range(len(scores))} <= set(found)


@given(st.lists(st.lists(st.floats(0.1, 1), min_size=1, max_size=8), min_size=1, max_size=8), st.data())
def test_the_worst_page_is_shown(scores: Scores, data: st.DataObject) -> None:
    document = data.draw(st.integers(0, len(scores) - 1))
    page = data.draw(st.integers(0, len(scores[document]) - 1))
    scores[document][page] = 0.01
    assert (f"d{document:03d}", page + 1) in chosen(facts(scores), 4)


@given(st.lists(st.integers(), unique=True), st.integers(-1, 20))
def test_values_are_spread_evenly(values: list[int], n: int) -> None:
    found = spread(values, n)
    assert len(found) == min(max(n, 0), len(values))
    places = [values.index(value) for value in found]
    assert not places or places[0] == 0
    gaps = {after - before for before, after in pairwise(places)}
    assert len(gaps) <= 2 and (len(gaps) < 2 or max(gaps) - min(gaps) == 1)
