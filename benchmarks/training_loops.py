"""One training loop, alone in a process: `python -m benchmarks.training_loops SYSTEM SPEC.json` prints what it saw.

Every system gets the weights of the same seed, the same batches, learning rates and masks, and AdamW with the same
settings, none on norms. A step's seconds run from the end of the one before to its own end, reading included; they are
processor seconds on the CPU, where there is one thread, and seconds on a GPU.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neo_assets.model.metrics.flops import device_peak_flops
from neo_assets.model.stack.gpt import Microbatch, build_model, deterministic, process_group
from neo_assets.model.train.run import Segment
from neo_assets.model.train.schedule import learning_rate


class Watch:
    """Losses, and seconds between steps by the given clock."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.losses: list[float] = []
        self.seconds: list[float] = []
        self._last = clock()

    def step(self, loss: float) -> None:
        """A step has ended."""
        now = self.clock()
        self.losses.append(loss)
        self.seconds.append(now - self._last)
        self._last = now


def ours(segment: Segment, watch: Watch) -> None:
    """The trainer as a job runs it, without a parent process."""
    from neo_assets.model.train.trainer import train

    train(segment, lambda event, values: watch.step(values["loss"]) if event == "step" else None)


def plain(segment: Segment, watch: Watch) -> None:
    """Plain PyTorch."""
    from benchmarks.training_plain import Plain

    _torch_loop(segment, watch, Plain, lambda model, ids: model(ids))


def transformers(segment: Segment, watch: Watch) -> None:
    """Hugging Face's Llama in the same loop."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from neo_assets.model.export.llama import llama_config

    def build(architecture: Any) -> Any:
        settings = llama_config(architecture, segment.eod_id, 2)
        names = ("architectures", "model_type")
        config = LlamaConfig(**{k: v for k, v in settings.items() if k not in names}, attn_implementation="sdpa")
        return LlamaForCausalLM(config)

    _torch_loop(segment, watch, build, lambda model, ids: model(ids, use_cache=False).logits)


def _torch_loop(
    segment: Segment, watch: Watch, build: Callable[[Any], Any], logits_of: Callable[[Any, Tensor], Tensor]
) -> None:
    from benchmarks.training_plain import llama_names

    training, settings = segment.training, segment.training.optimiser
    with deterministic(training.n_threads):
        with process_group():
            start = llama_names(dict(build_model(training.chosen, segment.seed).named_parameters()), training.chosen)
        model = build(training.chosen)
        model.load_state_dict(start, strict=True)
        norms = [p for p in model.parameters() if p.ndim == 1]
        others = [p for p in model.parameters() if p.ndim > 1]
        optimiser = torch.optim.AdamW(
            [{"params": others, "weight_decay": settings.weight_decay}, {"params": norms, "weight_decay": 0.0}],
            betas=(settings.beta1, settings.beta2),
            eps=settings.eps,
        )
        for step, parts in enumerate(_batches(segment)):
            n_tokens, total = float(sum(part.mask.sum() for part in parts)), 0.0
            for part in parts:
                logits = logits_of(model, part.ids)
                losses = functional.cross_entropy(logits.flatten(0, 1), part.labels.flatten(), reduction="none")
                loss = (losses * part.mask.flatten()).sum() / n_tokens
                loss.backward()
                total += loss.item()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(training.phases[0], step)
            optimiser.step()
            optimiser.zero_grad()
            watch.step(total)


def megatron(segment: Segment, watch: Watch) -> None:
    """megatron-core's own pieces on one GPU, as its examples put them together: nothing deterministic, all fused."""
    from functools import partial

    from neo_assets.model.stack.gpu import gpu_device
    from neo_assets.model.stack.megatron import (
        HAVE_TE,
        DistributedDataParallel,
        DistributedDataParallelConfig,
        Float16Module,
        GPTModel,
        OptimizerConfig,
        finalize_model_grads,
        get_forward_backward_func,
        get_gpt_layer_local_spec,
        get_megatron_optimizer,
        tensor_parallel,
    )

    training, settings, architecture = segment.training, segment.training.optimiser, segment.training.chosen
    with process_group():
        device = gpu_device()
        torch.manual_seed(segment.seed)
        tensor_parallel.model_parallel_cuda_manual_seed(segment.seed)
        config = _megatron_config(training)
        spec = get_gpt_layer_local_spec(normalization="RMSNorm")
        if HAVE_TE:
            from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_with_transformer_engine_spec

            spec = get_gpt_layer_with_transformer_engine_spec()
        module = GPTModel(
            config, spec, vocab_size=architecture.vocab_rows, max_sequence_length=architecture.seq_length,
            position_embedding_type="rope", rotary_base=architecture.rope_base,
            share_embeddings_and_output_weights=not architecture.untied,
        ).to(device)  # fmt: skip
        ddp = DistributedDataParallelConfig(grad_reduce_in_fp32=True)
        model = DistributedDataParallel(config, ddp, Float16Module(config, module))
        config.finalize_model_grads_func = finalize_model_grads
        adam = OptimizerConfig(
            optimizer="adam", lr=1.0, weight_decay=settings.weight_decay, adam_beta1=settings.beta1,
            adam_beta2=settings.beta2, adam_eps=settings.eps, clip_grad=settings.clip_norm, bf16=True,
            params_dtype=torch.bfloat16,
        )  # fmt: skip
        optimiser, schedule = get_megatron_optimizer(adam, [model]), get_forward_backward_func()

        def forward(batches: Iterator[Microbatch], module: Any) -> Any:
            batch = next(batches)
            ids, labels, mask = (x.to(device, non_blocking=True) for x in (batch.ids, batch.labels, batch.mask))
            places = torch.arange(ids.size(1), device=device).expand_as(ids)
            return module(ids, places, None, labels=labels), partial(_mean_loss, mask)

        for step, parts in enumerate(_batches(segment)):
            model.zero_grad_buffer()
            optimiser.zero_grad()
            losses = schedule(
                forward_step_func=forward, data_iterator=iter(parts), model=[model], num_microbatches=len(parts),
                seq_length=architecture.seq_length, micro_batch_size=training.microbatch_sequences,
                forward_only=False,
            )  # fmt: skip
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(training.phases[0], step)
            optimiser.step()
            watch.step(sum(float(loss) for loss in losses) / len(losses))


def _mean_loss(mask: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    loss = (losses.float() * mask).sum() / mask.sum()
    return loss, loss.detach().clone()  # the schedule divides the first one in place


def _megatron_config(training: Any) -> Any:
    from neo_assets.model.stack.megatron import HAVE_TE, TransformerConfig

    of = training.chosen
    return TransformerConfig(
        num_layers=of.n_layers, hidden_size=of.hidden_size, num_attention_heads=of.n_heads,
        num_query_groups=of.n_kv_groups, ffn_hidden_size=of.ffn_size, normalization="RMSNorm",
        layernorm_epsilon=of.rms_norm_eps, gated_linear_unit=True, activation_func=functional.silu,
        add_bias_linear=False, hidden_dropout=0.0, attention_dropout=0.0, init_method_std=of.init_std,
        params_dtype=torch.bfloat16, pipeline_dtype=torch.bfloat16, bf16=True, bias_activation_fusion=True,
        bias_dropout_fusion=True, apply_rope_fusion=HAVE_TE, cross_entropy_loss_fusion=True,
        gradient_accumulation_fusion=False,
    )  # fmt: skip


def _batches(segment: Segment) -> Iterator[list[Microbatch]]:
    """The microbatches of every step of the first chunk."""
    training = segment.training
    phase, size = training.phases[0], training.microbatch_sequences
    tokens = np.load(segment.chunks[0], mmap_mode="r")
    for step in range(phase.n_steps):
        rows = torch.from_numpy(
            tokens[step * phase.batch_sequences : (step + 1) * phase.batch_sequences].astype(np.int64)
        )
        ids, labels = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
        mask = (ids != segment.eod_id).float()
        yield [
            Microbatch(ids[i : i + size], labels[i : i + size], mask[i : i + size]) for i in range(0, len(ids), size)
        ]


SYSTEMS = {"ours": ours, "plain": plain, "transformers": transformers, "megatron": megatron}


def main() -> None:
    """Run the loop of the system named and print one JSON object."""
    name, spec = sys.argv[1], Path(sys.argv[2])
    segment = Segment.from_spec(json.loads(spec.read_text(encoding="utf-8")))
    torch.set_num_threads(segment.training.n_threads)
    stack = segment.training.execution.stack
    watch = Watch(time.perf_counter if stack == "gpu" else time.process_time)
    SYSTEMS[name](segment, watch)
    answer = {
        "losses": watch.losses,
        "seconds": watch.seconds,
        "peak_flops": device_peak_flops(stack, segment.training.chosen.dtype, segment.training.n_threads),
        "device": torch.cuda.get_device_name() if stack == "gpu" else "CPU",
        "memory_mib": torch.cuda.max_memory_allocated() / 2**20
        if stack == "gpu"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
