"""Threshold studies against a reference that looks at one document at a time, and their independence of order."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.studies import StudySettings
from neo_assets.text.judge import JudgeByRules, MissingSignalError
from neo_assets.text.rule import Rule
from neo_assets.text.studies import ALL, Group, Study, study_thresholds
from neo_assets.text.study_report import PAGE_BYTES, rules_table, study_files
from neo_assets.text.study_sample import QUANTILES, Sample, bin_edges, document_hashes, histogram, quantiles

Row = dict[str, Any]
FEW = (0.0, 0.1, 0.5, 0.5000001, 1.0, 2.0, 50.0, -3.0)
SETTINGS = StudySettings(sample_documents=7, samples_per_side=2, excerpt_chars=8, bins=5)
PNG = b"\x89PNG\r\n\x1a\n"

values = st.sampled_from([*FEW, math.nan, math.inf]) | st.floats(-10, 100)
rows_of_documents = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | values,
            "b": values,
            "language": st.sampled_from(["zh", "en", None]),
            "ut1": st.sampled_from([None, 0, 3]),
        }
    ),
    max_size=14,
)


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[Rule, ...]:
    found = []
    for signal in ("a", "b"):
        limits = sorted(draw(st.lists(st.sampled_from(FEW), min_size=2, max_size=2)))
        which = draw(st.sampled_from(["both", "minimum", "maximum"]))
        found.append(
            Rule(
                f"rule_{signal}", signal, "units", "test",
                bounds=draw(st.sampled_from(["inclusive", "exclusive", "exclusive_minimum"])),
                minimum=limits[0] if which != "maximum" else None, maximum=limits[1] if which != "minimum" else None,
                missing=draw(st.sampled_from(["passes", "quarantines"])),
            )
        )  # fmt: skip
    found.append(Rule("label", "language", "", "test", comparison="equals", label="zh", missing="passes"))
    found.append(Rule("list", "ut1", "category", "test", comparison="absent"))
    return tuple(draw(st.permutations(found)))


def table(rows: Sequence[Row], start: int = 0) -> pa.Table:
    named = [
        {"doc_id": f"d{i * 7 % 100:03}", "url": f"u{i}", "text": f"text  number\n{i}", **row}
        for i, row in enumerate(rows, start)
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("doc_id", "url", "text")),
            ("a", pa.float64()), ("b", pa.float64()), ("language", pa.string()), ("ut1", pa.int32()),
        ]
    )  # fmt: skip
    return pa.Table.from_pylist(named, schema=schema)


def numeric(value: Any) -> float:
    return math.nan if value is None else float(value)


def fails(rule: Rule, row: Row) -> bool:
    value = row[rule.signal]
    if rule.comparison == "equals":
        return value is not None and value != rule.label
    if rule.comparison == "absent":
        return value is not None and value != 0
    number = numeric(value)
    low, high = rule.minimum, rule.maximum
    below = low is not None and (number < low if rule.bounds == "inclusive" else number <= low)
    above = high is not None and (number >= high if rule.bounds == "exclusive" else number > high)
    return below or above


def is_missing(rule: Rule, row: Row) -> bool:
    if rule.comparison == "absent":
        return False
    value = row[rule.signal]
    return value is None or (rule.comparison == "range" and math.isnan(value))


def study(rules: tuple[Rule, ...], *tables: pa.Table, settings: StudySettings = SETTINGS) -> Study:
    return study_thresholds([Group(f"p{i}", rules, documents) for i, documents in enumerate(tables)], settings)


def of_all(found: Study) -> dict[str, Row]:
    return {row["rule"]: row for row in found.rows.to_pylist() if row["partition"] == ALL}


@given(rows_of_documents, rule_sets())
def test_counts_equal_those_of_one_document_at_a_time(rows: list[Row], rules: tuple[Rule, ...]) -> None:
    found = of_all(study(rules, table(rows)))
    quarantined = [any(r.missing == "quarantines" and is_missing(r, row) for r in rules) for row in rows]
    failing = [[] if q else [r.name for r in rules if fails(r, row)] for q, row in zip(quarantined, rows, strict=True)]
    assert list(found) == [rule.name for rule in rules]
    for rule in rules:
        row = found[rule.name]
        assert row["documents"] == len(rows)
        assert row["missing"] == sum(is_missing(rule, r) for r in rows)
        assert row["rejected"] == sum(rule.name in names for names in failing)
        assert row["first"] == sum(names[:1] == [rule.name] for names in failing)
        assert row["alone"] == sum(names == [rule.name] for names in failing)
        if rows:
            assert row["share_rejected"] == row["rejected"] / len(rows)
        numbers = sorted(v for v in (numeric(r[rule.signal]) for r in rows) if not math.isnan(v)) if rule.name in {
            "rule_a", "rule_b"
        } else []  # fmt: skip
        assert (row["smallest"], row["largest"]) == ((numbers[0], numbers[-1]) if numbers else (None, None))
        assert row["sampled"] <= SETTINGS.sample_documents


@given(rows_of_documents, rule_sets())
def test_counts_equal_the_verdicts_of_the_judge(rows: list[Row], rules: tuple[Rule, ...]) -> None:
    documents = table(rows)
    found = study(rules, documents)
    judged = [row for batch in documents.to_batches() for row in JudgeByRules(rules)(batch).to_pylist()]
    verdicts = [row["verdict"] for row in judged]
    assert found.totals["documents"] == len(rows)
    for verdict in ("kept", "rejected", "quarantined"):
        assert found.totals[verdict] == verdicts.count(verdict)
    rejected = [row for row in judged if row["verdict"] == "rejected"]
    for name, row in of_all(found).items():
        assert row["first"] == sum(r["rule"] == name for r in rejected)
        listed = [[failure["rule"] for failure in json.loads(r["reason"])] for r in rejected]
        assert row["rejected"] == sum(name in names for names in listed)
        assert row["alone"] == sum(names == [name] for names in listed)


@given(rows_of_documents, rule_sets())
def test_the_documents_shown_are_the_nearest(rows: list[Row], rules: tuple[Rule, ...]) -> None:
    documents = table(rows)
    shown = study(rules, documents).samples.to_pylist()
    judged = [
        row
        for row in documents.to_pylist()
        if not any(rule.missing == "quarantines" and is_missing(rule, row) for rule in rules)
    ]
    count = 0
    for rule in rules:
        bounds = [("minimum", rule.minimum), ("maximum", rule.maximum)] if rule.comparison == "range" else [(None, 0.0)]
        for bound, threshold in bounds:
            if threshold is None:
                continue
            for side in ("rejected", "kept") if bound else ("rejected",):
                expected = []
                for row in judged:
                    value = numeric(row[rule.signal]) if bound else 0.0
                    beyond = "minimum" if rule.minimum is not None and value <= rule.minimum else "maximum"
                    here = beyond == bound or bound is None or side == "kept"
                    if here and not math.isnan(value) and fails(rule, row) == (side == "rejected"):
                        expected.append((abs(value - threshold), row["doc_id"]))
                found = [r["doc_id"] for r in shown if (r["rule"], r["bound"], r["side"]) == (rule.name, bound, side)]
                assert found == [doc_id for _, doc_id in sorted(expected)[: SETTINGS.samples_per_side]]
                count += len(found)
    assert count == len(shown)
    by_id = {row["doc_id"]: row for row in documents.to_pylist()}
    for row in shown:
        given_row = by_id[row["doc_id"]]
        others = [r.name for r in rules if r.name != row["rule"] and fails(r, given_row)]
        assert row["also_fails"] == ", ".join(others)
        assert (row["url"], row["partition"], row["excerpt"]) == (given_row["url"], "p0", "text num…")


@given(rows_of_documents, rule_sets(), st.integers(0, 14), st.randoms(use_true_random=False))
def test_neither_order_nor_batches_nor_partitions_matter(
    rows: list[Row], rules: tuple[Rule, ...], cut: int, random: Any
) -> None:
    whole = table(rows)
    found = study(rules, whole)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = whole.take(pa.array(order, pa.int64()))
    parts = [shuffled.slice(start, 3) for start in range(0, len(rows), 3)]
    in_batches = study(rules, pa.concat_tables(parts) if parts else shuffled)
    assert in_batches.rows.equals(found.rows) and in_batches.samples.equals(found.samples)
    assert in_batches.histograms.equals(found.histograms)
    divided = study(rules, shuffled.slice(0, cut), shuffled.slice(cut))
    assert of_all(divided) == of_all(found)
    assert divided.histograms.equals(found.histograms)
    assert divided.samples.drop_columns("partition").equals(found.samples.drop_columns("partition"))
    assert [p["documents"] for p in divided.totals["by partition"]] == [min(cut, len(rows)), max(0, len(rows) - cut)]


def test_partitions_may_have_rules_and_limits_of_their_own() -> None:
    documents = table([{"a": float(n), "b": 0.0, "language": "zh", "ut1": None} for n in range(10)])
    strict = Rule("rule_a", "a", "units", "test", minimum=5.0)
    lax = Rule("rule_a", "a", "units", "test", minimum=2.0)
    other = Rule("rule_b", "b", "units", "test", maximum=1.0)
    found = study_thresholds(
        [Group("x", (strict,), documents), Group("y", (lax, other), documents.slice(0, 4))], SETTINGS
    )
    rows = {(row["partition"], row["rule"]): row for row in found.rows.to_pylist()}
    assert [(key, row["rejected"], row["documents"]) for key, row in rows.items()] == [
        ((ALL, "rule_a"), 7, 14), ((ALL, "rule_b"), 0, 4), (("x", "rule_a"), 5, 10), (("y", "rule_a"), 2, 4),
        (("y", "rule_b"), 0, 4),
    ]  # fmt: skip
    assert rows[ALL, "rule_a"]["minimum"] is None and rows["x", "rule_a"]["minimum"] == 5.0
    assert {row["threshold"] for row in found.samples.to_pylist() if row["rule"] == "rule_a"} == {2.0, 5.0}
    files = study_files(found)
    assert "a …" in files["rules.md"].decode()


def test_a_signal_that_was_not_measured_is_named() -> None:
    with pytest.raises(MissingSignalError, match=r"p0: no column nothing \(rule r\); annotate"):
        study((Rule("r", "nothing", "", "test", minimum=1.0),), table([]))


@given(st.sets(st.integers(0, 10_000), max_size=60), st.integers(1, 20), st.integers(1, 7))
def test_a_sample_is_the_lowest_hashes_however_they_come(ids: set[int], size: int, step: int) -> None:
    names = sorted(map(str, ids))
    hashes = document_hashes(names)
    numbers = np.array([[float(n)] for n in names]).reshape(-1, 1)
    expected = sorted(float(names[i]) for i in np.argsort(hashes)[:size])
    sample, left, right = (Sample(size, 1) for _ in range(3))
    for start in range(0, len(names), step):
        sample.add(hashes[start : start + step], numbers[start : start + step])
        (left if start % 2 else right).add(hashes[start : start + step], numbers[start : start + step])
    left.add(*right.rows())
    assert sample.column(0).tolist() == left.column(0).tolist() == expected


def test_hashes_are_those_of_sha256() -> None:
    # printf a | sha256sum begins with ca978112ca1bbdca
    first, _ = document_hashes(["a", "é中\ud800"]).tolist()
    assert first.to_bytes(8, "little").hex() == "ca978112ca1bbdca"


@given(st.lists(st.floats(-100, 100), max_size=30))
def test_quantiles_are_values_that_occur(numbers: list[float]) -> None:
    ascending = np.sort(np.array(numbers, np.float64))
    found = quantiles(ascending)
    for share, value in zip(QUANTILES, found, strict=True):
        if not numbers:
            assert value is None
        else:
            assert value == next(v for v in ascending.tolist() if np.mean(ascending <= v) >= share - 1e-12)


@given(
    st.lists(st.sampled_from(FEW) | st.floats(-1e3, 1e6), max_size=40),
    st.lists(st.sampled_from(FEW) | st.floats(1e-8, 1e4), max_size=2, unique=True),
    st.integers(2, 30),
)
def test_no_bin_is_on_both_sides_of_a_cut(numbers: list[float], cuts: list[float], bins: int) -> None:
    ascending = np.sort(np.array(numbers, np.float64))
    edges, _ = bin_edges(ascending, cuts, bins)
    assert np.all(np.diff(edges) > 0) and len(edges) >= 2
    assert set(cuts) <= set(edges.tolist())
    assert all(edges[0] < cut < edges[-1] for cut in cuts)
    counts = histogram(ascending, edges)
    assert counts.sum() == len(numbers)
    for cut in cuts:
        assert counts[: edges.tolist().index(cut)].sum() == sum(n < cut for n in numbers)


def test_files_show_every_threshold_between_its_documents() -> None:
    rows = [{"a": float(n), "b": n / 10, "language": "zh" if n else "en", "ut1": None} for n in range(10)]
    rules = (
        Rule("long", "a", "words", "test", number="B8", minimum=3.0, maximum=7.0),
        Rule("share", "b", "", "test", maximum=2.0),
        Rule("label", "language", "", "test", comparison="equals", label="zh"),
    )
    found = study(rules, table(rows))
    files = study_files(found)
    assert list(files) == ["thresholds.png", "rejected_shares.png", "rules.md", "nearest_documents.md"]
    assert not {name.partition(".")[0] for name in files} & found.totals.keys()  # one name, one thing shown
    assert files["thresholds.png"].startswith(PNG) and files["rejected_shares.png"].startswith(PNG)
    assert study_files(study(rules, table(rows))) == files
    assert "10 documents: 5 kept, 5 rejected (4 by one rule alone)." in rules_table(found)
    text = files["nearest_documents.md"].decode()
    first = text.split("#### ")[1].split("\n")
    assert first[0] == "B8 long, minimum 3 words (5 rejected)"
    cells = [line.split(" | ")[:2] for line in first[4:9]]
    assert cells == [
        ["| kept", "4"],
        ["| kept", "3"],
        ["| **threshold**", "3"],
        ["| rejected", "2"],
        ["| rejected", "1"],
    ]
    second = text.split("#### ")[2].split("\n")
    cells = [line.split(" | ")[:2] for line in second[4:9]]
    assert cells == [
        ["| rejected", "9"],
        ["| rejected", "8"],
        ["| **threshold**", "7"],
        ["| kept", "7"],
        ["| kept", "6"],
    ]


def test_no_documents_make_files_too() -> None:
    rules = (Rule("long", "a", "words", "test", minimum=3.0), Rule("list", "ut1", "", "test", comparison="absent"))
    files = study_files(study(rules, table([])))
    assert all(files[name].startswith(PNG) for name in ("thresholds.png", "rejected_shares.png"))
    assert "0 documents" in files["rules.md"].decode() and "nearest_documents.md" in files


def test_many_documents_are_shown_on_pages() -> None:
    settings = StudySettings(samples_per_side=50, excerpt_chars=2000)
    documents = table([{"a": float(n), "b": float(n), "language": "zh", "ut1": None} for n in range(400)])
    documents = documents.set_column(2, "text", pa.array(["中" * 3000] * 400))
    rules = tuple(Rule(f"r{n}", "a", "", "test", minimum=float(50 * n)) for n in range(8))
    files = study_files(study(rules, documents, settings=settings))
    pages = [data for name, data in files.items() if name.startswith("nearest_documents")]
    assert len(pages) > 1 and all(len(page) <= PAGE_BYTES for page in pages)
