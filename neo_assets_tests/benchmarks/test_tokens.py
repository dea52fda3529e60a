"""The benchmark of the tokenizer and packing: that it runs, and that the systems do the same work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.tokens import HUGGING_FACE, MEGATRON, OURS, SENTENCEPIECE, TRAINING_SEED, code
from benchmarks.tokens_order import SEQ_LENGTH, our_order

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_benchmark_runs_and_every_system_has_its_rows(tmp_path: Path) -> None:
    pytest.importorskip("megatron.core")
    command = [sys.executable, "-m", "benchmarks.tokens", "--quick", "--output", str(tmp_path)]
    environment = os.environ | {"NEO_BENCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "tokens.md").read_text(encoding="utf-8")
    tables = {part.splitlines()[0]: part for part in report.split("\n## ")[1:]}
    rows = {
        title: [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")][2:]
        for title, part in tables.items()
    }
    assert list(rows) == [
        *("Training 3,000 pieces", "Encoding", "Packing into Megatron's files", "Order and chunks"),
        *("The order of samples", "How it was measured"),
    ]
    assert [row[0] for row in rows["Training 3,000 pieces"]] == [OURS, SENTENCEPIECE, HUGGING_FACE]
    encoded = {(row[0], row[1]): row for row in rows["Encoding"]}
    assert float(encoded["chinese", OURS][3]) > 0.1
    assert encoded["chinese", OURS][-1] == encoded["chinese", HUGGING_FACE][-1] == "yes"
    packed = {row[1]: row for row in rows["Packing into Megatron's files"]}
    assert packed[OURS][-1] == "yes"
    for title in ("Order and chunks", "The order of samples"):
        assert [cell for row in rows[title] for cell in row if cell in (OURS, MEGATRON)] == [OURS, MEGATRON]
        assert "failed" not in tables[title]
    assert "Quick run: not a measurement" in report
    assert "- commit: " in report


def test_the_order_has_as_many_samples_as_asked(tmp_path: Path) -> None:
    answer = our_order(1000, tmp_path)
    order = pq.read_table(tmp_path / "order.parquet")
    assert (order.num_rows, answer["samples"]) == (1000, 1000)
    assert answer["written"] == (tmp_path / "order.parquet").stat().st_size
    lengths = order["token_end"].to_numpy() - order["token_start"].to_numpy()
    assert np.unique(lengths).tolist() == [SEQ_LENGTH + 1]
    shares = {name: order["subset"].to_pylist().count(name) / 1000 for name in "abc"}
    assert shares == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2}, abs=0.01)


def test_no_code_is_both_trained_on_and_encoded() -> None:
    trained, encoded = ({text for text in code(200_000, seed) if len(text) > 1000} for seed in (TRAINING_SEED, 1))
    assert min(len(trained), len(encoded)) > 5
    assert not trained & encoded
