from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.stack.gpt import ModelError, build_model, deterministic, positions, process_group  # noqa: E402
from neo_assets.recipe.training import n_parameters  # noqa: E402
from neo_assets_tests.model.settings import tiny_training  # noqa: E402


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("untied", [True, False])
def test_the_built_model_has_as_many_weights_as_the_formula_says(groups: int, untied: bool) -> None:
    architecture = tiny_training(n_kv_groups=groups, untied=untied).chosen
    with process_group():
        model = build_model(architecture, seed=1)
        assert sum(p.numel() for p in model.parameters()) == n_parameters(architecture)


def test_a_position_sees_only_what_is_before_it() -> None:
    architecture = tiny_training().chosen
    ids = torch.arange(16)[None]
    other = ids.clone()
    other[0, 9:] = 3
    with deterministic(1), process_group(), torch.no_grad():
        model = build_model(architecture, seed=1)
        a, b = (model(x, positions(x), None) for x in (ids, other))
    assert torch.equal(a[:, :9], b[:, :9])
    assert not torch.equal(a[:, 9:], b[:, 9:])


def test_the_loss_is_the_cross_entropy_of_the_logits() -> None:
    architecture = tiny_training().chosen
    ids = torch.arange(32).reshape(2, 16)
    labels = (ids + 1) % 64
    with deterministic(1), process_group(), torch.no_grad():
        model = build_model(architecture, seed=1)
        losses = model(ids, positions(ids), None, labels=labels)
        logits = model(ids, positions(ids), None)
    expected = -logits.log_softmax(-1).gather(-1, labels[..., None])[..., 0]  # naive reference
    assert torch.allclose(losses, expected, atol=1e-6)


def test_bfloat16_is_refused_with_the_fix() -> None:
    with process_group(), pytest.raises(ModelError, match="set dtype: float32"):
        build_model(tiny_training().chosen.model_copy(update={"dtype": "bfloat16"}), seed=1)


def test_settings_of_the_process_are_restored() -> None:
    threads = torch.get_num_threads()
    with deterministic(1):
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
