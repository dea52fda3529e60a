from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.filters import table
from benchmarks.peers.environments import OURS, PEERS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_benchmark_runs_without_peers_and_names_them(tmp_path: Path) -> None:
    nobody = {"NEO_PEERS": str(tmp_path / "none"), "NEO_BENCH_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "benchmarks.filters", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | nobody, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "filters.md").read_text(encoding="utf-8")
    rows = [
        line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith(("| english", "| chinese"))
    ]
    assert [row[1] for row in rows] == [OURS.title, *(peer.title for peer in PEERS)] * 2
    for row in rows:
        measured = row[1] == OURS.title
        assert (float(row[4].replace(",", "")) > 0) if measured else row[3] == "not installed"
    assert "Quick run: not a measurement" in report
    assert "Not installed, so not measured: datatrove, dolma" in report
    assert "rjieba alone cuts" in report


def test_a_ratio_is_ours_over_theirs_in_documents_a_second() -> None:
    ours = {"documents": 1000, "characters": 10**6, "seconds": 2.0, "peak_mib": 100.0, "kept": 1, "signals": 60}
    theirs = {"documents": 50, "characters": 10**5, "seconds": 5.0, "peak_mib": 100.0, "kept": 1}
    rows = table("english", {OURS.title: ours, "datatrove": theirs})
    found = {row[1]: row[-1] for row in rows}
    assert found["datatrove"] == "50x"
    assert found[OURS.title] == "" == found["dolma"]
