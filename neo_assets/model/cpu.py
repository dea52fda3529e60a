"""megatron-core 0.16.1 on the CPU through its own extension points; nothing in megatron or torch is patched.

Stock megatron-core asks for the accelerator in about a dozen places. Each class here replaces one such piece by a
subclass or a layer-spec entry. Two of the bases are internal names (see `neo_assets.model.megatron`), so the version is
pinned exactly. On a GPU the stock classes take their place; parameter names and shapes are the same.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from neo_assets.model.megatron import (
    BaseDataParallel,
    DistributedDataParallelConfig,
    FP32Optimizer,
    GPTModel,
    MegatronModule,
    MegatronOptimizer,
    OptimizerConfig,
    RotaryEmbedding,
    get_gpt_layer_local_spec,
    get_param_groups,
    parallel_state,
)


class SdpaCoreAttention(MegatronModule):  # type: ignore[misc]
    """Causal attention by torch's scaled dot product, in place of megatron's CUDA kernels."""

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
        out = functional.scaled_dot_product_attention(
            query, key, value, is_causal=query.size(2) > 1, scale=self.scale, enable_gqa=grouped
        )
        return out.permute(2, 0, 1, 3).reshape(out.size(2), out.size(0), -1)

    def sharded_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Nothing to save: it has no weights."""
        return {}


class CpuRotaryEmbedding(RotaryEmbedding):  # type: ignore[misc]
    """Rotary table that stays in host memory."""

    def get_emb(self, max_seq_len: int, offset: int = 0) -> Tensor:
        """Angles of shape [sequence, 1, 1, size]."""
        angles = self.get_freqs_non_repeated(max_seq_len, offset)
        return torch.cat((angles, angles), -1)[:, None, None, :]


class CpuGptModel(GPTModel):  # type: ignore[misc]
    """GPT whose rotary table and loss run on the CPU."""

    def __init__(self, config: Any, **settings: Any) -> None:
        spec = get_gpt_layer_local_spec(normalization="RMSNorm")
        spec.submodules.self_attention.submodules.core_attention = SdpaCoreAttention
        super().__init__(config, spec, position_embedding_type="rope", **settings)
        self.rotary_pos_emb = CpuRotaryEmbedding(
            config.kv_channels,
            1.0,
            rotary_base=self.rotary_base,
            use_cpu_initialization=True,
            cp_group=self.pg_collection.cp,
        )

    def compute_language_model_loss(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Loss per token, [batch, sequence]: torch's fused cross-entropy unless the vocabulary is split."""
        if parallel_state.get_tensor_model_parallel_world_size() > 1:
            split: Tensor = super().compute_language_model_loss(labels, logits)
            return split
        length, batch, rows = logits.shape
        targets = labels.transpose(0, 1).reshape(-1)
        losses = functional.cross_entropy(logits.view(-1, rows), targets, reduction="none")
        return losses.view(length, batch).transpose(0, 1)


class FlatDataParallel(BaseDataParallel):  # type: ignore[misc]
    """Gradients as views into one flat float32 buffer, averaged over the data-parallel ranks in one call."""

    def __init__(self, config: Any, module: torch.nn.Module) -> None:
        super().__init__(config, module)
        self.ddp_config = DistributedDataParallelConfig(grad_reduce_in_fp32=True)
        self.group = parallel_state.get_data_parallel_group(with_context_parallel=True)
        trained = [p for p in module.parameters() if p.requires_grad]
        self.buffer = torch.zeros(sum(p.numel() for p in trained), dtype=torch.float32)
        offset = 0
        for parameter in trained:
            parameter.main_grad = self.buffer[offset : offset + parameter.numel()].view(parameter.shape)  # type: ignore[attr-defined]
            parameter.register_post_accumulate_grad_hook(self._accumulate)  # type: ignore[no-untyped-call]
            offset += parameter.numel()

    @staticmethod
    def _accumulate(parameter: Any) -> None:
        parameter.main_grad.add_(parameter.grad)
        parameter.grad = None

    def finish_grad_sync(self, force_all_reduce: bool = False) -> None:
        """Average the gradients over ranks; with one rank there is nothing to do."""
        if self.group.size() > 1:
            self.buffer.div_(self.group.size())
            dist.all_reduce(self.buffer, group=self.group)

    def zero_grad_buffer(self) -> None:
        """Set all gradients to zero."""
        self.buffer.zero_()

    def scale_gradients(self, scaling_factor: float) -> None:
        """Multiply all gradients."""
        self.buffer.mul_(scaling_factor)


class CpuOptimizer(FP32Optimizer):  # type: ignore[misc]
    """Megatron's float32 optimizer with scale, gradient norm and clipping on the CPU."""

    def __init__(self, optimizer: torch.optim.Optimizer, config: Any, init_state_fn: Any) -> None:
        MegatronOptimizer.__init__(self, optimizer, config, init_state_fn)
        self._scale = torch.ones(1)
        self.is_stub_optimizer = False
        self.grad_stats_parallel_group = parallel_state.get_model_parallel_group()
        self.tp_group = parallel_state.get_tensor_model_parallel_group()

    @torch.no_grad()
    def get_grad_norm(self) -> float:
        """Euclidean norm of the whole gradient, over all model-parallel ranks."""
        grads = self.get_main_grads_for_grad_norm()
        squares = torch.stack([g.float().pow(2).sum() for g in grads]).sum() if grads else torch.zeros(())
        dist.all_reduce(squares, group=self.grad_stats_parallel_group)
        return float(squares.sqrt().item())

    @torch.no_grad()
    def clip_grad_norm(self, clip_grad: float) -> float:
        """Scale the gradient down to norm `clip_grad` if it is longer; returns the norm before."""
        norm = self.get_grad_norm()
        factor = clip_grad / (norm + 1.0e-6)
        if factor < 1.0:
            for parameter in self.get_parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(factor)
        return norm

    def count_zeros(self) -> None:
        """Zero counting is a CUDA statistic; none is taken."""


def cpu_optimizer(config: OptimizerConfig, chunks: list[Any]) -> CpuOptimizer:
    """AdamW over the model's parameter groups (no weight decay on norms), with state created on first use."""
    groups = get_param_groups(chunks, config, None)
    betas = (config.adam_beta1, config.adam_beta2)
    adam = torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, betas=betas, eps=config.adam_eps)
    return CpuOptimizer(adam, config, create_adam_state)


def create_adam_state(optimizer: torch.optim.Optimizer, config: Any = None) -> None:
    """Give every parameter its zero moments, so that state can be loaded before the first step."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if not optimizer.state[parameter]:
                optimizer.state[parameter].update(
                    step=torch.zeros(()), exp_avg=torch.zeros_like(parameter), exp_avg_sq=torch.zeros_like(parameter)
                )
