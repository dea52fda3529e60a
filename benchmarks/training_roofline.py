"""The least time of a training step on a GPU: for every part its operations or its bytes, whichever is slower.

Bytes are what must cross to the GPU's memory when every operator reads its inputs and writes its outputs once; fused
kernels can do with less for norms and activations, and do, so that part is an upper bound of a lower bound.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from neo_assets.recipe.training import ArchitectureSettings, n_parameters

BANDWIDTHS = (("B200", 8.0e12), ("H200|GH200", 4.8e12), ("H100|H800", 3.35e12), ("A100|A800", 2.039e12))
"""Bytes a second by data sheet: HGX B200, H200, H100 SXM5, A100 80 GB SXM."""
HALF, SINGLE = 2, 4
PASSES = 3  # forward, and the gradients of inputs and of weights


class Part(NamedTuple):
    """Operations and bytes of a part of a step."""

    name: str
    flops: float
    bytes: float

    def seconds(self, peak: float, bandwidth: float) -> float:
        """The least time it takes."""
        return max(self.flops / peak, self.bytes / bandwidth)

    def bound(self, peak: float, bandwidth: float) -> str:
        """What bounds it."""
        return "arithmetic" if self.flops / peak >= self.bytes / bandwidth else "memory"


def bandwidth_of(device: str) -> float | None:
    """Bytes a second of a GPU's memory; None where it is not in the table."""
    return next((speed for names, speed in BANDWIDTHS if re.search(rf"\b(?:{names})\b", device)), None)


def parts_of(of: ArchitectureSettings, n_tokens: int, n_microbatches: int) -> tuple[Part, ...]:
    """A step over `n_tokens` in microbatches: weights in bfloat16; masters, moments and gradients in float32."""
    hidden, kv_size, layers = of.hidden_size, of.n_kv_groups * of.head_size, of.n_layers
    products = (
        ("attention projections", hidden, hidden + 2 * kv_size, layers),
        ("attention output", hidden, hidden, layers),
        ("MLP up", hidden, 2 * of.ffn_size, layers),
        ("MLP down", of.ffn_size, hidden, layers),
        ("output layer", hidden, of.vocab_rows, 1),
    )
    parts = [
        Part(
            name,
            PASSES * 2.0 * n_tokens * m * n * count,
            PASSES * HALF * count * (n_tokens * (m + n) + float(n_microbatches) * m * n),
        )
        for name, m, n, count in products
    ]
    attention = 12.0 * layers * hidden * of.seq_length * n_tokens / 2  # the causal half is all that flash kernels do
    parts.append(Part("attention, causal", attention, PASSES * HALF * layers * n_tokens * 2.0 * (hidden + kv_size)))
    vectors = 2 * 5 * hidden + 3 * of.ffn_size + 2 * (hidden + kv_size)  # two norms with residuals, SwiGLU, rotary
    parts.append(Part("norms, activations, residuals", 0.0, 2.0 * HALF * layers * n_tokens * vectors))
    parts.append(Part("cross-entropy", 0.0, n_tokens * of.vocab_rows * 2.0 * (HALF + SINGLE)))
    weights = n_parameters(of)
    parts.append(Part("gradients into float32", 0.0, n_microbatches * weights * float(HALF + 2 * SINGLE)))
    parts.append(Part("AdamW", 0.0, weights * float(2 * SINGLE + 2 * 3 * SINGLE + HALF)))  # norm, then the update
    return tuple(parts)
