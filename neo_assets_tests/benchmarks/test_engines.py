"""The benchmark of engines: it runs, and says so where rows differ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.dedup_process import Measured
from benchmarks.engines import COLUMNS, _row

REPOSITORY = Path(__file__).parents[2]
TOLD = {"wall": 1.0, "cpu": 2.0, "digest": "a"} | dict.fromkeys(
    ("shuffle_write_bytes", "memory_spilled_bytes", "disk_spilled_bytes"), 0.0
)


@pytest.mark.slow
@pytest.mark.needs("spark")
def test_the_quick_benchmark_finds_equal_digests(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.engines", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "engines.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| exact")]
    assert [row[2] for row in rows] == ["embedded", "Spark, one Java"], report
    assert rows[1][COLUMNS.index("same digest")] == "yes", report
    assert "Quick run: not a measurement" in report


def test_other_rows_are_told() -> None:
    first = Measured(3.0, 4.0, 5.0, TOLD)
    other = Measured(6.0, 8.0, 9.0, {**TOLD, "wall": 2.5, "digest": "b"})
    row = _row("exact", 1000, "spark", other, first)
    assert len(row) == len(COLUMNS) == len(_row("exact", 1000, "spark", "failed: …", first))
    assert row[-3:] == ("NO", "2.5 x", "1 x")
