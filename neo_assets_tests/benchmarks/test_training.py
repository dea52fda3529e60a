"""The benchmark of training: that the other loops train the same model, its roofline, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import cpu_training, gpu_training, tokens_of
from benchmarks.training_roofline import bandwidth_of, parts_of
from neo_assets.model.metrics.flops import flops_per_token
from neo_assets.recipe.recipe import load_recipe
from neo_assets.recipe.training import ArchitectureSettings

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

REPOSITORY = Path(__file__).parents[2]
NEO_460M = load_recipe("matrix").training.architectures["neo_460m"]


@pytest.mark.slow
def test_the_quick_benchmark_runs_and_all_systems_train_the_same_model(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.training", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "training.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.splitlines()]
    rows = {row[1]: row for row in cells if len(row) == 8}
    for system in ("plain PyTorch", "transformers' Llama"):
        assert float(rows[system][6]) < 1e-4
    assert float(rows["neo-assets"][2].replace(",", "")) > 100
    assert "Quick run: not a measurement" in report
    assert "- commit: " in report


@pytest.mark.slow
def test_megatrons_own_loop_trains_too(tmp_path: Path) -> None:
    """On the CPU, behind the device shim: its first loss is ours, and it learns."""
    done = subprocess.run(
        [sys.executable, "-m", "neo_assets_tests.benchmarks.megatron_loop", str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["megatron"] == pytest.approx(seen["ours"], abs=2e-2)  # bfloat16 against float32
    assert seen["megatron"][-1] < seen["megatron"][0] - 0.1


@pytest.mark.parametrize("n_microbatches", [1, 4])
@pytest.mark.parametrize("architecture", [NEO_460M, NEO_460M.model_copy(update={"n_kv_groups": 8, "ffn_size": 4096})])
def test_the_rooflines_operations_are_those_of_mfu(architecture: ArchitectureSettings, n_microbatches: int) -> None:
    n_tokens = 8 * architecture.seq_length
    parts = parts_of(architecture, n_tokens, n_microbatches)
    assert sum(part.flops for part in parts) == pytest.approx(n_tokens * flops_per_token(architecture, causal=True))


def test_large_products_are_bound_by_arithmetic_and_the_rest_by_memory() -> None:
    bandwidth = bandwidth_of("NVIDIA H200")
    assert bandwidth == 4.8e12
    assert bandwidth_of("NVIDIA H100 80GB HBM3") == 3.35e12
    assert bandwidth_of("CPU") is None
    bounds = {part.name: part.bound(989.5e12, bandwidth) for part in parts_of(NEO_460M, 8 * 8192, 4)}
    assert bounds["MLP up"] == bounds["output layer"] == bounds["attention, causal"] == "arithmetic"
    assert bounds["AdamW"] == bounds["cross-entropy"] == "memory"
    (adam,) = (part for part in parts_of(NEO_460M, 1, 1) if part.name == "AdamW")
    assert adam.seconds(989.5e12, bandwidth) == adam.bytes / bandwidth


def test_what_is_trained() -> None:
    training = cpu_training(5)
    assert training.chosen == load_recipe("mini").training.chosen
    assert training.n_checkpoints == 1
    tokens = tokens_of(training)
    assert tokens.shape == (5 * training.phases[0].batch_sequences, training.chosen.seq_length + 1)
    assert np.array_equal(tokens, tokens_of(training))
    assert 0 <= tokens.min() <= tokens.max() == 4096 < training.chosen.vocab_rows
    for name in ("neo_460m", "neo_250m"):
        assert gpu_training(name, 5, deterministic=False).chosen.dtype == "bfloat16"
