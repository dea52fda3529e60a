from __future__ import annotations

import subprocess
import sys

import pytest

from neo_assets.model.metrics.flops import (
    FlopsError,
    cpu_peak_flops,
    device_peak_flops,
    flops_per_token,
    matmul_weights,
    mfu,
    peak_flops,
)
from neo_assets.recipe.training import ArchitectureSettings, n_parameters
from neo_assets_tests.model.settings import tiny_training

NEO_7B = ArchitectureSettings(
    n_layers=28, hidden_size=3072, n_heads=16, n_kv_groups=16, ffn_size=24576, vocab_rows=64256, seq_length=8192
)


def test_matmul_weights_are_all_weights_but_norms_and_the_looked_up_embedding() -> None:
    norms = (2 * 28 + 1) * 3072
    assert matmul_weights(NEO_7B) == n_parameters(NEO_7B) - norms - 64256 * 3072
    tied = NEO_7B.model_copy(update={"untied": False})
    assert matmul_weights(tied) == n_parameters(tied) - norms  # the one embedding is multiplied with, too
    assert matmul_weights(tied) == matmul_weights(NEO_7B)


@pytest.mark.parametrize("n_kv_groups", [1, 2, 4])
def test_operations_are_those_that_torch_counts(n_kv_groups: int) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("megatron.core")
    from torch.utils.flop_counter import FlopCounterMode

    from neo_assets.model.stack.gpt import build_model, positions, process_group

    architecture = tiny_training(n_kv_groups=n_kv_groups).chosen
    with process_group():
        model = build_model(architecture, seed=0)
        ids = torch.zeros((3, architecture.seq_length), dtype=torch.int64)
        with FlopCounterMode(display=False) as counter:
            model(ids, positions(ids), None, labels=ids).sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    # torch 2.13 has no formula for the CPU's fused attention: that part is the next test's.
    attention = 12 * architecture.n_layers * architecture.hidden_size * architecture.seq_length
    assert counted == flops_per_token(architecture) - attention


def test_operations_of_attention_are_those_that_torch_counts() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    architecture = tiny_training().chosen
    shape = (architecture.n_heads, architecture.seq_length, architecture.head_size)
    query, key, value = (torch.ones(shape, requires_grad=True) for _ in range(3))
    with FlopCounterMode(display=False) as counter:
        ((query @ key.transpose(1, 2)).softmax(-1) @ value).sum().backward()
    wanted = flops_per_token(architecture) - 6 * matmul_weights(architecture)
    assert architecture.n_layers * counter.get_total_flops() == architecture.seq_length * wanted


def test_a_causal_mask_halves_the_attention_only() -> None:
    attention = 12 * 28 * 3072 * 8192
    assert flops_per_token(NEO_7B) - flops_per_token(NEO_7B, causal=True) == attention // 2
    assert flops_per_token(NEO_7B) == 6 * matmul_weights(NEO_7B) + attention


@pytest.mark.parametrize(
    ("name", "tera"),
    [
        ("NVIDIA A100-SXM4-80GB", 312), ("NVIDIA A800-SXM4-80GB", 312), ("NVIDIA A10", 125),
        ("NVIDIA H100 80GB HBM3", 989.5), ("NVIDIA H100 PCIe", 756), ("NVIDIA H800", 989.5),
        ("NVIDIA H200", 989.5), ("NVIDIA GH200 480GB", 989.5), ("NVIDIA H20", 148), ("NVIDIA B200", 2250),
        ("NVIDIA L4", 121), ("NVIDIA L40S", 362.05), ("NVIDIA GeForce RTX 4090", 165.2),
    ],
)  # fmt: skip
def test_devices_are_told_apart_by_their_drivers_names(name: str, tera: float) -> None:
    assert peak_flops(name, "bfloat16") == tera * 1e12
    assert peak_flops(name, "float32") < peak_flops(name, "bfloat16")


@pytest.mark.parametrize("name", ["", "NVIDIA A1000", "Tesla T4", "H2000"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(FlopsError, match="data sheet"):
        peak_flops(name, "bfloat16")


def test_mfu_is_the_share_of_the_peak_of_all_devices() -> None:
    speed = 0.45 * 8 * 989.5e12 / flops_per_token(NEO_7B)
    assert mfu(NEO_7B, speed, 989.5e12, n_devices=8) == pytest.approx(0.45)
    assert mfu(NEO_7B, speed, None) is None


def test_the_cpus_peak_is_measured_once_and_leaves_the_threads_alone() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    peak = cpu_peak_flops()
    assert 1e9 < peak < 1e13
    assert device_peak_flops("cpu", "float32") == peak
    assert torch.get_num_threads() == before


def test_the_module_needs_no_torch() -> None:
    code = "import sys, neo_assets.model.metrics.flops, neo_assets.model.metrics.tracking as t; t.sinks_of({})\n"
    code += "assert not {'torch', 'wandb', 'tensorboard'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
