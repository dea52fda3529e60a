from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.tokenizer import SamplingSettings
from neo_assets.tokens.keyed import key, uniform
from neo_assets.tokens.vocabulary.sample import SampleDocuments, draw_documents, sample_fractions

FRACTIONS = {"a": 0.3, "b": 2.5, "none": 0.0}


def take_sample(documents: pa.Table, fractions: dict[str, float], seed: int) -> pa.Table:
    kernel = SampleDocuments.of(fractions, seed)
    return pa.Table.from_batches([kernel(batch) for batch in documents.to_batches()])


def table(n: int) -> pa.Table:
    return pa.table({"doc_id": [f"s:{i:05d}" for i in range(n)], "subset": ["a" if i % 2 else "b" for i in range(n)]})


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(1, 7))
def test_sample_depends_neither_on_order_nor_on_partitioning(random, parts: int) -> None:  # type: ignore[no-untyped-def]
    documents = table(200)
    whole = take_sample(documents, FRACTIONS, 42)
    shuffled = documents.take(random.sample(range(200), 200))
    size = -(-200 // parts)
    pieces = pa.concat_tables([take_sample(shuffled.slice(i, size), FRACTIONS, 42) for i in range(0, 200, size)])
    assert (
        pieces.sort_by("doc_id").equals(whole.combine_chunks())
        or pieces.sort_by("doc_id").to_pylist() == whole.to_pylist()
    )


def test_fractions_and_repeats_are_met_and_seeded() -> None:
    rows = take_sample(table(8000), FRACTIONS, 42).to_pylist()
    copies_a = [row["copies"] for row in rows if row["subset"] == "a"]
    copies_b = [row["copies"] for row in rows if row["subset"] == "b"]
    assert set(copies_a) == {1}
    assert abs(len(copies_a) - 1200) < 100
    assert set(copies_b) == {2, 3}
    assert len(copies_b) == 4000
    assert abs(sum(copies_b) - 10_000) < 120
    assert rows != take_sample(table(8000), FRACTIONS, 43).to_pylist()


def test_a_larger_fraction_only_adds_documents() -> None:
    few = set(take_sample(table(500), {"a": 0.2, "b": 0.2}, 1)["doc_id"].to_pylist())
    more = set(take_sample(table(500), {"a": 0.4, "b": 0.4}, 1)["doc_id"].to_pylist())
    assert few < more


def test_one_scale_for_all_weights() -> None:
    settings = SamplingSettings(total_characters=1000, weights={"code": 3.0, "skip": 0.0})
    fractions = sample_fractions({"code": 1000, "web": 7000, "skip": 50}, settings)
    assert fractions == {"code": 0.3, "web": 0.1, "skip": 0.0}
    assert sample_fractions({"code": 1, "web": 1, "skip": 0}, settings) == {"code": 3.0, "web": 1.0, "skip": 0.0}


def test_typos_and_emptiness_are_refused() -> None:
    settings = SamplingSettings(total_characters=10, weights={"coed": 2.0})
    with pytest.raises(ValueError, match="unknown subsets: coed"):
        sample_fractions({"code": 5}, settings)
    with pytest.raises(ValueError, match="sample is empty"):
        sample_fractions({"code": 0}, SamplingSettings(total_characters=10))


@given(st.lists(st.text(max_size=4), max_size=60), st.integers(1, 30), st.integers(0, 3))
def test_a_draw_is_of_the_smallest_hashes(ids: list[str], n: int, seed: int) -> None:
    hashed = sorted((uniform(doc_id, key("documents drawn", seed)), doc_id) for doc_id in set(ids))
    assert draw_documents(ids, n, seed) == sorted(doc_id for _, doc_id in hashed[:n])
    assert draw_documents(reversed(ids), n, seed) == draw_documents(ids, n, seed)


def test_draws_differ_by_seed() -> None:
    ids = [str(i) for i in range(1000)]
    assert draw_documents(ids, 20, 1) != draw_documents(ids, 20, 2)
