"""Training: tokens a second and MFU of our trainer beside other loops of the same model, weights and batches.

    python -m benchmarks.training [--quick] [--steps N] [--rounds N] [--output FOLDER]

On the CPU: the mini recipe's model, one thread, each system a process of its own pinned to one core, in turns. Time is
the process's own processor time, and the best round of each counts, since other load can only make one slower. Plain
PyTorch is a model and loop as one writes them without a framework; transformers is its Llama in that loop. All must
give the same losses to 1e-4, or the run fails.

On a GPU, where there is one: the 460M and 250M recipes in bfloat16 at full context, beside a loop of megatron-core's
own pieces, with the roofline. MFU counts 6 operations per weight of a matrix and token and all of attention (PaLM),
over the data sheet's dense peak of a GPU, or over the peak of large products measured on the CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import RESULTS, Table, write_tables
from benchmarks.training_roofline import bandwidth_of, parts_of
from neo_assets.model.metrics.flops import flops_per_token, mfu
from neo_assets.model.train.run import Segment
from neo_assets.recipe.recipe import load_recipe
from neo_assets.recipe.training import ArchitectureSettings, TrainingSection, n_parameters

REPOSITORY = Path(__file__).parents[1]
SAME_LOSS, WARM_UP = 1e-4, 2
TITLES = {
    "ours": "neo-assets",
    "plain": "plain PyTorch",
    "transformers": "transformers' Llama",
    "megatron": "megatron-core's own loop",
    "ours, free": "neo-assets, kernels that need not repeat",
}
SPEED_COLUMNS = (
    "model", "system", "tokens/s", "ms a step", "MFU", "memory MiB", "largest difference of a loss",
    "ours is faster by",
)  # fmt: skip
GPU_EXECUTION = {
    "stack": "gpu", "data_parallel": 1, "pipeline_parallel": 1, "sequence_parallel": False, "recompute": "none",
    "distributed_optimizer": False, "overlap_communication": False, "attention": "auto",
}  # fmt: skip


class TrainingBenchmarkError(RuntimeError):
    """A system failed, or trained another model than the others."""


class Seen(NamedTuple):
    """The best round of a system."""

    tokens_per_second: float
    step_seconds: float
    memory_mib: float
    losses: tuple[float, ...]
    device: str
    peak_flops: float | None


def main() -> None:
    """Runs the comparison, prints its tables and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few steps: shows that it runs, proves nothing")
    parser.add_argument("--steps", type=int, default=60, help="optimiser steps of every system in every round")
    parser.add_argument("--rounds", type=int, default=3, help="how often each system runs")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    steps, rounds = (6, 1) if chosen.quick else (chosen.steps, chosen.rounds)
    tables = [on_cpu(steps, rounds)]
    if has_gpu():
        tables += on_gpu(steps, rounds)
    else:
        tables.append(Table("On a GPU", ("model", "system"), [("460M, 250M", "not measured: no GPU here")]))
    for table in tables:
        for row in (table.columns, *table.rows):
            print("  ".join(cell.ljust(22) for cell in row))
    print(write_tables("training", "Training", tables, notes(steps, rounds, chosen.quick), chosen.output))


def on_cpu(steps: int, rounds: int) -> Table:
    """The mini recipe's model."""
    training = cpu_training(steps)
    seen = compare(training, ("ours", "plain", "transformers"), rounds, least_same=SAME_LOSS)
    return Table("On one core", SPEED_COLUMNS, speed_rows("mini", training.chosen, seen))


def on_gpu(steps: int, rounds: int) -> list[Table]:
    """The 460M and 250M recipes."""
    rows: list[tuple[str, ...]] = []
    tables: list[Table] = []
    for name in ("neo_460m", "neo_250m"):
        training = gpu_training(name, steps, deterministic=True)
        free = gpu_training(name, steps, deterministic=False)
        seen = compare(training, ("ours",), rounds)
        seen |= {"ours, free": compare(free, ("ours",), rounds)["ours"]}
        seen |= compare(free, ("megatron",), rounds)
        rows += speed_rows(name, training.chosen, seen)
        tables += [roofline(name, training, one) for one in (seen["ours, free"],)]
    return [Table("On a GPU", SPEED_COLUMNS, rows), *tables]


def cpu_training(steps: int) -> TrainingSection:
    """The mini recipe's training in one phase and chunk of so many steps."""
    return _shortened(load_recipe("mini").training.model_dump(mode="json"), steps, {})


def gpu_training(name: str, steps: int, deterministic: bool) -> TrainingSection:
    """An architecture of the published family on one GPU: 8 sequences of full context a step, 2 at a time."""
    given = load_recipe("matrix").training.model_dump(mode="json") | {"architecture": name, "microbatch_sequences": 2}
    given["phases"][0]["batch_sequences"] = 8
    engine = "transformer_engine" if _has("transformer_engine") else "local"
    return _shortened(given, steps, GPU_EXECUTION | {"layer_spec": engine, "deterministic": deterministic})


def _shortened(training: dict[str, Any], steps: int, execution: dict[str, Any]) -> TrainingSection:
    phase = training["phases"][0] | {"n_steps": steps, "steps_per_chunk": steps, "data_parallel": None}
    training |= {"phases": [phase], "snapshot_steps": None, "n_threads": 1}
    training["execution"] |= execution
    return TrainingSection.model_validate(training)


def compare(
    training: TrainingSection, systems: Sequence[str], rounds: int, least_same: float | None = None
) -> dict[str, Seen]:
    """The best round of each system; they take turns.

    Raises:
        TrainingBenchmarkError: one failed, or losses differ by more than `least_same` from those of the first.
    """
    best: dict[str, Seen] = {}
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "chunk.npy"
        np.save(tokens, tokens_of(training))
        for number in range(rounds):
            for system in systems:
                print(f"{system}, {training.architecture}, round {number + 1}", flush=True)
                found = _run(system, training, tokens, Path(folder) / f"{number}-{system}")
                peaks += [] if found.peak_flops is None else [found.peak_flops]
                if system not in best or found.step_seconds < best[system].step_seconds:
                    best[system] = found
    if least_same is not None:
        for system in systems[1:]:
            if (difference := largest_difference(best[systems[0]], best[system])) > least_same:
                raise TrainingBenchmarkError(
                    f"{system} trains another model than {systems[0]}: a loss differs by {difference:.2g}"
                )
    # One peak for all: on the CPU it is measured, and other load can only make it lower.
    peak = max(peaks, default=None)
    return {system: one._replace(peak_flops=peak) for system, one in best.items()}


def tokens_of(training: TrainingSection) -> np.ndarray[Any, Any]:
    """Sequences that can be learnt: of few frequent ids, each one of three followers of the one before; ends inside."""
    architecture, phase = training.chosen, training.phases[0]
    draw = np.random.default_rng(1)
    n_ids = min(architecture.vocab_rows - 1, 4096)
    shape = (phase.n_steps * phase.batch_sequences, architecture.seq_length + 1)
    followers = np.sort(draw.integers(0, n_ids, (n_ids, 3)) ** 2 // n_ids, axis=1)
    tokens, which = np.empty(shape, np.int32), draw.integers(0, 3, shape)
    tokens[:, 0] = draw.integers(0, n_ids, shape[0])
    for column in range(1, shape[1]):
        tokens[:, column] = followers[tokens[:, column - 1], which[:, column]]
    tokens[draw.random(shape) < 1 / 500] = n_ids
    return tokens


def _run(system: str, training: TrainingSection, tokens: Path, out: Path) -> Seen:
    eod_id = min(training.chosen.vocab_rows - 1, 4096)
    segment = Segment(training, 1, eod_id, "benchmark", 0, 0, {0: tokens}, None, out)
    spec = tokens.with_name("spec.json")
    spec.write_text(json.dumps(segment.spec()), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.training_loops", system, str(spec)]
    on_cpu = training.execution.stack == "cpu"
    done = subprocess.run(
        ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command] if on_cpu else command,
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env=os.environ | ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if on_cpu else {}),
    )  # fmt: skip
    if done.returncode:
        raise TrainingBenchmarkError(f"{system}: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")
    answer = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    seconds = statistics.median(answer["seconds"][WARM_UP:])
    speed = training.phases[0].batch_sequences * training.chosen.seq_length / seconds
    losses = tuple(answer["losses"])
    return Seen(speed, seconds, answer["memory_mib"], losses, answer["device"], answer["peak_flops"])


def largest_difference(one: Seen, other: Seen) -> float:
    """Of the losses of equal steps."""
    return max(abs(a - b) for a, b in zip(one.losses, other.losses, strict=True))


def speed_rows(model: str, of: ArchitectureSettings, seen: dict[str, Seen]) -> list[tuple[str, ...]]:
    """A row per system; ratios are of tokens a second."""
    first = seen["ours"]
    size = f"{model}, {n_parameters(of) / 1e6:.3g} M weights"
    shares = {system: mfu(of, one.tokens_per_second, one.peak_flops) for system, one in seen.items()}
    return [
        (
            size,
            TITLES[system],
            f"{one.tokens_per_second:,.0f}",
            f"{1e3 * one.step_seconds:.1f}",
            "peak not known" if (share := shares[system]) is None else f"{share:.1%}",
            f"{one.memory_mib:,.0f}",
            "" if one is first else f"{largest_difference(first, one):.1e}",
            "" if one is first else f"{first.tokens_per_second / one.tokens_per_second:.2f}",
        )
        for system, one in seen.items()
    ]


def roofline(name: str, training: TrainingSection, seen: Seen) -> Table:
    """Where the time of a step must go, beside what it takes."""
    architecture, phase = training.chosen, training.phases[0]
    bandwidth, columns = bandwidth_of(seen.device), ("part", "TFLOP", "GB", "least ms", "bound by")
    if bandwidth is None or seen.peak_flops is None:
        return Table(f"Roofline of {name}", columns, [], f"The data sheet of {seen.device} is not in the tables.")
    n_tokens = phase.batch_sequences * architecture.seq_length
    parts = parts_of(architecture, n_tokens, phase.batch_sequences // training.microbatch_sequences)
    rows = [
        (
            part.name, f"{part.flops / 1e12:.3g}", f"{part.bytes / 1e9:.3g}",
            f"{1e3 * part.seconds(seen.peak_flops, bandwidth):.2f}", part.bound(seen.peak_flops, bandwidth),
        )
        for part in parts
    ]  # fmt: skip
    least = sum(part.seconds(seen.peak_flops, bandwidth) for part in parts)
    attainable = n_tokens * flops_per_token(architecture) / (least * seen.peak_flops)
    return Table(
        f"Roofline of {name} on {seen.device}",
        columns,
        rows,
        f"A step takes at least {1e3 * least:.0f} ms, an MFU of {attainable:.0%}; it takes"
        f" {1e3 * seen.step_seconds:.0f} ms. Attention counts half in the table (what a causal kernel does) and whole"
        " in the MFU.",
    )


def has_gpu() -> bool:
    """Whether torch sees one; asked in another process, so that this one holds none of its memory."""
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def notes(steps: int, rounds: int, quick: bool) -> str:
    """What is needed to judge and repeat the tables."""
    warning = "Quick run: not a measurement.\n\n" if quick else ""
    return (
        f"{warning}{steps} steps, the median of all but the first {WARM_UP}, the best of {rounds} rounds in turns. A"
        " step runs from reading the batch to the end of the update; on the CPU its time is processor time of one"
        " thread. Ours also checks every step's loss and gradient, records it, and keeps to deterministic kernels where"
        " not said otherwise. Memory is the process's largest resident size on the CPU, the most that torch had"
        " allocated on a GPU; all processes have megatron-core loaded, which gives them their weights."
    )


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


if __name__ == "__main__":
    main()
