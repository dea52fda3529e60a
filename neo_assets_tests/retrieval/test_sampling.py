from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.supplement import SamplingSettings
from neo_assets.retrieval.model import TEST, TRAIN, VALID, sample_key
from neo_assets.retrieval.sampling import MIN_BASE_URLS, drawn_sql

CANDIDATE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("base_url", pa.string()),
        ("sample_key", pa.float64()),
        ("site_key", pa.float64()),
        ("label", pa.int32()),
    ]
)
Row = dict[str, Any]


def candidate(doc_id: str, site: str, label: int) -> Row:
    key, site_key = (sample_key(1, "draw", one) for one in (doc_id, site))
    row = {"doc_id": doc_id, "url": f"{site}/{doc_id}", "base_url": site, "sample_key": key}
    return row | {"site_key": site_key, "label": label}


def drawn(rows: list[Row], chosen: SamplingSettings) -> list[Row]:
    connection = _connection()
    connection.register("candidates", pa.Table.from_pylist(rows, CANDIDATE_SCHEMA))
    table = connection.sql(drawn_sql(chosen)).to_arrow_table()
    assert table.schema == pa.schema([("doc_id", pa.string()), ("label", pa.int32()), ("split", pa.string())])
    return table.to_pylist()


@lru_cache(maxsize=1)
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def naive_splits(rows: list[Row], chosen: SamplingSettings) -> dict[str, str]:
    split_of: dict[str, str] = {}
    with_positives = {row["base_url"] for row in rows if row["label"]}
    for positive in (True, False):
        sites = {(row["site_key"], row["base_url"]) for row in rows if (row["base_url"] in with_positives) == positive}
        ordered = [site for _, site in sorted(sites)]
        n_valid, n_test = (max(1, math.floor(share * len(sites))) for share in (chosen.valid_share, chosen.test_share))
        if len(sites) < MIN_BASE_URLS:
            n_valid = n_test = 0
        for place, site in enumerate(ordered):
            split_of[site] = VALID if place < n_valid else TEST if place < n_valid + n_test else TRAIN
    return split_of


def naive_draw(rows: list[Row], chosen: SamplingSettings) -> list[Row]:
    """The same draw in plain steps."""
    split_of = naive_splits(rows, chosen)
    by_key = sorted(rows, key=lambda row: (row["sample_key"], row["doc_id"]))
    sites = sorted({(row["site_key"], row["base_url"]) for row in rows if row["label"]})
    turns = []
    for _, site in sites:
        of_site = [row for row in by_key if row["label"] and row["base_url"] == site]
        turns.append(of_site[: math.ceil(chosen.per_class / len(sites))])
    longest = max(map(len, turns), default=0)
    positives = [turn[place] for place in range(longest) for turn in turns if place < len(turn)][: chosen.per_class]
    negatives = [row for row in by_key if not row["label"]]
    found = []
    for split in (TRAIN, VALID, TEST):
        classes = [[row for row in one if split_of[row["base_url"]] == split] for one in (positives, negatives)]
        n = min(map(len, classes)) if positives and negatives else 1
        found += [
            {"doc_id": row["doc_id"], "label": row["label"], "split": split} for one in classes for row in one[:n]
        ]
    return sorted(found, key=lambda row: row["doc_id"])


def candidates(sites: list[tuple[int, bool]]) -> list[Row]:
    """Some sites hold positives, some of those other pages too."""
    return [
        candidate(f"d{i:03}", f"https://s{site}.test", int(label and site < 6)) for i, (site, label) in enumerate(sites)
    ]


CANDIDATES = st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60).map(candidates)
SETTINGS = st.builds(
    SamplingSettings,
    per_class=st.integers(10, 20),
    valid_share=st.sampled_from([0.025, 0.25, 0.34, 0.49]),
    test_share=st.sampled_from([0.025, 0.2, 0.49]),
)


@settings(max_examples=30, deadline=None)
@given(CANDIDATES, SETTINGS)
def test_the_draw_is_the_naive_one(rows: list[Row], chosen: SamplingSettings) -> None:
    found = drawn(rows, chosen)
    assert found == naive_draw(rows, chosen)
    site_of = {row["doc_id"]: row["base_url"] for row in rows}
    splits = {(site_of[row["doc_id"]], row["split"]) for row in found}
    assert len(splits) == len({site for site, _ in splits}), "a base URL is in two splits"
    if {row["label"] for row in rows} == {0, 1}:
        counts = Counter((row["split"], row["label"]) for row in found)
        assert all(counts[split, 0] == counts[split, 1] for split in (TRAIN, VALID, TEST))


def many(random: Random, sizes: list[int], label: int, prefix: str) -> list[Row]:
    rows = [
        candidate(f"{prefix}{site}-{i}", f"https://{prefix}{site}.test", label)
        for site, n in enumerate(sizes)
        for i in range(n)
    ]
    return random.sample(rows, len(rows))


def test_a_large_site_does_not_outweigh_small_ones() -> None:
    rows = many(Random(1), [500, 3, 20, 40], 1, "p") + many(Random(2), [60] * 30, 0, "n")
    chosen = SamplingSettings(per_class=100)
    found = drawn(rows, chosen)
    assert found == naive_draw(rows, chosen) == drawn(rows[::-1], chosen)
    assert [row["doc_id"] for row in found] == sorted(row["doc_id"] for row in found)
    counts = Counter(row["doc_id"].partition("-")[0] for row in found if row["label"])
    assert counts == {"p0": 25, "p1": 3, "p2": 20, "p3": 25}  # ceil(100 / 4) of each at most
    splits = {row["doc_id"].partition("-")[0]: row["split"] for row in found if row["label"]}
    assert Counter(splits.values()) == {TRAIN: 2, VALID: 1, TEST: 1}


def test_more_sites_than_wanted_positives_are_cut() -> None:
    rows = many(Random(1), [2] * 40, 1, "p") + many(Random(2), [1] * 200, 0, "n")
    found = drawn(rows, SamplingSettings(per_class=15))
    positives = [row["doc_id"].partition("-")[0] for row in found if row["label"]]
    assert len(positives) == 15 == len(set(positives)) and len(found) == 30


@pytest.mark.parametrize("n_sites", [1, 3, 4])
def test_few_sites_are_all_trained_on(n_sites: int) -> None:
    rows = many(Random(1), [5] * n_sites, 1, "p") + many(Random(2), [50] * 5, 0, "n")
    counts = Counter((row["split"], row["label"]) for row in drawn(rows, SamplingSettings(per_class=50)))
    expected = {(split, label): 10 if split == TRAIN else 5 for split in (TRAIN, VALID, TEST) for label in (0, 1)}
    assert counts == (expected if n_sites == MIN_BASE_URLS else {(TRAIN, 0): 5 * n_sites, (TRAIN, 1): 5 * n_sites})


def test_without_a_class_or_a_page_little_is_drawn() -> None:
    chosen = SamplingSettings(per_class=50)
    assert drawn([], chosen) == []
    for label in (0, 1):
        found = drawn(many(Random(1), [5] * 9, label, "x"), chosen)
        assert Counter(row["split"] for row in found) == {TRAIN: 1, VALID: 1, TEST: 1}
        assert {row["label"] for row in found} == {label}
