"""The model itself: a megatron-core GPT built from settings, and with its optimiser the stack that trains it.

Only this module decides which classes a recipe gets: those of `stack.cpu` or of `stack.gpu`.
Parameter names and shapes are megatron's own in both, so they read and write the same checkpoints.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch.nn import functional

from neo_assets.model.stack.cpu import CpuGptModel, CpuStack
from neo_assets.model.stack.megatron import TransformerConfig, parallel_state, tensor_parallel
from neo_assets.model.stack.protocol import Microbatch, ModelError, Stack, StateError, positions
from neo_assets.model.stack.ranks import deterministic, process_group
from neo_assets.recipe.training import ArchitectureSettings, PhaseSettings, TrainingSection

__all__ = [
    "Microbatch",
    "ModelError",
    "Stack",
    "StateError",
    "build_model",
    "build_stack",
    "deterministic",
    "positions",
    "process_group",
    "transformer_config",
]


def transformer_config(architecture: ArchitectureSettings, **fields: Any) -> TransformerConfig:
    """Megatron's configuration of the architecture, with every CUDA-only fusion off. `fields` add or replace.

    The tensor-parallel ranks are those of the process group, if one runs, else the architecture's.
    """
    running = parallel_state.model_parallel_is_initialized()
    ranks = parallel_state.get_tensor_model_parallel_world_size() if running else architecture.tensor_parallel
    values: dict[str, Any] = {
        "num_layers": architecture.n_layers,
        "hidden_size": architecture.hidden_size,
        "num_attention_heads": architecture.n_heads,
        "num_query_groups": architecture.n_kv_groups,
        "ffn_hidden_size": architecture.ffn_size,
        "normalization": "RMSNorm",
        "layernorm_epsilon": architecture.rms_norm_eps,
        "gated_linear_unit": True,
        "activation_func": functional.silu,
        "add_bias_linear": False,
        "hidden_dropout": 0.0,
        "attention_dropout": 0.0,
        "init_method_std": architecture.init_std,
        "tensor_model_parallel_size": ranks,
        "params_dtype": torch.float32,
        "use_cpu_initialization": True,
        "bias_activation_fusion": False,
        "bias_dropout_fusion": False,
        "apply_rope_fusion": False,
        "gradient_accumulation_fusion": False,
        "masked_softmax_fusion": False,
        "persist_layer_norm": False,
    }
    return TransformerConfig(**values | fields)


def build_model(architecture: ArchitectureSettings, seed: int) -> Any:
    """A freshly initialised float32 model on the CPU, split over the tensor-parallel ranks. Needs `process_group`.

    The same seed gives the same weights, and the same ones together however many ranks share them.

    Raises:
        ModelError: a type of weights that the CPU trainer does not have.
    """
    if architecture.dtype != "float32":
        raise ModelError(f"the CPU model is float32, not {architecture.dtype}; set dtype: float32 in the architecture")
    torch.manual_seed(seed)
    tensor_parallel.model_parallel_cuda_manual_seed(seed, inference_rng_tracker=True, force_reset_rng=True)
    return CpuGptModel(
        transformer_config(architecture),
        vocab_size=architecture.vocab_rows,
        max_sequence_length=architecture.seq_length,
        share_embeddings_and_output_weights=not architecture.untied,
        rotary_base=architecture.rope_base,
    )


def build_stack(training: TrainingSection, phase: PhaseSettings, seed: int) -> Stack:
    """This rank's part of the freshly initialised model and its optimiser. Needs `process_group` of the same layout.

    Raises:
        ModelError: the ranks that run are not those of the settings, or the machine lacks what they ask for.
    """
    _check_layout(training, phase)
    if training.execution.stack == "cpu":
        return CpuStack(build_model(training.chosen, seed), training.optimiser)
    from neo_assets.model.stack.gpu import GpuStack, gpu_device

    return GpuStack(training, seed, gpu_device())


def _check_layout(training: TrainingSection, phase: PhaseSettings) -> None:
    names = ("tensor_parallel", "pipeline_parallel", "data_parallel")
    wanted = (training.chosen.tensor_parallel, training.execution.pipeline_parallel, training.data_parallel(phase))
    running = (
        parallel_state.get_tensor_model_parallel_world_size(),
        parallel_state.get_pipeline_model_parallel_world_size(),
        parallel_state.get_data_parallel_world_size(),
    )
    if wanted != running:
        differ = ", ".join(f"{n} {w} (running: {r})" for n, w, r in zip(names, wanted, running, strict=True) if w != r)
        raise ModelError(
            f"phase {phase.name} needs {training.n_ranks(phase)} ranks, {dist.get_world_size()} run: {differ};"
            f" start the job with {training.n_ranks(phase)} processes and this layout"
        )
