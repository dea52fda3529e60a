"""Run by `test_training` in a process of its own: megatron's loop and ours on a tiny model, behind the device shim."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.training_loops import Watch, megatron, ours
from neo_assets.model.stack import gpu
from neo_assets.model.train.run import Segment
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model import cuda_as_cpu
from neo_assets_tests.model.settings import EOD, SEED, learnable_tokens, tiny_training


def main() -> None:
    """Prints the losses of both."""
    folder = Path(sys.argv[1])
    np.save(folder / "chunk.npy", learnable_tokens(16))
    given = tiny_training(steps_per_chunk=4).model_dump(mode="json")
    given["phases"] = given["phases"][:1]
    segments = []
    for stack, dtype in (("cpu", "float32"), ("gpu", "bfloat16")):
        given["execution"]["stack"] = stack
        given["architectures"]["tiny"]["dtype"] = dtype
        training = TrainingSection.model_validate(given)
        chunks = {0: folder / "chunk.npy"}
        segments.append(Segment(training, SEED, EOD, "benchmark", 0, 0, chunks, None, folder / stack))
    torch.set_num_threads(1)
    reference, seen = Watch(), Watch()
    ours(segments[0], reference)
    cuda_as_cpu.install()
    gpu.gpu_device = lambda: torch.device("cpu")
    megatron(segments[1], seen)
    print(json.dumps({"ours": reference.losses, "megatron": seen.losses}))


if __name__ == "__main__":
    main()
