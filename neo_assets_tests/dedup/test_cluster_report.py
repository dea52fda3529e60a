"""The report as the UI shows it: pictures and pages, the same bytes every time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from neo_assets.dedup.cluster_report import PAGE_BYTES, report_files
from neo_assets.dedup.clusters import ClusterReport
from neo_assets.lake.lake import Lake
from neo_assets.recipe.dedup import ClusterReportSettings
from neo_assets_tests.dedup.duplicates import NEAR, Duplicates, Layout

PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = {
    "s:0": "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。",
    "s:1": "天地玄黄，宇宙洪荒。日月盈昃，辰宿列張。",
    "s:2": "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。",
    "s:3": "A <script> | table [x](y)\n`z`",
    "s:4": "Another <script> | table [x](y)\n`z`",
}


def example(folder: Path, layout: Layout | None = None) -> ClusterReport:
    found = Duplicates(
        TEXTS, exact={"s:2": "s:1"}, near={"s:1": ("s:0", 0.875)}, refused={("s:4", "s:3"): 0.76},
        cuts={"line": {"s:0": [(0, 5, "s:3")]}},
    )  # fmt: skip
    return found.report(Lake(str(folder)), layout, settings=ClusterReportSettings())


@pytest.fixture
def report(tmp_path: Path) -> ClusterReport:
    return example(tmp_path)


def pages(report: ClusterReport) -> dict[str, str]:
    return {name: data.decode() for name, data in report_files(report).items() if name.endswith(".md")}


def test_files_are_pictures_and_pages_each_under_its_own_name(report: ClusterReport) -> None:
    files = report_files(report)
    assert list(files) == ["clusters.png", "similarity.png", "sizes.md", "largest_clusters.md", "audit.md", "cuts.md"]
    assert len({name.partition(".")[0] for name in files} | set(report.totals)) == 6 + len(report.totals)
    assert all(files[name].startswith(PNG) for name in ("clusters.png", "similarity.png"))
    assert len(files["similarity.png"]) > 10_000


def test_the_same_documents_give_the_same_bytes(tmp_path: Path, report: ClusterReport) -> None:
    assert report_files(example(tmp_path / "other", Layout(2, True, 1))) == report_files(report)


def test_sizes_say_what_was_merged_and_what_would_have_been(report: ClusterReport) -> None:
    text = pages(report)["sizes.md"]
    assert text.startswith(
        "1 clusters, 1 as exact duplicates, 1 as near duplicates; the largest has 3 documents. "
        "2 pairs compared, 1 refused (merged from 0.8 on). Merging every compared pair, as MAP-Neo's released code "
        "does, would remove 2 documents as near duplicates."
    )
    assert "| 2 | 1 | 1 | 1 | 1 | 0 | 0 |" in text
    assert "| 3 | 0 | 0 | 0 | 0 | 1 | 2 |" in text


def test_the_largest_cluster_is_shown_with_both_texts(report: ClusterReport) -> None:
    text = pages(report)["largest_clusters.md"]
    row = "| 1 | 3 | 1 | 1 | 0.88 to 1.00, median 0.94 | 2 | http://a.test/s:0 | http://a.test/s:1, http://a.test/s:2 |"
    assert row in text
    assert f"| 1 | {TEXTS['s:0']} | {TEXTS['s:1']} |" in text


def test_pairs_to_judge_are_shown_with_their_difference_and_as_text_only(report: ClusterReport) -> None:
    text = pages(report)["audit.md"]
    assert text.index("refused, similarity 0.75 to 0.80 (1 pairs)") < text.index(
        "merged, similarity 0.85 to 0.90 (1 removed documents)"
    )
    assert "辰宿列⟦張⟧。" in text
    assert "辰宿列⟦张⟧。" in text
    assert "⟦Another⟧ &lt;script> \\| table" in text
    assert "<script" not in text


def test_a_passage_is_shown_with_where_it_stays(report: ClusterReport) -> None:
    text = pages(report)["cuts.md"]
    assert "| line_unique | 4 | 1 | 1 | 5 | 1 |" not in text  # s:1 and s:2 were removed before
    assert "| line_unique | 3 | 1 | 1 | 5 | 1 |" in text
    assert "| line_unique | http://a.test/s:3 | 1 | 1 | 5 | 天地玄黄， |" in text


def test_an_empty_report_has_all_its_files(tmp_path: Path) -> None:
    files = report_files(Duplicates({}).report(Lake(str(tmp_path))))
    assert list(files) == ["clusters.png", "similarity.png", "sizes.md", "largest_clusters.md", "audit.md"]
    assert b"0 clusters" in files["sizes.md"]


def test_a_report_without_verification_says_so(report: ClusterReport) -> None:
    unverified = dataclasses.replace(report, near=NEAR.model_copy(update={"verify": "nothing"}))
    assert "(every compared pair is merged)" in pages(unverified)["sizes.md"]
    assert report_files(unverified)["similarity.png"] != report_files(report)["similarity.png"]


def test_the_law_of_bands_is_left_out_where_containment_is_measured(tmp_path: Path) -> None:
    near = NEAR.model_copy(update={"verify": "containment"})
    contained = Duplicates(TEXTS, near={"s:1": ("s:0", 0.875)}).report(Lake(str(tmp_path)), near=near)
    assert contained.refused["chance_to_meet"].null_count == 20
    law = dataclasses.replace(contained, near=NEAR)
    assert report_files(contained)["similarity.png"] != report_files(law)["similarity.png"]


def test_pages_stay_short_enough_to_be_shown(tmp_path: Path) -> None:
    names = [f"s:{n:04}" for n in range(800)]
    near = {name: (names[0], 0.8 + 0.2 * n / 800) for n, name in enumerate(names[1:])}
    found = Duplicates({name: f"{'天地' * 300} {name} {'玄黄' * 90}" for name in names}, near=near)
    settings = ClusterReportSettings(audit_documents=150)
    page = pages(found.report(Lake(str(tmp_path)), settings=settings))["audit.md"]
    assert len(page.encode()) < PAGE_BYTES + 100
    assert page.endswith("more in the tables*\n")
