from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import dedup_corpora
from benchmarks.dedup_corpora import corpus, documents, jaccard, shingles, similarities, unrelated
from benchmarks.dedup_process import measure
from benchmarks.dedup_quality import QUALITY_COLUMNS, STRUCTURE_COLUMNS, quality, structure
from benchmarks.dedup_scaling import exponent
from benchmarks.peers.dedup_python import distance, without_repeats
from benchmarks.peers.environments import PYTHON, PeerError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("NEO_BENCH_CACHE", str(folder))
    return folder


@pytest.mark.slow
def test_the_quick_benchmark_runs_and_writes_all_its_tables(tmp_path: Path, cache: Path) -> None:
    nobody = {"NEO_PEERS": str(tmp_path / "none"), "NEO_BENCH_CACHE": str(cache)}
    command = [sys.executable, "-m", "benchmarks.dedup", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | nobody, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "dedup.md").read_text(encoding="utf-8")
    tables = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", report, flags=re.MULTILINE)[1:]}
    assert list(tables) == [
        "MinHash signatures",
        "Near duplicates",
        "Near duplicates: what is removed",
        "Corpora",
        "Exact documents",
        "Paragraphs",
        "Exact substrings",
        "Similar lines",
        "How it was measured",
    ]
    growth = (tmp_path / "dedup_scaling.md").read_text(encoding="utf-8")
    tables = {"Growth": growth.split("## How")[0], **tables}
    for table in list(tables.values())[:-1]:
        rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
        assert len({line.count(" | ") for line in table.splitlines() if line.startswith("| ")}) == 1
        assert rows[2][0] in ("english", "chinese")
    near = [line.split(" | ") for line in tables["Near duplicates"].splitlines() if " | datatrove | " in line]
    assert [row[3].strip() for row in near] == ["not installed"] * 2
    assert "plain Python" in tables["Similar lines"]
    assert "Not installed, so not measured: datatrove, text-dedup, rensa, Spark, pydivsufsort" in report
    assert "Quick run: not a measurement" in report


@pytest.mark.parametrize(("language", "mean"), [("english", 1_000), ("chinese", 500)])
def test_a_corpus_is_the_same_each_time_and_what_its_truth_says(language: str, mean: int) -> None:
    made = corpus(language, 300, mean)
    texts, copies = documents(language, range(300), mean)
    found = {row["id"]: row["text"] for batch in made.batches() for row in batch.to_pylist()}
    assert list(found.values()) == texts
    assert sorted(found) == list(found)
    assert statistics.mean(map(len, texts)) == pytest.approx(mean, rel=0.1)
    assert made.truth() == copies
    assert documents(language, range(100, 110), mean)[0] == texts[100:110]
    bases = set(found) - {copy["id"] for copy in copies}
    assert all(copy["base"] in bases and copy["base"] < copy["id"] for copy in copies)
    similar = similarities(made)
    for copy in copies:
        low, high = {
            "exact": (1, 1), "boilerplate": (0.8, 0.999), "edits 5 %": (0.8, 0.95), "edits 10 %": (0.7, 0.85),
            "edits 20 %": (0.5, 0.75), "half": (0.2, 0.5),
        }[copy["kind"]]  # fmt: skip
        assert low <= similar[copy["id"]] <= high, copy
    assert max(unrelated(made)) < 0.1


def test_quality_does_not_ask_which_document_of_a_cluster_stays() -> None:
    made = corpus("chinese", 300, 500)
    truth = made.truth()
    everything = {row["id"] for batch in made.batches() for row in batch.to_pylist()}
    surely = [copy for copy in truth if copy["kind"] in ("exact", "edits 5 %", "boilerplate")]
    perfect = dict(zip(QUALITY_COLUMNS, quality(made, everything - {copy["id"] for copy in surely}), strict=True))
    assert perfect["duplicates removed"] == "100.0%" and perfect["wrongly removed"].startswith("0 of")
    assert perfect["edits 20 % removed"] == perfect["half removed"] == "0%"
    alone = next(copy for copy in surely if [other["base"] for other in truth].count(copy["base"]) == 1)
    swapped = everything - {copy["id"] for copy in surely} - {alone["base"]} | {alone["id"]}
    assert quality(made, swapped) == tuple(perfect.values())
    nothing_left = everything - {copy["id"] for copy in surely} - {alone["base"]}
    assert quality(made, nothing_left)[-1].startswith("1 of")
    assert quality(made, everything)[-2] == "0.0%"


def test_structure_has_a_cell_for_each_column() -> None:
    made = corpus("chinese", 200, 300)
    assert len(structure(made, 100)) == len(STRUCTURE_COLUMNS)


def test_repeats_are_found_by_the_plain_method() -> None:
    plain, repeated = corpus("chinese", 3, 2_000), corpus("chinese", 3, 2_000, repeats=True)
    for one, two in zip(*(next(of.batches())["text"].to_pylist() for of in (plain, repeated)), strict=True):
        assert len(without_repeats(two)) < len(two)
        assert len(one) < len(two)
    # MAP-Neo Matrix, similar lines: of two segments of 20 characters a distance of 2 is a repeat, 3 is not.
    base = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑。"
    for edits, left in ((2, base), (3, base + "甲乙丙" + base[3:])):
        assert without_repeats(base + "甲乙丙"[:edits] + base[edits:]) == left


def test_distance() -> None:
    assert [distance(*pair) for pair in (("", "abc"), ("kitten", "sitting"), ("abc", "abc"))] == [3, 3, 0]


def test_exponents() -> None:
    assert exponent([10, 100, 1000], [1.0, 100.0, 10_000.0]) == pytest.approx(2)
    assert exponent([10], [1.0]) is None


def test_shingles_ignore_case_and_symbols() -> None:
    assert shingles("Hello, world! Again.", "english") == shingles("hello world again", "english")
    assert shingles("你 好。", "chinese") == {"你好"}
    assert jaccard(set(), set()) == 0.0


def test_a_process_that_fails_or_takes_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="arguments are required"):
        measure(PYTHON, ["line"], 1, 60)
    made = corpus("chinese", 60, 3_000, repeats=True)
    arguments = ["line", "--input", str(made.jsonl), "--language", "chinese", "--work", str(tmp_path / "work")]
    with pytest.raises(PeerError, match="took too long"):
        measure(PYTHON, arguments, 1, 0.3)
    found = measure(PYTHON, [*arguments, "--documents", "2"], 1, 60)
    assert found is not None
    assert 0 < found.answer["cpu"] <= found.cpu and found.peak_mib > 5


def test_the_cache_folder_holds_whole_corpora_only(cache: Path) -> None:
    made = corpus("english", 20, 300)
    assert [path.name for path in cache.iterdir()] == [made.folder.name]
    assert made.jsonl.exists() and made.reduced.exists()
    assert dedup_corpora.corpus("english", 20, 300) == made
