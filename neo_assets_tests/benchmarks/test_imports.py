"""The benchmark of imports: its dump, and that it runs without the other systems."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import imports_dump
from benchmarks.dedup_process import Measured
from benchmarks.imports import FASTWARC, Run, our_run, part_of, speeds
from benchmarks.imports_dump import MadeDump, make_dump
from neo_assets.web.archive.warcrecords import warc_records
from neo_assets_tests.web.warcfiles import packed, record, response

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_benchmark_runs_without_peers_and_names_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.imports", "--quick", "--output", str(tmp_path)]
    nobody = os.environ | {"NEO_PEERS": str(tmp_path / "none")}
    done = subprocess.run(command, cwd=REPOSITORY, env=nobody, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "imports.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| ")]
    ours = [row for row in rows if row[0] == "neo-assets"]
    assert [row[2] for row in ours] == [*["60"] * (len(ours) - 1), "240"]
    assert all(40 < int(row[3]) <= 60 for row in ours[:-1])
    assert [row[3] for row in rows if "trafilatura" in row[0] or "fastwarc" in row[0]] == ["not installed"] * 2
    [kills] = [row for row in rows if row[0] == "1"]
    assert kills[1] == "6"
    assert int(kills[2]) >= 1
    assert kills[3:] == ["0", "yes"]
    assert "Quick run: not a measurement" in report


@pytest.fixture
def crawled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dump's folder in which a crawl has been already: three pages, two with a request."""
    warc = tmp_path / "dump" / "crawl" / "warc"
    warc.mkdir(parents=True)
    request = b"GET / HTTP/1.1\r\n\r\n"
    requests = [record(f"http://a.test/{number}", request, kind="request") for number in range(2)]
    records = [record(None, b"x", kind="warcinfo"), response(1), requests[0], response(2), requests[1], response(3)]
    (warc / "crawl-00000.warc.gz").write_bytes(b"".join(packed(*records)))
    monkeypatch.setattr(imports_dump.subprocess, "run", lambda *_, **__: None)
    return tmp_path / "dump"


def test_a_dump_has_each_answer_under_other_addresses(crawled: Path) -> None:
    dump = make_dump(crawled, 8, 4, 1)
    found = []
    for file in dump.files:
        faults: list[str] = []
        with file.open("rb") as stream:
            records = list(warc_records(stream, 1_000_000, faults))
        assert not faults
        assert not any(one.fault for one in records)
        assert [one.kind for one in records].count("response") == 2
        found += records
    urls = [one.url for one in found if one.kind == "response"]
    assert len(urls) == len(set(urls)) == dump.n_pages == 8
    assert len({one.block for one in found if one.kind == "response"}) == 3
    assert dump.packed_bytes == sum(file.stat().st_size for file in dump.files)
    before = [file.read_bytes() for file in dump.files]
    assert [file.read_bytes() for file in make_dump(crawled, 8, 4, 1).files] == before


def test_a_part_is_its_first_files(crawled: Path, tmp_path: Path) -> None:
    dump = make_dump(crawled, 8, 4, 1)
    part = part_of(dump, 1, tmp_path / "part")
    assert part.n_pages == 2
    assert [file.read_bytes() for file in part.files] == [dump.files[0].read_bytes()]
    assert part.packed_bytes == dump.files[0].stat().st_size


def test_rates_are_of_the_records_that_a_system_was_given(tmp_path: Path) -> None:
    whole, some = MadeDump((tmp_path,), 1_000, 2_000_000, 5_000_000), MadeDump((tmp_path,), 100, 200_000, 500_000)
    results = [
        (our_run(1, whole), Measured(10.0, 5.0, 300.0, {"texts": 900})),
        (Run(FASTWARC, 1, some, "fastwarc"), Measured(4.0, 2.0, 50.0, {"texts": 80})),
        (Run(FASTWARC, 1, whole, "fastwarc"), "not installed"),
    ]
    ours, other, absent = speeds(results).rows
    assert ours[2:] == ["1,000", "900", "2.0", "10", "5", "100", "0.5", "200", "300", ""]
    assert other[2:] == ["100", "80", "0.2", "4", "2", "25", "0.125", "50", "50", "4x"]
    assert absent[3] == "not installed"
