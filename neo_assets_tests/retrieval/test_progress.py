"""Progress: counts as the statements join them, truth as plain Python has it, and when the loop stops."""

from __future__ import annotations

from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.supplement import RecallSettings, TruthSettings
from neo_assets.retrieval.model import (
    JUDGEMENT_SCHEMA,
    POSITIVE_SCHEMA,
    PROGRESS_SCHEMA,
    SCORE_SCHEMA,
    SITE_SCHEMA,
    THRESHOLD_SCHEMA,
)
from neo_assets.retrieval.progress import (
    Asked,
    Counts,
    ProgressError,
    Truth,
    counted,
    is_stopped,
    new_of,
    progress_row,
    round_state,
    stop_reason,
    truth_of,
)
from neo_assets.retrieval.recall import positives_sql
from neo_assets_tests.dedup.relations import query
from neo_assets_tests.retrieval.rounds import SITES, judgement, page, positive, table

THRESHOLDS = table(
    [
        {"threshold": 0.7, "precision": 0.91, "low": 0.8, "high": 0.95, "chosen": False},
        {"threshold": 0.9, "precision": 0.97, "low": 0.92, "high": 0.99, "chosen": True},
    ],
    THRESHOLD_SCHEMA,
)
NONE = PROGRESS_SCHEMA.empty_table()
MADE = st.lists(
    st.tuples(st.sampled_from(SITES), st.sampled_from(["before", "again", "recalled", "yes", "no", "failed", "both"])),
    max_size=14,
)


def batches(of: pa.Table) -> list[pa.RecordBatch]:
    return list(of.to_batches(max_chunksize=3))


@settings(max_examples=40)
@given(MADE)
def test_counts_are_those_of_the_joined_positives(made: list[tuple[str, str]]) -> None:
    before, recalled, annotations = [], [], []
    for number, (site, how) in enumerate(made):
        row = page(f"d{number:02d}", site)
        if how in ("before", "again"):
            before.append(positive(row))
        if how in ("again", "recalled", "both"):
            recalled.append(row | {"collected": how == "again"})
        if how in ("yes", "no", "failed", "both"):
            annotations.append(judgement(row, {"no": False, "failed": None}.get(how, True)))
    tables = {
        "positives": table(before, POSITIVE_SCHEMA),
        "recalled": table(recalled, SCORE_SCHEMA),
        "annotations": table(annotations, JUDGEMENT_SCHEMA),
    }
    sites = table([{"base_url": site, "specific": site != SITES[0]} for site in SITES], SITE_SCHEMA)
    counts = counted(*map(batches, (*tables.values(), sites)))
    after = query(positives_sql(1), **tables).to_pylist()
    new = [row for row in after if row["round"] == 1]
    assert counts.before + counts.new == len(after)
    assert [counts.recalled, counts.annotated] == [
        sum(row["how"] == how for row in new) for how in ("recalled", "annotated")
    ]
    assert counts.new_base_urls == len({r["base_url"] for r in new} - {r["base_url"] for r in before})
    assert counts.specific_base_urls == 2
    both = [
        batch for found in new_of(*(batches(tables[name]) for name in ("recalled", "annotations"))) for batch in found
    ]
    assert {row["doc_id"] for batch in both for row in batch.to_pylist()} == {row["doc_id"] for row in new}


HOSTS = ("good.test", "bad.good.test", "very.bad.good.test", "other.test", "notgood.test", "good.test.")
POOL = st.lists(st.tuples(st.sampled_from(HOSTS), st.sampled_from(["", ":8080"]), st.booleans()), max_size=25)
TRUTHS = (
    TruthSettings(positive_hosts=("good.test",)),
    TruthSettings(positive_hosts=("good.test",), negative_hosts=("other.test",)),
    TruthSettings(positive_hosts=("good.test",), negative_hosts=("bad.good.test", "other.test")),
    TruthSettings(positive_hosts=("very.bad.good.test", "good.test"), negative_hosts=("bad.good.test",)),
)


def naive_label(site: str, truth: TruthSettings) -> bool | None:
    host = (urlsplit(site).hostname or "").rstrip(".")
    matches = [
        (len(one), belongs)
        for hosts, belongs in ((truth.negative_hosts, False), (truth.positive_hosts, True))
        for one in hosts
        if host == one or host.endswith("." + one)
    ]
    return max(matches)[1] if matches else (None if truth.negative_hosts else False)


@settings(max_examples=40)
@given(POOL, st.sampled_from(TRUTHS), st.lists(st.sampled_from(HOSTS), max_size=2))
def test_truth_is_what_plain_python_says(
    pool: list[tuple[str, str, bool]], truth: TruthSettings, seed_hosts: list[str]
) -> None:
    pages = [page(f"d{n:02d}", f"http://{host}{port}") for n, (host, port, _) in enumerate(pool)]
    found = [row for row, (_, _, is_found) in zip(pages, pool, strict=True) if is_found]
    seeds = [page(f"seed{host}", f"http://{host}") for host in seed_hosts]
    measured = [row for row in pages if row["base_url"] not in {seed["base_url"] for seed in seeds}]
    measured = [row for row in measured if naive_label(row["base_url"], truth) is not None]
    right = [row for row in measured if row in found and naive_label(row["base_url"], truth)]
    belonging = sum(bool(naive_label(row["base_url"], truth)) for row in measured)
    n_found = sum(row in found for row in measured)
    got = truth_of(
        batches(table(pages, SCORE_SCHEMA)),
        batches(table([positive(row) for row in [*seeds, *found]], POSITIVE_SCHEMA)),
        batches(table([positive(row) for row in seeds], POSITIVE_SCHEMA)),
        truth,
    )
    assert got.precision == (round(len(right) / n_found, 6) if n_found else None)
    assert got.recall == (round(len(right) / belonging, 6) if belonging else None)


def test_truth_is_held_out() -> None:
    """Base URLs with a seed count neither as found nor as missed; a positive outside the pool counts for nothing."""
    pool = [page("taught", "http://a.good.test"), page("beside", "http://a.good.test")]
    pool += [page("found", "http://b.good.test"), page("missed", "http://b.good.test"), page("wrong", "http://x.test")]
    positives = [positive(row) for row in (pool[0], pool[2], pool[4], page("file", "seed:good"))]
    got = truth_of(
        batches(table(pool, SCORE_SCHEMA)),
        batches(table(positives, POSITIVE_SCHEMA)),
        batches(table(positives[:1], POSITIVE_SCHEMA)),
        TruthSettings(positive_hosts=("good.test",)),
    )
    assert got == Truth(0.5, 0.5)


def test_rounds_follow_each_other_until_too_little_is_new() -> None:
    settings = RecallSettings(min_new_share=0.02)
    first = progress_row(
        "maths", 1, NONE, Counts(100, 40, 10, 7, 3), THRESHOLDS, Asked(80, 2), Truth(0.98, 0.6), settings
    )
    assert first.schema == PROGRESS_SCHEMA
    assert first.to_pylist() == [
        {
            "domain": "maths",
            "round": 1,
            "threshold": 0.9,
            "precision": 0.97,
            "precision_low": 0.92,
            "precision_high": 0.99,
            "recalled": 40,
            "annotated": 10,
            "new_documents": 50,
            "new_base_urls": 7,
            "new_share": 0.5,
            "positives": 150,
            "specific_base_urls": 3,
            "judged": 80,
            "failed": 2,
            "truth_precision": 0.98,
            "truth_recall": 0.6,
            "stopped": False,
            "reason": "goes on",
        }
    ]
    assert not is_stopped(round_state(first))
    second = progress_row("maths", 2, first, Counts(150, 2, 0, 0, 3), THRESHOLDS, Asked(9), Truth(0.97, 0.7), settings)
    assert second["stopped"].to_pylist() == [False, True]
    assert second["reason"].to_pylist()[1] == "new positives: 2, less than 2 % of the 150 before"
    assert is_stopped(round_state(second))
    third = progress_row("maths", 3, second, Counts(152), THRESHOLD_SCHEMA.empty_table(), Asked(), None, settings)
    fourth = progress_row("maths", 4, third, Counts(152), THRESHOLD_SCHEMA.empty_table(), Asked(), None, settings)
    assert fourth.slice(0, 2).equals(second)
    for row in fourth.slice(2).to_pylist():
        carried = {name: row[name] for name in ("positives", "truth_precision", "truth_recall", "stopped", "reason")}
        assert list(carried.values()) == [152, 0.97, 0.7, True, "stopped after round 2"]
        assert row["threshold"] is None and row["precision"] is None
        assert not any(
            row[name] for name in ("recalled", "annotated", "new_documents", "new_share", "judged", "failed")
        )
    assert is_stopped(round_state(fourth))


@pytest.mark.parametrize(
    ("counts", "min_new_share", "stops"),
    [
        (Counts(100), 0.0, True),
        (Counts(100, 1), 0.0, False),
        (Counts(100, 2), 0.02, False),
        (Counts(100, 1), 0.02, True),
        (Counts(100, 0, 2), 0.02, False),
        (Counts(0, 1), 0.5, False),
        (Counts(0), 0.02, True),
    ],
)
def test_when_it_stops(counts: Counts, min_new_share: float, stops: bool) -> None:
    settings = RecallSettings(min_new_share=min_new_share)
    assert (stop_reason(counts, settings) is not None) == stops
    found = progress_row("laws", 1, NONE, counts, THRESHOLD_SCHEMA.empty_table(), Asked(), None, settings)
    assert is_stopped(round_state(found)) == stops
    assert found["new_share"].to_pylist() == [counts.new / counts.before if counts.before else None]


def test_rounds_out_of_turn_are_refused() -> None:
    settings = RecallSettings()
    first = progress_row("maths", 1, NONE, Counts(1, 1), THRESHOLDS, Asked(), None, settings)
    for domain, number, previous in (("maths", 3, first), ("maths", 1, first), ("laws", 2, first), ("maths", 2, NONE)):
        with pytest.raises(ProgressError, match="build the rounds before it first"):
            progress_row(domain, number, previous, Counts(1, 1), THRESHOLDS, Asked(), None, settings)


def test_a_state_is_refused_unless_it_is_one() -> None:
    assert not is_stopped(round_state(NONE))
    for state in (b"", b"{}", b"[]", b'{"stopped": 1}', b"\xff", b'{"stopped": null}', b"null"):
        with pytest.raises(ProgressError, match="build the positives of that round again"):
            is_stopped(state)
