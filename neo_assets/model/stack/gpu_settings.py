"""What the GPU stack asks of megatron-core: configurations and layer specifications from the recipe's settings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from neo_assets.model.stack.adam import optimizer_config
from neo_assets.model.stack.gpt import transformer_config
from neo_assets.model.stack.layers import FlashCoreAttention, SdpaCoreAttention, local_block
from neo_assets.model.stack.megatron import (
    HAVE_TE,
    AttnBackend,
    DistributedDataParallelConfig,
    DotProductAttention,
    OptimizerConfig,
    TransformerBlockSubmodules,
    TransformerConfig,
)
from neo_assets.model.stack.protocol import ModelError
from neo_assets.recipe.training import ExecutionSettings, TrainingSection

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def check_settings(training: TrainingSection) -> None:
    """What can be known before anything is built.

    Raises:
        ModelError: the settings do not go together, or a package is absent.
    """
    execution = training.execution
    if execution.pipeline_parallel > 1 and not training.chosen.untied:
        raise ModelError("tied embeddings would live on two pipeline stages; set untied: true or pipeline_parallel: 1")
    if execution.attention in ("flash", "fused") and training.chosen.dtype == "float32":
        raise ModelError(
            f"attention: {execution.attention} computes in bfloat16; set dtype: bfloat16 or attention: auto"
        )
    if execution.layer_spec == "local":
        if execution.attention == "fused":
            raise ModelError("attention: fused is a kernel of Transformer Engine; set layer_spec: transformer_engine")
        return
    if not HAVE_TE:
        raise ModelError(
            "layer_spec: transformer_engine needs Transformer Engine; pip install 'neo-assets[gpu]' on a machine with"
            " CUDA, or set layer_spec: local"
        )
    if execution.attention == "flash" and not (find_spec("flash_attn") or find_spec("flash_attn_interface")):
        raise ModelError(
            "attention: flash with Transformer Engine needs the package flash-attn; install it, or set attention: auto"
        )


def gpu_config(training: TrainingSection, fused: bool) -> TransformerConfig:
    """Megatron's configuration.

    Gradients are neither averaged over ranks nor divided by microbatches or tokens: the loss that the stack gives is
    divided already by the tokens of the whole batch, so they are only summed. That is what `calculate_per_token_loss`
    with no number of tokens means.

    Args:
        fused: with megatron's compiled kernels, which only gain on a GPU.
    """
    execution, dtype = training.execution, DTYPES[training.chosen.dtype]
    engine = execution.layer_spec == "transformer_engine"
    fields: dict[str, Any] = {
        "pipeline_model_parallel_size": execution.pipeline_parallel,
        "pipeline_dtype": dtype,
        "params_dtype": dtype,
        "bf16": dtype is torch.bfloat16,
        "sequence_parallel": execution.sequence_parallel,
        "deterministic_mode": execution.deterministic,
        "calculate_per_token_loss": True,
        "deallocate_pipeline_outputs": True,
        "attention_backend": AttnBackend[execution.attention] if engine else AttnBackend.auto,
        "bias_activation_fusion": fused,
        "bias_dropout_fusion": fused,
        "apply_rope_fusion": fused and engine,
        # It rounds the gradient of the logits to bfloat16, whatever the weights are.
        "cross_entropy_loss_fusion": fused and dtype is torch.bfloat16 and not execution.deterministic,
    }
    return transformer_config(training.chosen, **fields | _recompute(execution))


def _recompute(execution: ExecutionSettings) -> dict[str, Any]:
    """Selective: the attention scores where they are stored, else (flash kernels) the MLP, the next largest."""
    if execution.recompute == "none":
        return {}
    if execution.recompute == "full":
        return {"recompute_granularity": "full", "recompute_method": "uniform", "recompute_num_layers": 1}
    stored = execution.attention == "unfused"
    return {"recompute_granularity": "selective", "recompute_modules": ["core_attn" if stored else "mlp"]}


def block_spec(execution: ExecutionSettings, n_layers: int) -> TransformerBlockSubmodules:
    """The layers of one pipeline stage.

    Norms stay modules of their own under Transformer Engine too (megatron would melt them into the linear layers), so
    that parameters have the same names in every checkpoint.
    """
    if execution.layer_spec == "local":
        kinds = {"auto": SdpaCoreAttention, "flash": FlashCoreAttention, "unfused": DotProductAttention}
        return local_block(n_layers, kinds[execution.attention])
    from megatron.core.extensions.transformer_engine import TEColumnParallelLinear, TENorm
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_with_transformer_engine_spec

    layer = get_gpt_layer_with_transformer_engine_spec()
    layer.submodules.input_layernorm = layer.submodules.pre_mlp_layernorm = TENorm
    layer.submodules.self_attention.submodules.linear_qkv = TEColumnParallelLinear
    layer.submodules.mlp.submodules.linear_fc1 = TEColumnParallelLinear
    return TransformerBlockSubmodules(layer_specs=[layer] * n_layers, layer_norm=TENorm)


def parallel_config(execution: ExecutionSettings) -> DistributedDataParallelConfig:
    """How gradients are kept (always float32) and summed over the data-parallel ranks."""
    return DistributedDataParallelConfig(
        grad_reduce_in_fp32=True,
        overlap_grad_reduce=execution.overlap_communication,
        use_distributed_optimizer=execution.distributed_optimizer,
    )


def gpu_optimizer_config(training: TrainingSection) -> OptimizerConfig:
    """AdamW with float32 masters and moments."""
    dtype = DTYPES[training.chosen.dtype]
    return optimizer_config(
        training.optimiser,
        params_dtype=dtype,
        bf16=dtype is torch.bfloat16,
        use_distributed_optimizer=training.execution.distributed_optimizer,
    )
