from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_quick_benchmark_runs_and_writes_its_report(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.minhash", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "minhash.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in report.splitlines() if line.startswith(("| english", "| chinese"))]
    assert [row[1] for row in rows] == ["ours", "datasketch update_batch", "datasketch update"] * 2
    assert all(float(row[2]) > 0 for row in rows)
    assert "Quick run: not a measurement" in report
    assert "- commit: " in report
