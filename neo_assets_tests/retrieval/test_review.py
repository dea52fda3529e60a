from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.model import BASE_URL, REVIEW, REVIEW_SCHEMA, SCORE_SCHEMA, STRATUM_SCHEMA
from neo_assets.retrieval.review import LEFT_OUT, Excerpts, Strata, excerpt, review_sql, strata_sql
from neo_assets_tests.retrieval.judging_tables import query, scored

EDGES = (0.1, 0.5, 0.9)
SITES = ("https://a.test", "https://b.test", "https://c.test")
PAGE = st.fixed_dictionaries(
    {
        "base_url": st.sampled_from(SITES),
        "score": st.sampled_from((0.0, 0.05, 0.1, 0.499999, 0.5, 0.7, 0.9, 0.95, 1.0)),
        "collected": st.sampled_from((False, False, True)),
        "sample_key": st.sampled_from((0.0, 0.25, 0.5, 0.75)),
    }
)


def graded(rows: list[dict[str, Any]]) -> pa.Table:
    kernel = Strata(EDGES)
    table = scored([{"doc_id": f"d{number:02d}", **row} for number, row in enumerate(rows)])
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=SCORE_SCHEMA)]
    return pa.Table.from_batches([kernel(batch) for batch in batches])


def naive(rows: list[dict[str, Any]], floor: float, per_stratum: int, per_site: int) -> list[tuple[str, str, int]]:
    free = sorted((row for row in rows if not row["collected"]), key=lambda row: (row["sample_key"], row["doc_id"]))
    of_stratum, of_site, found = Counter(), Counter(), {}
    for row in free:
        stratum = bisect_right(EDGES, row["score"])
        of_stratum[stratum] += 1
        if row["score"] >= floor:
            of_site[row["base_url"]] += 1
            if of_site[row["base_url"]] <= per_site:
                found[row["doc_id"]] = (BASE_URL, stratum)
        if of_stratum[stratum] <= per_stratum:
            found[row["doc_id"]] = (REVIEW, stratum)
    return [(doc_id, *found[doc_id]) for doc_id in sorted(found)]


@settings(max_examples=25)
@given(st.lists(PAGE, max_size=24), st.integers(1, 3), st.integers(0, 3), st.sampled_from((0.5, 0.6)))
def test_the_sample_is_as_a_loop_would_draw_it(rows, per_stratum, per_site, floor):
    table = graded(rows)
    review = ReviewSettings(edges=EDGES, default_threshold=0.9, floor=floor, pages_per_stratum=per_stratum)
    found = query(review_sql(review, RecallSettings(judged_per_base_url=per_site)), scored=table)
    assert found.column_names == ["doc_id", "purpose", "stratum"]
    assert found.schema.field("stratum").type == pa.int32()
    expected = naive(table.to_pylist(), floor, per_stratum, per_site)
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
    counts = defaultdict(int)
    for row in table.to_pylist():
        counts[bisect_right(EDGES, row["score"])] += not row["collected"]
    strata = query(strata_sql(review), scored=table)
    assert strata.schema.equals(STRATUM_SCHEMA)
    edges = (0.0, *EDGES, 1.0)
    assert [tuple(row.values()) for row in strata.to_pylist()] == [
        (stratum, edges[stratum], edges[stratum + 1], pages) for stratum, pages in sorted(counts.items()) if pages
    ]


def test_nothing_scored_is_nothing_to_review():
    review = ReviewSettings(edges=EDGES, default_threshold=0.9)
    assert query(review_sql(review, RecallSettings()), scored=graded([])).num_rows == 0
    assert query(strata_sql(review), scored=graded([])).schema.equals(STRATUM_SCHEMA)


@pytest.mark.parametrize(
    ("text", "n_chars", "expected"),
    [
        (None, 9, ""),
        ("  \n ", 9, ""),
        (" abcdefghi\n", 9, "abcdefghi"),
        ("abcdefghijkl", 9, f"abcdef{LEFT_OUT}ghi"),
        ("abcdefghij" * 10, 9, f"abcdef{LEFT_OUT}ija"),
        ("𝒜法" * 40, 3, f"𝒜法{LEFT_OUT}法"),
    ],
)
def test_an_excerpt_shows_beginning_and_middle(text, n_chars, expected):
    found = excerpt(text, n_chars)
    assert len(found.replace(LEFT_OUT, "")) <= n_chars
    assert found == expected


def test_rows_that_nobody_asks_about_are_left_out():
    row = {"doc_id": "a", "url": "https://a.test/1", "base_url": "https://a.test", "title": None, "text": "x" * 50}
    asked = {**row, "score": 0.5, "collected": False, "purpose": REVIEW, "stratum": 1}
    other = {**row, "doc_id": "b", "score": None, "collected": None, "purpose": None, "stratum": None}
    schema = pa.schema([*(field for field in REVIEW_SCHEMA if field.name != "excerpt"), ("text", pa.string())])
    batch = pa.RecordBatch.from_pylist([other, asked], schema=schema)
    found = Excerpts(9)(batch)
    assert found.schema.equals(REVIEW_SCHEMA)
    assert found.to_pylist() == [
        {name: asked[name] for name in REVIEW_SCHEMA.names[:-1]} | {"excerpt": f"xxxxxx{LEFT_OUT}xxx"}
    ]
    assert Excerpts(9)(batch.slice(0, 0)).schema.equals(REVIEW_SCHEMA)
