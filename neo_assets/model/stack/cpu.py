"""megatron-core 0.16.1 on the CPU through its own extension points; nothing in megatron or torch is patched.

Stock megatron-core asks for the accelerator in about a dozen places. Each class here replaces one such piece by a
subclass or a layer-spec entry. Two of the bases are internal names (see `stack.megatron`), so the version is
pinned exactly. On a GPU the stock classes take their place; parameter names and shapes are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

from neo_assets.model.stack.adam import create_adam_state, optimizer_config, spare_norms
from neo_assets.model.stack.layers import SdpaCoreAttention, local_block
from neo_assets.model.stack.megatron import (
    BaseDataParallel,
    DistributedDataParallelConfig,
    FP32Optimizer,
    GPTModel,
    MegatronOptimizer,
    OptimizerConfig,
    RotaryEmbedding,
    finalize_model_grads,
    get_param_groups,
    parallel_state,
)
from neo_assets.model.stack.protocol import MOMENTS, STEP, Microbatch, check_tensors, copy_weights, positions
from neo_assets.recipe.training import OptimiserSettings


class CpuRotaryEmbedding(RotaryEmbedding):  # type: ignore[misc]
    """Rotary table that stays in host memory."""

    def get_emb(self, max_seq_len: int, offset: int = 0) -> Tensor:
        """Angles of shape [sequence, 1, 1, size]."""
        angles = self.get_freqs_non_repeated(max_seq_len, offset)
        return torch.cat((angles, angles), -1)[:, None, None, :]


class CpuGptModel(GPTModel):  # type: ignore[misc]
    """GPT whose rotary table and loss run on the CPU."""

    def __init__(self, config: Any, **settings: Any) -> None:
        spec = local_block(config.num_layers, SdpaCoreAttention)
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
    """Gradients as views into one flat float32 buffer, summed over the data-parallel ranks in one call."""

    def __init__(self, config: Any, module: torch.nn.Module) -> None:
        super().__init__(config, module)
        self.ddp_config = DistributedDataParallelConfig(grad_reduce_in_fp32=True)
        self.group = parallel_state.get_data_parallel_group(with_context_parallel=True)
        trained = [p for p in module.parameters() if p.requires_grad]
        self.buffer = torch.zeros(sum(p.numel() for p in trained), dtype=torch.float32)
        for parameter, part in zip(trained, torch.split(self.buffer, [p.numel() for p in trained]), strict=True):
            # Megatron reads `main_grad`; autograd adds into a gradient that is there already, in place.
            parameter.grad = parameter.main_grad = part.view(parameter.shape)  # type: ignore[attr-defined]

    def finish_grad_sync(self, force_all_reduce: bool = False) -> None:
        """Sum the gradients over ranks (every loss is divided by the tokens of all); one rank has nothing to do."""
        if self.group.size() > 1:
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
    def clip_to(self, clip_grad: float, norm: float) -> None:
        """Scale the gradient, whose norm is `norm`, down to `clip_grad` if it is longer."""
        factor = clip_grad / (norm + 1.0e-6)
        if factor < 1.0:
            for parameter in self.get_parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(factor)

    def clip_grad_norm(self, clip_grad: float) -> float:
        """Scale the gradient down to norm `clip_grad` if it is longer; returns the norm before."""
        norm = self.get_grad_norm()
        self.clip_to(clip_grad, norm)
        return norm

    def count_zeros(self) -> None:
        """Zero counting is a CUDA statistic; none is taken."""


def cpu_optimizer(config: OptimizerConfig, chunks: list[Any]) -> CpuOptimizer:
    """AdamW over the model's parameter groups (no weight decay on norms), with state created on first use."""
    groups = get_param_groups(chunks, config, None)
    betas = (config.adam_beta1, config.adam_beta2)
    adam = torch.optim.AdamW(
        groups, lr=config.lr, weight_decay=config.weight_decay, betas=betas, eps=config.adam_eps, fused=True
    )
    spare_norms(adam.param_groups, config.weight_decay)
    return CpuOptimizer(adam, config, create_adam_state)


class CpuStack:
    """Data and tensor parallelism over gloo, in float32. See `neo_assets.model.stack.protocol.Stack`."""

    def __init__(self, model: nn.Module, settings: OptimiserSettings) -> None:
        self.model = model
        self.parallel = FlatDataParallel(model.config, model)
        self.optimiser = cpu_optimizer(optimizer_config(settings), [self.parallel])
        self.clip_norm = settings.clip_norm
        self.group = self.parallel.group
        self.data_rank, self.data_size = self.group.rank(), self.group.size()
        self._norm: float | None = None  # of the present gradient, once asked for
        create_adam_state(self.optimiser.optimizer)

    def modules(self) -> Sequence[nn.Module]:
        """The one module of this rank."""
        return (self.model,)

    def forward_backward(self, microbatches: Sequence[Microbatch], n_loss_tokens: int) -> float:
        """Gradient and global loss; microbatch after microbatch, in the order given."""
        self.discard()
        total = 0.0
        for batch in microbatches:
            losses = self.parallel(batch.ids, positions(batch.ids), None, labels=batch.labels)
            loss = (losses * batch.mask).sum() / max(n_loss_tokens, 1)
            loss.backward()
            total += loss.item()
        finalize_model_grads([self.parallel])
        if self.data_size == 1:
            return total
        whole = torch.tensor(total, dtype=torch.float64)
        dist.all_reduce(whole, group=self.group)
        return float(whole.item())

    def gradient_norm(self) -> float:
        """Euclidean norm of the whole gradient."""
        if self._norm is None:
            self.optimiser.prepare_grads()
            self._norm = self.optimiser.get_grad_norm()
        return self._norm

    def update(self, lr: float) -> None:
        """Clip, then one AdamW step."""
        norm = self.gradient_norm()
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.clip_to(self.clip_norm, norm)
        self.optimiser.step_with_ready_grads()
        self._norm = None

    def discard(self) -> None:
        """Forget the gradient."""
        self._norm = None
        self.parallel.zero_grad_buffer()

    def optimiser_state(self) -> dict[str, Tensor]:
        """Moments and step, on data-parallel rank 0; views of the live state, valid until the next update."""
        return {} if self.data_rank else self._state()

    def _state(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for name, parameter in self.model.named_parameters():
            slot = self.optimiser.optimizer.state[parameter]
            tensors |= {f"{moment}.{name}": slot[moment] for moment in MOMENTS}
            tensors[STEP] = slot[STEP]
        return tensors

    @torch.no_grad()
    def load_optimiser_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over moments and step; every parameter has its own step counter (they must not share one)."""
        check_tensors(tensors, self._state())
        for name, parameter in self.model.named_parameters():
            slot = self.optimiser.optimizer.state[parameter]
            for moment in MOMENTS:
                slot[moment].copy_(tensors[f"{moment}.{name}"])
            slot[STEP].copy_(tensors[STEP])

    def load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy weights into the model."""
        copy_weights(self.model, tensors)
