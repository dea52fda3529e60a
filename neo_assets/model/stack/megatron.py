"""The one door to megatron-core: every name of it that the project uses, imported once and quietly.

Imports cost about 10 CPU-seconds, so only jobs (never definitions) may come here. Without a GPU a third of that was the
`inductor` compiler, loaded for kernels that the CPU path never calls; naming `eager` as torch's default compile
backend, before megatron decorates them, leaves it out.
"""

from __future__ import annotations

import logging
import warnings

import torch

if not torch.cuda.is_available():
    torch.compiler.set_default_backend("eager")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a page of notes that Apex and Transformer Engine are absent, as meant here
    logging.getLogger("megatron.core").setLevel(logging.ERROR)
    from megatron.core import parallel_state, tensor_parallel
    from megatron.core.distributed import (
        DistributedDataParallel,
        DistributedDataParallelConfig,
        finalize_model_grads,
    )
    from megatron.core.distributed.data_parallel_base import _BaseDataParallel as BaseDataParallel
    from megatron.core.extensions.transformer_engine import HAVE_TE
    from megatron.core.models.common.embeddings.rotary_pos_embedding import RotaryEmbedding
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer
    from megatron.core.optimizer import _get_param_groups as get_param_groups
    from megatron.core.optimizer.clip_grads import clip_grad_by_total_norm_fp32
    from megatron.core.optimizer.distrib_optimizer import DistributedOptimizer
    from megatron.core.optimizer.optimizer import FP32Optimizer, MegatronOptimizer
    from megatron.core.pipeline_parallel import get_forward_backward_func
    from megatron.core.transformer.dot_product_attention import DotProductAttention
    from megatron.core.transformer.enums import AttnBackend
    from megatron.core.transformer.module import Float16Module, MegatronModule
    from megatron.core.transformer.transformer_block import TransformerBlockSubmodules
    from megatron.core.transformer.transformer_config import TransformerConfig

__all__ = [
    "HAVE_TE",
    "AttnBackend",
    "BaseDataParallel",
    "DistributedDataParallel",
    "DistributedDataParallelConfig",
    "DistributedOptimizer",
    "DotProductAttention",
    "FP32Optimizer",
    "Float16Module",
    "GPTModel",
    "MegatronModule",
    "MegatronOptimizer",
    "OptimizerConfig",
    "RotaryEmbedding",
    "TransformerBlockSubmodules",
    "TransformerConfig",
    "clip_grad_by_total_norm_fp32",
    "finalize_model_grads",
    "get_forward_backward_func",
    "get_gpt_layer_local_spec",
    "get_megatron_optimizer",
    "get_param_groups",
    "parallel_state",
    "tensor_parallel",
]
