"""Clusters against a reference that follows one chain at a time, and their independence of layout and order."""

from __future__ import annotations

import statistics
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.cluster_chains import BrokenChainError
from neo_assets.dedup.cluster_pairs import chance_to_meet
from neo_assets.dedup.clusters import ALL, ClusterReport
from neo_assets.lake.lake import Lake
from neo_assets_tests.dedup.duplicates import NEAR, SETTINGS, Duplicates, Layout, url

FEW = (0.8, 0.8499999, 0.85, 0.9, 0.95, 0.97, 1.0)


@st.composite
def duplicates(draw: st.DrawFn) -> Duplicates:
    """Up to 12 documents whose ids are in another order than their precedence; exact copies name a kept original."""
    names = draw(st.permutations([f"s:{n:02}" for n in range(draw(st.integers(0, 12)))]))
    found = Duplicates({name: f"text of {name} " * 3 for name in names})
    exact, near, refused = {}, {}, {}
    for place, name in enumerate(names):
        earlier = [other for other in names[:place] if other not in exact]
        fate = draw(st.sampled_from(["kept", "exact", "near", "refused"])) if earlier else "kept"
        if fate == "exact":
            exact[name] = draw(st.sampled_from(earlier))
        elif fate == "near":
            near[name] = draw(st.sampled_from(earlier)), draw(st.sampled_from(FEW))
        if fate in {"near", "refused"}:
            others = [other for other in earlier if near.get(name, ("",))[0] != other]
            for other in others[: draw(st.integers(0, 2))]:
                refused[name, other] = draw(st.sampled_from((0.0, 0.05, 0.749, 0.75, 0.7999)))
    found.exact, found.near, found.refused = exact, near, refused
    return found


layouts = st.builds(Layout, st.integers(1, 3), st.booleans(), st.sampled_from([1, 2, 100]))


def reported(found: Duplicates, layout: Layout) -> ClusterReport:
    with tempfile.TemporaryDirectory() as folder:
        return found.report(Lake(folder), layout)


def chain(name: str, survivors: dict[str, str]) -> list[str]:
    walked = [name]
    while walked[-1] in survivors:
        walked.append(survivors[walked[-1]])
    return walked[1:]


def clusters(survivors: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(survivors):
        found.setdefault(chain(name, survivors)[-1], []).append(name)
    return found


@settings(max_examples=15)
@given(duplicates(), layouts)
def test_sizes_and_the_largest_clusters_are_those_of_the_chains(found: Duplicates, layout: Layout) -> None:
    report = reported(found, layout)
    exact = {name: survivor for name, survivor in found.exact.items() if survivor}
    near = {name: survivor for name, (survivor, _) in found.near.items()}
    for method, survivors in (("exact", exact), ("near", near), (ALL, exact | near)):
        sizes = Counter(len(members) + 1 for members in clusters(survivors).values())
        rows = [row for row in report.rows.to_pylist() if row["method"] == method]
        assert [(row["size"], row["clusters"]) for row in rows] == sorted(sizes.items())
        assert all(row["documents"] == row["size"] * row["clusters"] for row in rows)
        assert sum(row["removed"] for row in rows) == len(survivors)

    similarity = dict.fromkeys(exact, 1.0) | {name: s for name, (_, s) in found.near.items()}
    every = clusters(exact | near)
    largest = sorted(every, key=lambda name: (-len(every[name]), name))[: SETTINGS.largest_clusters]
    expected = []
    for survivor in largest:
        members = sorted(every[survivor], key=lambda name: (similarity[name], name))
        values = [similarity[name] for name in members]
        text = found.texts[exact.get(members[0], members[0])]
        expected.append(
            {
                "survivor": survivor, "url": url(survivor), "size": len(members) + 1,
                "exact": sum(name in exact for name in members), "near": sum(name in near for name in members),
                "longest_chain": max(len(chain(name, exact | near)) for name in members),
                "similarity_min": min(values), "similarity_median": pytest.approx(statistics.median(values)),
                "similarity_max": max(values), "members": members[: SETTINGS.members],
                "member_urls": [url(name) for name in members[: SETTINGS.members]],
                "sample": found.texts[survivor][: SETTINGS.sample_chars] + "…", "least_similar": members[0],
                "least_similar_sample": text[: SETTINGS.sample_chars] + "…",
            }
        )  # fmt: skip
    assert report.clusters.to_pylist() == expected


@settings(max_examples=15)
@given(duplicates(), layouts)
def test_every_compared_pair_is_counted_and_merging_all_removes_every_later_document(
    found: Duplicates, layout: Layout
) -> None:
    report = reported(found, layout)
    merged = [s for _, s in found.near.values()]
    refused = list(found.refused.values())
    rows = report.refused.to_pylist()
    assert [(row["lower"], row["upper"]) for row in rows] == [(n / 20, (n + 1) / 20) for n in range(20)]
    for row in rows:
        upper = 1.1 if row["upper"] == 1 else row["upper"]
        for name, values in (("merged", merged), ("refused", refused), ("pairs", merged + refused)):
            assert row[name] == sum(row["lower"] <= value < upper for value in values)
    totals = report.totals
    assert (totals["pairs compared"], totals["pairs refused"]) == (len(merged) + len(refused), len(refused))
    later = {*found.near, *(name for name, _ in found.refused)}
    assert totals["removed if every compared pair were merged"] == len(later)


@settings(max_examples=15)
@given(duplicates(), layouts, layouts)
def test_the_report_does_not_depend_on_partitions_parts_or_order(found: Duplicates, one: Layout, other: Layout) -> None:
    first, second = reported(found, one), reported(found, other)
    assert first.tables == second.tables
    assert first.totals == second.totals


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
def test_survivors_in_a_circle_are_refused_by_name(tmp_path: Path, length: int) -> None:
    names = [f"s:{n}" for n in range(length)]
    near = {name: (names[(n + 1) % length], 0.9) for n, name in enumerate(names)}
    near |= {"s:before": ("s:0", 0.9), "s:fine": ("s:kept", 0.9)}
    with pytest.raises(BrokenChainError, match=r"in a circle: s:0 → .*rebuild"):
        Duplicates({}, near=near).report(Lake(str(tmp_path)))


def test_a_document_removed_by_two_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenChainError, match="english/exact_unique and english/near_unique: s:1 is removed twice"):
        Duplicates({}, exact={"s:1": "s:0"}, near={"s:1": ("s:0", 0.9)}).report(Lake(str(tmp_path)))


def test_a_chain_of_a_thousand_ends_at_its_first_document(tmp_path: Path) -> None:
    names = [f"s:{n:04}" for n in range(1001)]
    near = {name: (before, 0.9) for before, name in pairwise(names)}
    report = Duplicates(dict.fromkeys(names, "x"), near=near).report(Lake(str(tmp_path)))
    [row] = report.clusters.to_pylist()
    assert (row["survivor"], row["size"], row["longest_chain"]) == ("s:0000", 1001, 1000)
    assert report.totals["longest chain of survivors"] == 1000


def test_documents_rejected_without_a_survivor_are_counted_and_in_no_cluster(tmp_path: Path) -> None:
    texts = {"s:0": "a", "s:1": "a", "s:2": "b"}
    report = Duplicates(texts, exact={"s:1": "s:0", "s:2": None}).report(Lake(str(tmp_path)))
    assert report.totals["rejected without a survivor"] == 1
    assert report.totals["removed as exact"] == 1
    assert report.rows.num_rows == 2


def test_a_lake_without_duplicates_gives_empty_tables(tmp_path: Path) -> None:
    report = Duplicates({"s:0": "a"}).report(Lake(str(tmp_path)))
    assert {name: table.num_rows for name, table in report.tables.items()} == {
        "rows": 0, "clusters": 0, "audit": 0, "refused": 20, "cuts": 0, "passages": 0,
    }  # fmt: skip


def test_the_chance_to_meet_is_the_published_one() -> None:
    # 9 bands of 13 rows: 0.399 at 0.8, 0.929 at 0.9.
    assert chance_to_meet(np.array([0.0, 0.8, 0.9, 1.0]), NEAR).round(3).tolist() == [0.0, 0.399, 0.929, 1.0]
