from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.recall_inference import WAYS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_benchmark_scores_as_fasttext_does_in_every_way(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recall_inference", "--quick", "--output", str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "recall_inference.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith(("| eng", "| chi"))]
    assert [(row[0], row[1]) for row in rows[::4]] == [
        ("english", ".bin"), ("english", ".ftz"), ("chinese", ".bin"), ("chinese", ".ftz")
    ]  # fmt: skip
    assert [row[3] for row in rows] == list(WAYS) * 4
    assert all(float(row[4].replace(",", "")) > 0 for row in rows)
    assert all(float(row[7].strip(" |")) < 1e-5 for row in rows if row[3].startswith("ours"))
    assert "Quick run: not a measurement" in report
