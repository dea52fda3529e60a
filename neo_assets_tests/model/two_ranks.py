"""One of two ranks: checkpoints of one layout loaded and saved under another. Run by `test_layouts.py`."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from neo_assets.model.files.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from neo_assets.model.stack.gpt import build_model, process_group
from neo_assets.model.stack.megatron import parallel_state
from neo_assets_tests.model.memory_stack import MemoryStack, stage, state_of
from neo_assets_tests.model.settings import tiny_training

WHOLE = tiny_training().chosen
SPLIT = WHOLE.model_copy(update={"tensor_parallel": 2})


def main(folder: Path) -> None:
    """Loads `one`; writes `tp2` of it, `pp2` of that, `tp2_again` of that, `dp2` of that."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    with process_group(tensor_parallel=2):
        pass_on(folder / "one", folder / "tp2", MemoryStack(build_model(SPLIT, 5)))
    with process_group(pipeline_parallel=2):
        pass_on(folder / "tp2", folder / "pp2", MemoryStack(stage(WHOLE)))
    with process_group(tensor_parallel=2):
        stack = MemoryStack(build_model(SPLIT, 6))
        pass_on(folder / "pp2", folder / "tp2_again", stack)
        own_numbers(folder / "rng", stack)
        disk_full_on_one_rank(folder / "full", stack)
    with process_group():
        stack = MemoryStack(build_model(WHOLE, 7))
        assert (stack.data_rank, stack.data_size) == (dist.get_rank(), 2)
        pass_on(folder / "tp2_again", folder / "dp2", stack)
    dist.destroy_process_group()


def pass_on(start: Path, out: Path, stack: MemoryStack) -> None:
    """From one layout to another."""
    load_checkpoint(start, stack, optimiser=True)
    save_checkpoint(out, stack, state_of(WHOLE))


def own_numbers(out: Path, stack: MemoryStack) -> None:
    """Each rank gets its own random numbers back."""
    torch.manual_seed(dist.get_rank())
    save_checkpoint(out, stack, state_of(WHOLE))
    expected = torch.rand(4)
    load_checkpoint(out, stack, optimiser=True)
    assert torch.equal(torch.rand(4), expected)


def disk_full_on_one_rank(out: Path, stack: MemoryStack) -> None:
    """Rank 1 has no room: both are told, nothing is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if parallel_state.get_tensor_model_parallel_rank() == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        save_checkpoint(out, stack, state_of(WHOLE))
    except CheckpointError as error:
        (out.parent / f"full_{dist.get_rank()}").write_text(str(error))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
