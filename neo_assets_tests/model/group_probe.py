"""Prints what a rank sees in a process group that a launcher's environment decides: `group_probe TENSOR PIPELINE`."""

from __future__ import annotations

import json
import sys

import torch.distributed as dist

from neo_assets.model.stack.gpt import process_group
from neo_assets.model.stack.megatron import parallel_state


def main() -> None:
    with process_group(int(sys.argv[1]), int(sys.argv[2])):
        seen = {
            "rank": dist.get_rank(),
            "ranks": dist.get_world_size(),
            "tensor": parallel_state.get_tensor_model_parallel_rank(),
            "pipeline": parallel_state.get_pipeline_model_parallel_rank(),
            "data": parallel_state.get_data_parallel_rank(),
        }
    print(json.dumps(seen | {"left": not dist.is_initialized()}))


if __name__ == "__main__":
    main()
