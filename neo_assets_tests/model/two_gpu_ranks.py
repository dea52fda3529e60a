"""One of two ranks: checkpoints of megatron's stock stacks under three layouts. Run by `test_layouts.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch.distributed as dist

from neo_assets.model.files.checkpoint import load_checkpoint, save_checkpoint
from neo_assets.model.stack.gpt import Stack, deterministic, process_group
from neo_assets_tests.model import cuda_as_cpu
from neo_assets_tests.model.memory_stack import state_of
from neo_assets_tests.model.settings import SEED
from neo_assets_tests.model.stack_runs import VARIANTS, stack_of, steps

STAGES, SHARES, COPIES = "gpu pp2 bf16 distributed", "gpu tp2 bf16", "gpu dp2 bf16 distributed"


def main(folder: Path) -> None:
    """Trains two steps on two stages: `stages`. Loads and saves it as every layout, and trains on from the first."""
    with process_group(pipeline_parallel=2):
        stack = stack_of(VARIANTS[STAGES])
        steps(stack, 0, 2)
        save(folder / "stages", stack)
        steps(stack, 2, 4)
        save(folder / "straight", stack)
        again = stack_of(VARIANTS[STAGES], seed=SEED + 1)
        load_checkpoint(folder / "stages", again, optimiser=True)
        steps(again, 2, 4)
        save(folder / "resumed", again)
    with process_group(tensor_parallel=2):
        pass_on(folder / "stages", folder / "shares", stack_of(VARIANTS[SHARES], seed=SEED + 2))
    with process_group():
        pass_on(folder / "shares", folder / "copies", stack_of(VARIANTS[COPIES], seed=SEED + 3))
    with process_group(pipeline_parallel=2):
        pass_on(folder / "copies", folder / "stages_again", stack_of(VARIANTS[STAGES], seed=SEED + 4))


def save(out: Path, stack: Stack) -> None:
    save_checkpoint(out, stack, state_of(VARIANTS[STAGES].training().chosen))


def pass_on(start: Path, out: Path, stack: Stack) -> None:
    """From one layout to another."""
    load_checkpoint(start, stack, optimiser=True)
    save(out, stack)


if __name__ == "__main__":
    cuda_as_cpu.install()
    dist.init_process_group("gloo")
    with deterministic(1):
        main(Path(sys.argv[1]))
    dist.destroy_process_group()
