"""Megatron's stock classes, run on the CPU behind the test-only shim, against the CPU stack.

Not reached without a GPU: Transformer Engine, NCCL, CUDA's own kernels. On a machine with one, the same runs go there.
"""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.stack.gpt import ModelError, build_stack, process_group  # noqa: E402
from neo_assets.model.stack.gpu_settings import check_settings, gpu_config  # noqa: E402
from neo_assets.model.stack.megatron import HAVE_TE  # noqa: E402
from neo_assets_tests.model.settings import SEED  # noqa: E402
from neo_assets_tests.model.stack.test_protocol import alone, check, observed  # noqa: E402
from neo_assets_tests.model.stack_runs import BF16, VARIANTS, Variant, gpu  # noqa: E402

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="the shim is for machines without a GPU")


ONE = [name for name in VARIANTS if name.startswith("gpu") and "2" not in name]
FOUR = [name for name in VARIANTS if name.startswith("gpu 4 ranks")]
TWO = [name for name in VARIANTS if name.startswith("gpu") and "2" in name and name not in FOUR]


@pytest.fixture(scope="module")
def cpu() -> dict[str, dict[str, Any]]:
    return {name: alone(name) for name in ("cpu", "cpu tied")}


@pytest.fixture(scope="module")
def one() -> list[dict[str, Any]]:
    return observed(1, ONE, shim=True)


@pytest.fixture(scope="module")
def two() -> list[dict[str, Any]]:
    return observed(2, TWO, shim=True)


def check_variant(name: str, ranks: list[dict[str, Any]], cpu: dict[str, Any]) -> None:
    for rank in ranks:
        seen, reference = rank[name], cpu["cpu tied" if "tied" in name else "cpu"]
        assert (seen["losses"], seen["norms"]) == (ranks[0][name]["losses"], ranks[0][name]["norms"])
        if VARIANTS[name].training().chosen.dtype == "float32":
            check(seen, reference, apart=1e-5, loss=1e-5)
        else:  # eight bits of precision; Adam turns a rounded sign of a gradient into a whole step
            check(seen, reference, apart=3e-2, loss=5e-3)


@NO_GPU
@pytest.mark.slow
@pytest.mark.parametrize("name", ONE)
def test_one_process(name: str, one: list[dict[str, Any]], cpu: dict[str, Any]) -> None:
    check_variant(name, one, cpu)


@NO_GPU
@pytest.mark.slow
@pytest.mark.parametrize("name", TWO)
def test_two_processes(name: str, two: list[dict[str, Any]], cpu: dict[str, Any]) -> None:
    check_variant(name, two, cpu)


@NO_GPU
@pytest.mark.slow
def test_four_processes(cpu: dict[str, dict[str, Any]]) -> None:
    ranks = observed(4, FOUR, shim=True)
    for name in FOUR:
        check_variant(name, ranks, cpu)


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(cpu: dict[str, dict[str, Any]]) -> None:
    names = [*ONE, *(name for name in VARIANTS if name.startswith("engine") and HAVE_TE)]
    ranks = observed(1, names, shim=False)
    for name in names:
        check_variant(name, ranks, cpu)


@NO_GPU
def test_without_a_gpu_the_stack_is_refused_with_the_fix() -> None:
    training = Variant(gpu()).training()
    with process_group(), pytest.raises(ModelError, match="set stack: cpu"):
        build_stack(training, training.phases[0], SEED)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (Variant(gpu(pipeline_parallel=2), {"untied": False}), "set untied: true"),
        (Variant(gpu(attention="fused"), BF16), "set layer_spec: transformer_engine"),
        (Variant(gpu(attention="flash")), "set dtype: bfloat16"),
        pytest.param(
            Variant(gpu(layer_spec="transformer_engine")),
            r"pip install 'neo-assets\[gpu\]'",
            marks=pytest.mark.skipif(HAVE_TE, reason="it is here"),
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(variant: Variant, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check_settings(variant.training())


@pytest.mark.parametrize(
    ("execution", "fields"),
    [
        ({"recompute": "none"}, {"recompute_granularity": None}),
        ({"recompute": "selective"}, {"recompute_granularity": "selective", "recompute_modules": ["mlp"]}),
        ({"recompute": "selective", "attention": "unfused"}, {"recompute_modules": ["core_attn"]}),
        ({"recompute": "full"}, {"recompute_granularity": "full", "recompute_num_layers": 1}),
        ({"deterministic": True}, {"deterministic_mode": True, "cross_entropy_loss_fusion": False}),
        ({"deterministic": False}, {"deterministic_mode": False, "cross_entropy_loss_fusion": True}),
    ],
)
def test_settings_reach_megatron(execution: dict[str, Any], fields: dict[str, Any]) -> None:
    with process_group():
        config = gpu_config(Variant(gpu(**execution), BF16).training(), fused=True)
    assert {name: getattr(config, name) for name in fields} == fields
