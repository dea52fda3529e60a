"""The GPU stack: megatron-core's stock model, data parallelism, optimisers and pipeline schedules over NCCL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neo_assets.model.stack.adam import spare_norms
from neo_assets.model.stack.gpu_settings import (
    block_spec,
    check_settings,
    gpu_config,
    gpu_optimizer_config,
    parallel_config,
)
from neo_assets.model.stack.gpu_state import OptimiserState
from neo_assets.model.stack.megatron import (
    DistributedDataParallel,
    Float16Module,
    GPTModel,
    clip_grad_by_total_norm_fp32,
    finalize_model_grads,
    get_forward_backward_func,
    get_megatron_optimizer,
    parallel_state,
    tensor_parallel,
)
from neo_assets.model.stack.protocol import Microbatch, ModelError, copy_weights, positions
from neo_assets.recipe.training import TrainingSection


def gpu_device() -> torch.device:
    """The GPU of this rank, by LOCAL_RANK; it becomes the current one.

    Raises:
        ModelError: there is none.
    """
    if not torch.cuda.is_available():
        raise ModelError(
            "stack: gpu needs a GPU and a torch built for CUDA; set stack: cpu, or train on such a machine"
        )
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if index >= torch.cuda.device_count():
        raise ModelError(
            f"rank {index} of this machine has no GPU of its own ({torch.cuda.device_count()} are there);"
            " start fewer processes on it"
        )
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


class GpuStack:
    """See `protocol.Stack`. Weights start on the CPU: a seed gives the same ones in every layout."""

    def __init__(self, training: TrainingSection, seed: int, device: torch.device, fused: bool = True) -> None:
        check_settings(training)
        self.device = device
        self.model = _build(training, gpu_config(training, fused), seed).to(device)
        wrapped = Float16Module(self.model.config, self.model) if self.model.config.bf16 else self.model
        self.parallel = DistributedDataParallel(self.model.config, parallel_config(training.execution), wrapped)
        self.model.config.finalize_model_grads_func = _finalize
        if training.execution.overlap_communication:
            self.model.config.no_sync_func = self.parallel.no_sync
        self.optimiser = get_megatron_optimizer(gpu_optimizer_config(training), [self.parallel])
        spare_norms(self.optimiser.param_groups, training.optimiser.weight_decay)
        self.state = OptimiserState(self.optimiser, self.model)
        self.clip_norm = training.optimiser.clip_norm
        self._norm: float | None = None  # of the present gradient, once asked for
        self.group = parallel_state.get_data_parallel_group(with_context_parallel=True)
        self.data_rank, self.data_size = self.group.rank(), self.group.size()

    def modules(self) -> Sequence[nn.Module]:
        """The one module of this rank: a pipeline stage has its layers in one piece."""
        return (self.model,)

    def forward_backward(self, microbatches: Sequence[Microbatch], n_loss_tokens: int) -> float:
        """Gradient and global loss, by megatron's schedule for this number of pipeline stages."""
        self.discard()
        sequences, length = microbatches[0].ids.shape
        losses = get_forward_backward_func()(
            forward_step_func=partial(self._forward, max(n_loss_tokens, 1)),
            data_iterator=iter(microbatches),
            model=[self.parallel],
            num_microbatches=len(microbatches),
            seq_length=length,
            micro_batch_size=sequences,
        )
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for loss in losses:  # only the last stage has any
            total += loss.to(torch.float64)
        for group in (self.group, parallel_state.get_pipeline_model_parallel_group()):
            if group.size() > 1:
                dist.all_reduce(total, group=group)
        return float(total.item())

    def _forward(self, n_loss_tokens: int, batches: Iterator[Microbatch], module: nn.Module) -> tuple[Tensor, Any]:
        batch = next(batches)
        ids, labels, mask = (x.to(self.device, non_blocking=True) for x in (batch.ids, batch.labels, batch.mask))

        def loss_of(losses: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            loss = (losses.float() * mask).sum() / n_loss_tokens
            return loss, torch.zeros((), dtype=torch.int, device=self.device), loss.detach()

        return module(ids, positions(ids), None, labels=labels), loss_of

    def gradient_norm(self) -> float:
        """Euclidean norm of the whole gradient."""
        if self._norm is None:
            self.optimiser.prepare_grads()
            self._norm = float(self.optimiser.get_grad_norm())
        return self._norm

    @torch.no_grad()
    def update(self, lr: float) -> None:
        """Megatron's own step, with the norm that is known already: clip, step, hand the weights to all ranks."""
        norm = self.gradient_norm()
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        (optimiser,) = self.optimiser.chained_optimizers
        clip_grad_by_total_norm_fp32(optimiser.get_parameters(), self.clip_norm, norm)
        optimiser.step_with_ready_grads()
        self._norm = None

    def discard(self) -> None:
        """Forget the gradient. Both are needed: megatron aliases `param.grad` to `main_grad`, and stale ones add up."""
        self._norm = None
        self.parallel.zero_grad_buffer()
        self.optimiser.zero_grad()

    def optimiser_state(self) -> dict[str, Tensor]:
        """Moments, masters and step, on data-parallel rank 0."""
        return self.state.gather()

    def load_optimiser_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over moments, masters and step."""
        self.state.load(tensors)

    def load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy weights into the model and from there into the masters."""
        copy_weights(self.model, tensors)
        self.optimiser.reload_model_params()


def _build(training: TrainingSection, config: Any, seed: int) -> Any:
    """This rank's pipeline stage. Earlier stages are built and dropped, so that all together draw what one would."""
    torch.manual_seed(seed)
    tensor_parallel.model_parallel_cuda_manual_seed(seed, force_reset_rng=True)
    stage = parallel_state.get_pipeline_model_parallel_rank()
    for earlier in range(stage):
        _stage(training, config, earlier)
    return _stage(training, config, stage)


def _stage(training: TrainingSection, config: Any, stage: int) -> Any:
    architecture, stages = training.chosen, training.execution.pipeline_parallel
    return GPTModel(
        config,
        block_spec(training.execution, architecture.n_layers // stages),
        vocab_size=architecture.vocab_rows,
        max_sequence_length=architecture.seq_length,
        pre_process=stage == 0,
        post_process=stage == stages - 1,
        share_embeddings_and_output_weights=not architecture.untied,
        position_embedding_type="rope",
        rotary_base=architecture.rope_base,
    )


def _finalize(model: list[Any], n_tokens: Tensor | None, **settings: Any) -> None:
    """Megatron's own, without its division by tokens: the loss is divided already (see `gpu_config`)."""
    finalize_model_grads(model, None, **settings)
