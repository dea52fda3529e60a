"""The model itself: a megatron-core GPT built from settings, inside a process group that needs no port.

Only this module decides which classes a machine gets; on the CPU they come from `neo_assets.model.cpu`. Parameter
names and shapes are megatron's own, so a GPU path with the stock classes reads and writes the same checkpoints.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch.nn import functional

from neo_assets.model.cpu import CpuGptModel
from neo_assets.model.megatron import TransformerConfig, parallel_state, tensor_parallel
from neo_assets.recipe.training import ArchitectureSettings


class ModelError(ValueError):
    """The settings ask for something that this machine or this trainer cannot do."""


@contextmanager
def process_group(tensor_parallel_size: int = 1) -> Iterator[None]:
    """Megatron's process groups for the time of the block.

    Under a launcher (torchrun) the running group is used and left alone; otherwise a group of one process is made over
    an in-memory store: no port, no file, so any number of processes can train at once.
    """
    own = not dist.is_initialized()
    if own:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        store = dist.HashStore()  # type: ignore[attr-defined]
        dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        parallel_state.initialize_model_parallel(tensor_parallel_size, 1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"megatron\.")  # of its own deprecated calls and absent extensions
            yield
    finally:
        parallel_state.destroy_model_parallel()
        if own:
            dist.destroy_process_group()


@contextmanager
def deterministic(n_threads: int) -> Iterator[None]:
    """Fixed thread count and deterministic kernels for the time of the block.

    One thread gives identical bits on every run; more need `MKL_CBWR=AVX2,STRICT` in the environment for that.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(n_threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def transformer_config(architecture: ArchitectureSettings) -> TransformerConfig:
    """Megatron's configuration of the architecture, with every CUDA-only fusion off."""
    return TransformerConfig(
        num_layers=architecture.n_layers,
        hidden_size=architecture.hidden_size,
        num_attention_heads=architecture.n_heads,
        num_query_groups=architecture.n_kv_groups,
        ffn_hidden_size=architecture.ffn_size,
        normalization="RMSNorm",
        layernorm_epsilon=architecture.rms_norm_eps,
        gated_linear_unit=True,
        activation_func=functional.silu,
        add_bias_linear=False,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        init_method_std=architecture.init_std,
        tensor_model_parallel_size=architecture.tensor_parallel,
        params_dtype=torch.float32,
        use_cpu_initialization=True,
        bias_activation_fusion=False,
        bias_dropout_fusion=False,
        apply_rope_fusion=False,
        gradient_accumulation_fusion=False,
        masked_softmax_fusion=False,
        persist_layer_norm=False,
    )


def build_model(architecture: ArchitectureSettings, seed: int) -> Any:
    """A freshly initialised float32 model on the CPU; the same seed gives the same weights. Needs `process_group`.

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


def positions(ids: torch.Tensor) -> torch.Tensor:
    """Position ids [batch, sequence]: they run over document boundaries, as in MAP-Neo."""
    return torch.arange(ids.size(1)).expand_as(ids)
