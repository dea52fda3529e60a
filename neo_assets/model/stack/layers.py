"""Layers that take the place of megatron's where those ask for an accelerator or an extension that may be absent.

They enter through the layer specification, megatron's own extension point, and keep its parameter names, so that every
specification reads and writes the same checkpoints.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from neo_assets.model.stack.megatron import MegatronModule, TransformerBlockSubmodules, get_gpt_layer_local_spec


class SdpaCoreAttention(MegatronModule):  # type: ignore[misc]
    """Causal attention by torch's scaled dot product, which chooses among its kernels (on a GPU flash attention)."""

    backends: tuple[SDPBackend, ...] = ()  # empty: torch chooses

    def __init__(
        self,
        config: Any,
        layer_number: int,
        attn_mask_type: Any,
        attention_type: str,
        attention_dropout: float | None = None,
        softmax_scale: float | None = None,
        cp_comm_type: str | None = None,
        pg_collection: Any = None,
    ) -> None:
        super().__init__(config)
        self.scale = softmax_scale or 1.0 / math.sqrt(config.kv_channels)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Attention output of shape [sequence, batch, heads * size] from q, k, v of [sequence, batch, heads, size]."""
        query, key, value = (x.permute(1, 2, 0, 3) for x in (query, key, value))
        grouped = query.size(1) != key.size(1)
        with sdpa_kernel(list(self.backends)) if self.backends else nullcontext():
            out = functional.scaled_dot_product_attention(
                query, key, value, is_causal=query.size(2) > 1, scale=self.scale, enable_gqa=grouped
            )
        return out.permute(2, 0, 1, 3).reshape(out.size(2), out.size(0), -1)

    def sharded_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Nothing to save: it has no weights."""
        return {}


class FlashCoreAttention(SdpaCoreAttention):
    """The same, by the flash kernel or not at all."""

    backends = (SDPBackend.FLASH_ATTENTION,)


class RmsNorm(torch.nn.RMSNorm):
    """Root-mean-square norm whose gradient megatron sums over the tensor ranks under sequence parallelism.

    Megatron's own wrapper of torch's norm refuses sequence parallelism; all that it asks for is this mark.
    """

    def __init__(self, config: Any, hidden_size: int, eps: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(hidden_size, eps=eps)
        self.weight.sequence_parallel = config.sequence_parallel  # type: ignore[attr-defined]


def local_block(n_layers: int, attention: type) -> TransformerBlockSubmodules:
    """Specification of `n_layers` layers and the last norm, of megatron's own linear layers and the ones above.

    The norms are named here because megatron would take Transformer Engine's wherever that is installed.
    """
    layer = get_gpt_layer_local_spec(normalization="RMSNorm")
    layer.submodules.self_attention.submodules.core_attention = attention
    layer.submodules.input_layernorm = layer.submodules.pre_mlp_layernorm = RmsNorm
    return TransformerBlockSubmodules(layer_specs=[layer] * n_layers, layer_norm=RmsNorm)
