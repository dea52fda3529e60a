"""Short trainings of a stack, run by `test_stack` and `test_gpu` in processes of their own: `stack_runs NAMES SHIM`.

Each rank prints one JSON object: by variant, what it saw in four steps, how far its weights are from those of the CPU
stack with the same start, and whether state and weights after two steps, loaded into another stack, give the same bits.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist

from neo_assets.model.stack.gpt import Microbatch, Stack, build_stack, deterministic, process_group
from neo_assets.model.stack.megatron import parallel_state
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model.settings import EOD, SEED, learnable_tokens, tiny_training

N_STEPS, BATCH = 4, 4


@dataclass(frozen=True)
class Variant:
    execution: dict[str, Any] = field(default_factory=dict)
    architecture: dict[str, Any] = field(default_factory=dict)
    fused: bool = False

    def training(self) -> TrainingSection:
        plain = tiny_training(**{k: v for k, v in self.architecture.items() if k != "dtype"}).model_dump(mode="json")
        plain["microbatch_sequences"] = 1
        plain["execution"] |= self.execution
        plain["architectures"]["tiny"] |= self.architecture
        return TrainingSection.model_validate(plain)


def gpu(**execution: Any) -> dict[str, Any]:
    return {"stack": "gpu", **execution}


DP2, BF16, TP2 = {"data_parallel": 2}, {"dtype": "bfloat16"}, {"tensor_parallel": 2}
VARIANTS = {
    "cpu": Variant(),
    "cpu tied": Variant({}, {"untied": False}),
    "cpu dp2": Variant(DP2),
    "cpu tp2": Variant({}, TP2),
    "gpu": Variant(gpu()),
    "gpu tied": Variant(gpu(), {"untied": False}),
    "gpu unfused": Variant(gpu(attention="unfused")),
    "gpu flash": Variant(gpu(attention="flash"), BF16),
    "gpu fused": Variant(gpu(), fused=True),
    "gpu fused bf16": Variant(gpu(deterministic=False), BF16, fused=True),
    "gpu selective": Variant(gpu(recompute="selective")),
    "gpu selective unfused": Variant(gpu(recompute="selective", attention="unfused")),
    "gpu full": Variant(gpu(recompute="full")),
    "gpu distributed": Variant(gpu(distributed_optimizer=True)),
    "gpu bf16": Variant(gpu(), BF16),
    "gpu bf16 distributed": Variant(gpu(distributed_optimizer=True), BF16),
    "gpu dp2": Variant(gpu(**DP2)),
    "gpu dp2 overlap": Variant(gpu(**DP2, overlap_communication=True)),
    "gpu dp2 distributed": Variant(gpu(**DP2, distributed_optimizer=True)),
    "gpu dp2 distributed overlap": Variant(gpu(**DP2, distributed_optimizer=True, overlap_communication=True)),
    "gpu dp2 bf16": Variant(gpu(**DP2), BF16),
    "gpu dp2 bf16 distributed": Variant(gpu(**DP2, distributed_optimizer=True), BF16),
    "gpu tp2": Variant(gpu(), TP2),
    "gpu tp2 sequence": Variant(gpu(sequence_parallel=True), TP2),
    "gpu tp2 bf16": Variant(gpu(), TP2 | BF16),
    "engine": Variant(gpu(layer_spec="transformer_engine"), BF16, fused=True),
    "engine fused": Variant(gpu(layer_spec="transformer_engine", attention="fused", recompute="full"), BF16),
    "gpu 4 ranks dp2 tp2": Variant(
        gpu(**DP2, sequence_parallel=True, distributed_optimizer=True, overlap_communication=True), TP2 | BF16
    ),
    "gpu 4 ranks pp2 tp2": Variant(gpu(pipeline_parallel=2, recompute="full"), TP2),
    "gpu pp2": Variant(gpu(pipeline_parallel=2)),
    "gpu pp2 bf16 distributed": Variant(gpu(pipeline_parallel=2, distributed_optimizer=True), BF16),
}


def stack_of(variant: Variant, seed: int = SEED) -> Stack:
    training = variant.training()
    if training.execution.stack == "cpu":
        return build_stack(training, training.phases[0], seed)
    from neo_assets.model.stack.gpu import GpuStack, gpu_device

    device = gpu_device() if torch.cuda.is_available() else torch.device("cpu")
    return GpuStack(training, seed, device, variant.fused)


def share(stack: Stack, step: int) -> tuple[list[Microbatch], int]:
    """This rank's microbatches of a step, and the number of loss-bearing targets of all ranks."""
    rows = torch.from_numpy(learnable_tokens(N_STEPS * BATCH).astype("int64"))[step * BATCH : (step + 1) * BATCH]
    ids, labels = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
    mask = (ids != EOD).float()
    size = BATCH // stack.data_size
    parts = [slice(i, i + 1) for i in range(stack.data_rank * size, (stack.data_rank + 1) * size)]
    return [Microbatch(ids[p], labels[p], mask[p]) for p in parts], int(mask.sum())


def steps(stack: Stack, first: int, last: int) -> list[tuple[float, float]]:
    """(loss, gradient norm) of each step. The second is first tried with a poisoned batch on one rank, and dropped."""
    seen = []
    for step in range(first, last):
        batches, n_loss_tokens = share(stack, step)
        if step == 1:
            poison = math.nan if stack.data_rank == 0 else 1.0
            poisoned = [Microbatch(b.ids, b.labels, b.mask * poison) for b in batches]
            assert math.isnan(stack.forward_backward(poisoned, n_loss_tokens)), "every rank must see it"
            assert not math.isfinite(stack.gradient_norm()), "every rank must see it"
            stack.discard()
        loss = stack.forward_backward(batches, n_loss_tokens)
        seen.append((loss, stack.gradient_norm()))
        stack.update(lr=1e-2 / (step + 1))
    return seen


def weights(stack: Stack) -> dict[str, torch.Tensor]:
    (module,) = stack.modules()
    return {name: p.detach().to("cpu", copy=True) for name, p in module.named_parameters()}


def digest(tensors: dict[str, torch.Tensor]) -> str:
    whole = hashlib.sha256()
    for name in sorted(tensors):
        bits = tensors[name].detach().contiguous().reshape(-1).view(torch.uint8)
        whole.update(name.encode() + bits.numpy().tobytes())
    return whole.hexdigest()


def spread(stack: Stack, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state of data-parallel rank 0 on all its ranks."""
    if stack.data_size == 1:
        return state
    everywhere: list[Any] = [None] * stack.data_size
    dist.all_gather_object(everywhere, state, group=parallel_state.get_data_parallel_group())
    assert [bool(given) for given in everywhere] == [True] + [False] * (stack.data_size - 1)
    return dict(everywhere[0])


def state_names(stack: Stack, training: TrainingSection) -> list[str]:
    """What `optimiser_state` must give on this rank."""
    if stack.data_rank:
        return []
    kinds = ["exp_avg", "exp_avg_sq"] + ["master"] * (training.chosen.dtype == "bfloat16")
    return sorted([f"{kind}.{name}" for kind in kinds for name in weights(stack)] + ["step"])


def resumed(variant: Variant, straight: Stack, start: dict[str, torch.Tensor]) -> bool:
    first = stack_of(variant)
    first.load_weights(start)
    steps(first, 0, 2)
    saved = {name: tensor.clone() for name, tensor in spread(first, first.optimiser_state()).items()}
    second = stack_of(variant, seed=SEED + 1)
    second.load_weights(weights(first))
    second.load_optimiser_state(saved)
    steps(second, 2, N_STEPS)
    same_weights = digest(weights(second)) == digest(weights(straight))
    return same_weights and digest(second.optimiser_state()) == digest(straight.optimiser_state())


def reference(variant: Variant) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Whole weights of the CPU stack before and after, trained on every rank alone from the same seed."""
    plain = {k: v for k, v in variant.architecture.items() if k == "untied"}
    stack = stack_of(Variant({"data_parallel": dist.get_world_size()}, plain))
    before = weights(stack)
    steps(stack, 0, N_STEPS)
    return before, weights(stack)


def local(stack: Stack, whole: dict[str, torch.Tensor], tensor_rank: int, stage: int) -> dict[str, torch.Tensor]:
    """A rank's share of whole weights, cut by the rules of megatron: naive, for two tensor ranks or two stages."""
    cut = {}
    for name, own in weights(stack).items():
        parts = name.split(".")
        if parts[:2] == ["decoder", "layers"] and stage:
            parts[2] = str(int(parts[2]) + stage)  # one layer a stage
        full = whole[".".join(parts)]
        if full.shape != own.shape:
            dim = 0 if full.shape[0] != own.shape[0] else 1
            pieces = full.chunk(2, 0) if "linear_fc1" in name else (full,)  # gate and up
            full = torch.cat([piece.chunk(2, dim)[tensor_rank] for piece in pieces], 0)
        cut[name] = full
    return cut


def observe(variant: Variant) -> dict[str, Any]:
    training = variant.training()
    with process_group():
        before, after = reference(variant)
    with process_group(training.chosen.tensor_parallel, training.execution.pipeline_parallel):
        tensor_rank = parallel_state.get_tensor_model_parallel_rank()
        stage = parallel_state.get_pipeline_model_parallel_rank()
        stack = stack_of(variant)
        start = local(stack, before, tensor_rank, stage)
        drawn = weights(stack)
        same_start = all(torch.equal(drawn[n], start[n].to(drawn[n].dtype)) for n in drawn)
        stack.load_weights(start)
        seen = steps(stack, 0, N_STEPS)
        final, wanted = weights(stack), local(stack, after, tensor_rank, stage)
        return {
            "losses": [loss for loss, _ in seen],
            "norms": [norm for _, norm in seen],
            "same_start": same_start,
            "apart": max(float((final[n].float() - wanted[n]).abs().max()) for n in final),
            "resumed": resumed(variant, stack, start),
            "state_named": sorted(stack.optimiser_state()) == state_names(stack, training),
        }


def main() -> None:
    names, shim = sys.argv[1].split(","), sys.argv[2] == "shim"
    if shim:
        from neo_assets_tests.model import cuda_as_cpu

        cuda_as_cpu.install()
    if "RANK" in os.environ:
        dist.init_process_group("gloo", init_method="env://")
    else:
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    with deterministic(1):
        print(json.dumps({name: observe(VARIANTS[name]) for name in names}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
