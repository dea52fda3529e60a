"""The CPU stack, and what all stacks share. `stack_runs` does the runs, in processes of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.stack.gpt import Microbatch, ModelError, StateError, build_stack, deterministic, process_group  # noqa: E402
from neo_assets_tests.model.launch import run_ranks  # noqa: E402
from neo_assets_tests.model.settings import SEED, tiny_training  # noqa: E402
from neo_assets_tests.model.stack_runs import VARIANTS, Variant, observe, share, stack_of, steps, weights  # noqa: E402

RUNS = "neo_assets_tests.model.stack_runs"


def plain_training(n_steps: int) -> tuple[list[tuple[float, float]], dict[str, torch.Tensor]]:
    """Naive reference: whole batches, autograd, torch's own clipping and AdamW."""
    stack = stack_of(Variant())
    (model,) = stack.modules()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    norms = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    seen = []
    for step in range(n_steps):
        batches, n_loss_tokens = share(stack, step)
        ids, labels, mask = (torch.cat([getattr(b, name) for b in batches]) for name in ("ids", "labels", "mask"))
        logits = model(ids, torch.arange(16).expand_as(ids), None)
        losses = torch.nn.functional.cross_entropy(logits.reshape(-1, 64), labels.reshape(-1), reduction="none")
        loss = (losses * mask.reshape(-1)).sum() / n_loss_tokens
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        seen.append((loss.item(), norm.item()))
        for group in adam.param_groups:
            group["lr"] = 1e-2 / (step + 1)
        adam.step()
        for parameter in model.parameters():
            parameter.grad = None
    return seen, weights(stack)


def test_the_cpu_stack_trains_as_plain_torch_does() -> None:
    with process_group():
        wanted, end = plain_training(4)
        stack = stack_of(Variant())
        seen = steps(stack, 0, 4)
        assert torch.tensor(seen).allclose(torch.tensor(wanted), atol=1e-5)
        assert all(torch.allclose(tensor, end[name], atol=1e-5) for name, tensor in weights(stack).items())


def test_update_without_asking_for_the_norm_is_the_same() -> None:
    with process_group():
        asked, unasked = stack_of(Variant()), stack_of(Variant())
        for stack in (asked, unasked):
            batches, n_loss_tokens = share(stack, 0)
            stack.forward_backward(batches, n_loss_tokens)
            if stack is asked:
                stack.gradient_norm()
            stack.update(1e-2)
        assert all(torch.equal(a, b) for a, b in zip(weights(asked).values(), weights(unasked).values(), strict=True))


def test_a_batch_without_loss_has_no_gradient() -> None:
    ids = torch.zeros(2, 16, dtype=torch.int64)
    with process_group():
        stack = stack_of(Variant())
        assert stack.forward_backward([Microbatch(ids, ids, torch.zeros(2, 16))], 0) == 0.0
        assert stack.gradient_norm() == 0.0


def test_state_of_another_model_is_refused_and_named() -> None:
    with process_group():
        stack = stack_of(Variant())
        state, own = stack.optimiser_state(), weights(stack)
        with pytest.raises(StateError, match=r"exp_avg\.output_layer\.weight is missing"):
            stack.load_optimiser_state({n: t for n, t in state.items() if n != "exp_avg.output_layer.weight"})
        with pytest.raises(StateError, match=r"tensor more is none of this model's"):
            stack.load_weights(own | {"more": torch.zeros(1)})
        with pytest.raises(StateError, match=r"output_layer\.weight has shape \(3, 32\), the model's has \(64, 32\)"):
            stack.load_weights(own | {"output_layer.weight": torch.zeros(3, 32)})


def test_ranks_that_do_not_run_are_named() -> None:
    training = tiny_training(tensor_parallel=2)
    with process_group(), pytest.raises(ModelError, match=r"needs 2 ranks, 1 run: tensor_parallel 2 \(running: 1\)"):
        build_stack(training, training.phases[0], SEED)


def check(seen: dict[str, Any], cpu: dict[str, Any], apart: float, loss: float) -> None:
    """A variant against the CPU stack of one process: `apart` bounds weights, `loss` the rest, absolutely."""
    assert seen["losses"] == pytest.approx(cpu["losses"], abs=loss)
    assert seen["norms"] == pytest.approx(cpu["norms"], abs=10 * loss)
    assert seen["apart"] < apart
    assert seen["same_start"]
    assert seen["resumed"]
    assert seen["state_named"]


def observed(n_ranks: int, names: list[str], shim: bool) -> list[dict[str, Any]]:
    """By rank, what `stack_runs` saw in processes of its own."""
    return [json.loads(out) for out in run_ranks(n_ranks, RUNS, ",".join(names), "shim" if shim else "plain")]


def alone(name: str) -> dict[str, Any]:
    """The CPU stack in this process."""
    with deterministic(1):
        return observe(VARIANTS[name])


@pytest.mark.parametrize("name", ["cpu", "cpu tied"])
def test_one_rank_resumes_to_the_bit(name: str) -> None:
    seen = alone(name)
    assert seen["resumed"]
    assert seen["apart"] == 0.0
    assert seen["state_named"]


@pytest.mark.slow
def test_two_ranks_train_the_model_of_one_and_resume_to_the_bit() -> None:
    cpu, ranks = alone("cpu"), observed(2, ["cpu dp2", "cpu tp2"], shim=False)
    for rank in ranks:
        for name, seen in rank.items():
            check(seen, cpu, apart=1e-5, loss=1e-5)
            assert (seen["losses"], seen["norms"]) == (ranks[0][name]["losses"], ranks[0][name]["norms"])
