"""Arithmetic of training: operations per token, what a device can do at most, and the share that is used (MFU).

Source: PaLM (Chowdhery et al. 2022), appendix B: `6 N + 12 L h s` operations per token for N weights, L layers, hidden
size h and context s. Recomputed activations are not counted, so that recomputing never looks like progress.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Literal

from neo_assets.recipe.training import ArchitectureSettings

Dtype = Literal["float32", "bfloat16"]
_TERA = 1.0e12

_PEAKS: tuple[tuple[str, float, float], ...] = (
    ("B200", 2250.0, 1125.0),  # HGX B200 data sheet: 4.5 PFLOP/s bf16 with sparsity
    ("GH200|H200|H800|H100 NVL", 989.5, 494.7),  # H200 and GH200 data sheets; H800 differs in links and float64 only
    ("H100 PCIe", 756.0, 378.0),
    ("H100", 989.5, 494.7),  # H100 data sheet, SXM5: 1,979 TFLOP/s bf16 with sparsity
    ("H20", 148.0, 74.0),
    ("A100|A800", 312.0, 156.0),  # A100 data sheet
    ("A10", 125.0, 62.5),  # A10 data sheet
    ("L40S", 362.05, 183.0),  # L40S data sheet
    ("L4", 121.0, 60.0),  # L4 data sheet: 242 with sparsity
    ("RTX 4090", 165.2, 82.6),  # Ada architecture paper, appendix A, float32 accumulation
    ("RTX 3090", 71.0, 35.6),  # GA102 architecture paper, float32 accumulation
)
"""Name, dense tensor-core TFLOP/s in bfloat16 and in TF32, by NVIDIA's data sheets (half of what they give sparse)."""

_PEAK_SIZE, _PEAK_SECONDS = 1024, 0.3


class FlopsError(ValueError):
    """A device whose peak is not known."""


def matmul_weights(architecture: ArchitectureSettings) -> int:
    """Weights that every token is multiplied with: all but norms and the input embedding, which is looked up."""
    hidden, kv_size = architecture.hidden_size, architecture.n_kv_groups * architecture.head_size
    layer = 2 * hidden * (hidden + kv_size) + 3 * hidden * architecture.ffn_size
    return architecture.n_layers * layer + hidden * architecture.vocab_rows


def flops_per_token(architecture: ArchitectureSettings, *, causal: bool = False) -> int:
    """Floating-point operations of forward and backward pass per token of a full-length sequence.

    Args:
        causal: count only the half of the attention scores that a causal mask leaves; PaLM and Megatron's published
            MFU count all, and so does this by default.

    Rows of padding in the vocabulary are counted: they are computed.
    """
    attention = 12 * architecture.n_layers * architecture.hidden_size * architecture.seq_length
    return 6 * matmul_weights(architecture) + (attention // 2 if causal else attention)


def peak_flops(device_name: str, dtype: Dtype) -> float:
    """The data sheet's dense operations per second of a GPU, by the name that its driver gives.

    float32 stands for TF32 tensor cores, which is the most that float32 matrices can get.

    Raises:
        FlopsError: the device is not in the table.
    """
    for names, bfloat16, tf32 in _PEAKS:
        if re.search(rf"\b(?:{names})\b", device_name):
            return _TERA * (bfloat16 if dtype == "bfloat16" else tf32)
    known = ", ".join(name for names, _, _ in _PEAKS for name in names.split("|"))
    raise FlopsError(f"the peak of {device_name!r} is not known; add its data sheet's figure beside those of {known}")


def cpu_peak_flops(n_threads: int = 1, dtype: Dtype = "float32") -> float:
    """Operations per second that this CPU reaches in large matrix products: measured once a process, in 0.3 seconds.

    The best of many runs, since other load can only make one slower.
    """
    return _measured_peak(n_threads, dtype)


@lru_cache(maxsize=8)
def _measured_peak(n_threads: int, dtype: Dtype) -> float:
    import torch

    clock = time.thread_time if n_threads == 1 else time.perf_counter  # other load takes time, but no processor time
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        left = torch.ones((_PEAK_SIZE, _PEAK_SIZE), dtype=getattr(torch, dtype))
        out, best = torch.empty_like(left), float("inf")
        with torch.no_grad():
            torch.mm(left, left, out=out)
            deadline = clock() + _PEAK_SECONDS
            while (begin := clock()) < deadline or best == float("inf"):
                torch.mm(left, left, out=out)
                best = min(best, clock() - begin)
    finally:
        torch.set_num_threads(before)
    return 2.0 * _PEAK_SIZE**3 / best


def device_peak_flops(stack: Literal["cpu", "gpu"], dtype: Dtype, n_threads: int = 1) -> float | None:
    """The peak of the device that one rank of a training stack computes on; None for a GPU that is not in the table."""
    if stack == "cpu":
        return cpu_peak_flops(n_threads, dtype)
    import torch

    try:
        return peak_flops(torch.cuda.get_device_name(), dtype)
    except FlopsError:
        return None


def mfu(
    architecture: ArchitectureSettings, tokens_per_second: float, peak: float | None, n_devices: int = 1
) -> float | None:
    """Model FLOPs utilisation, 0 to 1: operations the model needs over those that all devices could do.

    Args:
        tokens_per_second: of all devices together.
        peak: operations per second of one device; None, unknown, gives None.
    """
    return None if peak is None else tokens_per_second * flops_per_token(architecture) / (peak * n_devices)
