from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.recall_truth.kinds import Kind, pieces
from benchmarks.recall_truth.loop import leaks
from benchmarks.recall_truth.sites import MOST_BELONGING, SEED_PAGES, SEED_SITES, laid_out
from neo_assets.retrieval.model import base_url

REPOSITORY = Path(__file__).parents[2]


def kinds() -> list[Kind]:
    return [
        Kind("wanted", True, {"narrow": [f"n{i}" for i in range(150)], "wide": [f"w{i}" for i in range(300)]}, "none"),
        Kind("other", False, {"": [f"o{i}" for i in range(2_000)]}, "none"),
    ]


@pytest.mark.slow
def test_the_quick_benchmark_finds_most_of_the_statutes(tmp_path: Path) -> None:
    nowhere = {"NEO_BENCH_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.recall", "--quick", "--workers", "1", "--output", str(tmp_path)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | nowhere, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "recall.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| statutes (zh) | loop")]
    precision, recall = [[float(row[column]) for row in rows] for column in (5, 6)]
    assert recall == sorted(recall)
    assert recall[-1] > 0.5
    assert precision[-1] > 0.9
    assert [row[12] for row in rows] == ["0"] * len(rows)
    assert "Quick run: not a measurement" in report
    assert not (tmp_path / "cache").exists()  # nothing was fetched


def test_every_text_is_a_page_once_but_what_the_seed_has_too_much_of() -> None:
    pages = laid_out(kinds(), "narrow", "wanted", 1)
    texts = pages.table["text"].to_pylist()
    assert len(set(texts)) == len(texts) == 300 + 2_000 + SEED_SITES * SEED_PAGES
    ids = pages.table["doc_id"].to_pylist()
    assert ids == sorted(set(ids))
    assert all(pages.truth[doc_id] is (text[0] in "nw") for doc_id, text in zip(ids, texts, strict=True))


def test_the_seed_is_one_topic_on_a_few_sites_and_nowhere_else() -> None:
    pages = laid_out(kinds(), "narrow", "wanted", 2)
    rows = list(zip(pages.table["url"].to_pylist(), pages.table["text"].to_pylist(), strict=True))
    assert {text[0] for url, text in rows if pages.is_seed(url)} == {"n"}
    assert "n" not in {text[0] for url, text in rows if not pages.is_seed(url)}
    assert len({base_url(url) for url, _ in rows if pages.is_seed(url)}) == SEED_SITES


def test_sites_are_whole_mixed_or_of_one_page() -> None:
    pages = laid_out(kinds(), "narrow", "wanted", 3)
    of: dict[str, list[bool]] = {}
    for doc_id, url in zip(pages.table["doc_id"].to_pylist(), pages.table["url"].to_pylist(), strict=True):
        of.setdefault(base_url(url), []).append(pages.truth[doc_id])
    shares = {site: sum(found) / len(found) for site, found in of.items()}
    mixed = [share for share in shares.values() if 0 < share < 1]
    assert mixed
    assert max(mixed) <= MOST_BELONGING + 0.03  # a page is the least that can be added
    assert any(len(found) == 1 for found in of.values())
    assert pages.sites == {True: sum(share > 0 for share in shares.values()) - SEED_SITES, False: sum(
        share == 0 for share in shares.values()
    )}  # fmt: skip


def test_the_same_seed_gives_the_same_layout_and_another_another() -> None:
    assert laid_out(kinds(), "narrow", "wanted", 4) == laid_out(kinds(), "narrow", "wanted", 4)
    assert laid_out(kinds(), "narrow", "wanted", 4) != laid_out(kinds(), "narrow", "wanted", 5)


def test_a_base_url_in_two_splits_is_a_leak() -> None:
    drawn = {"base_url": ["a", "a", "b", "b", "c"], "split": ["train", "train", "train", "test", "valid"]}
    assert leaks(pa.table(drawn)) == 1


def test_pieces_end_between_lines_and_leave_tables_out() -> None:
    assert pieces("one\n\ntwo\n| 1 | 2 |\nthree", chars=6, fewest=1) == ["one\ntwo", "three"]
    assert pieces("x" * 25, chars=10, fewest=6) == ["x" * 10, "x" * 10]
