"""Stacks whose optimiser is a dictionary, and checkpoints that no training made: for tests of files and layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neo_assets.model.files.checkpoint import save_checkpoint
from neo_assets.model.stack.gpt import build_model, process_group, transformer_config
from neo_assets.model.stack.layers import SdpaCoreAttention, local_block
from neo_assets.model.stack.megatron import GPTModel, parallel_state
from neo_assets.model.stack.protocol import MASTER, MOMENTS, STEP, Microbatch
from neo_assets.recipe.training import ArchitectureSettings


class MemoryStack:
    """A module of this rank, with zero moments until some are loaded."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.data_rank = parallel_state.get_data_parallel_rank()
        self.data_size = parallel_state.get_data_parallel_world_size()
        self.moments = {f"{m}.{n}": torch.zeros(p.shape) for n, p in module.named_parameters() for m in MOMENTS}
        self.moments |= {f"{MASTER}.{n}": p.float() for n, p in module.named_parameters() if p.dtype != torch.float32}
        self.moments[STEP] = torch.zeros(())

    def modules(self) -> Sequence[nn.Module]:
        return (self.module,)

    def optimiser_state(self) -> dict[str, Tensor]:
        return {} if self.data_rank else {name: tensor.detach() for name, tensor in self.moments.items()}

    def load_optimiser_state(self, tensors: Mapping[str, Tensor]) -> None:
        assert {n: t.shape for n, t in tensors.items()} == {n: t.shape for n, t in self.moments.items()}
        self.moments = {name: tensor.clone() for name, tensor in tensors.items()}

    @torch.no_grad()
    def load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        parameters = dict(self.module.named_parameters())
        assert parameters.keys() == tensors.keys()
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])

    def forward_backward(self, microbatches: Sequence[Microbatch], n_loss_tokens: int) -> float:
        raise AssertionError("no test of files computes")

    def gradient_norm(self) -> float:
        raise AssertionError("no test of files computes")

    def update(self, lr: float) -> None:
        raise AssertionError("no test of files computes")

    def discard(self) -> None:
        raise AssertionError("no test of files computes")


@torch.no_grad()
def fill(stack: MemoryStack, seed: int) -> None:
    """Every weight, moment and norm another number."""
    draw = torch.Generator().manual_seed(seed)
    for parameter in stack.module.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=draw) / 10)
    for name, tensor in stack.moments.items():
        tensor.copy_(torch.rand(tensor.shape, generator=draw) if name != STEP else torch.tensor(7.0))
    for name, parameter in stack.module.named_parameters():
        if f"{MASTER}.{name}" in stack.moments:
            stack.moments[f"{MASTER}.{name}"] = parameter.float() + 1e-4


def stage(architecture: ArchitectureSettings) -> Any:
    """This rank's pipeline stage of the model; needs `process_group(pipeline_parallel=2)`."""
    config = transformer_config(architecture, pipeline_model_parallel_size=2, pipeline_dtype=torch.float32)
    first = parallel_state.is_pipeline_first_stage()
    return GPTModel(
        config,
        local_block(architecture.n_layers // 2, SdpaCoreAttention),
        vocab_size=architecture.vocab_rows,
        max_sequence_length=architecture.seq_length,
        share_embeddings_and_output_weights=False,
        position_embedding_type="rope",
        rotary_base=architecture.rope_base,
        pre_process=first,
        post_process=not first,
    )


def state_of(architecture: ArchitectureSettings, **more: Any) -> dict[str, Any]:
    """The least that a state.json holds."""
    return {"format": 1, "architecture": architecture.model_dump(mode="json"), **more}


def make_checkpoint(folder: Path, architecture: ArchitectureSettings, seed: int = 1, bfloat16: bool = False) -> None:
    """A checkpoint of random numbers, as one process writes it."""
    with process_group():
        model = build_model(architecture.model_copy(update={"dtype": "float32"}), seed)
        stack = MemoryStack(model.bfloat16() if bfloat16 else model)
        fill(stack, seed)
        save_checkpoint(folder, stack, state_of(architecture))
