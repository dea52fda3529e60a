"""The states of the random generators of one rank: torch's, the accelerator's, and megatron's tracker's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neo_assets.model.stack.megatron import tensor_parallel

CPU, CUDA, TRACKER = "cpu", "cuda", "tracker."


def rng_state() -> dict[str, Tensor]:
    """States by name, as bytes: `cpu`, `cuda` where there is one, and `tracker.NAME` for each of megatron's."""
    states = {CPU: torch.get_rng_state()}
    if torch.cuda.is_available():
        states[CUDA] = torch.cuda.get_rng_state()
    for name, state in _tracker().get_states().items():
        # A tracker for CUDA graphs holds generators, the plain one their states.
        states[TRACKER + name] = state.get_state() if isinstance(state, torch.Generator) else state
    return states


def restore_rng(states: Mapping[str, Tensor]) -> None:
    """Put the generators where `rng_state` found them; a state that this machine has no generator for is left out."""
    if CPU in states:
        torch.set_rng_state(states[CPU])
    if CUDA in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states[CUDA])
    tracked = dict(_tracker().get_states())
    for name, current in tracked.items():
        stored = states.get(TRACKER + name)
        if stored is not None and isinstance(current, torch.Generator):
            current.set_state(stored)
        elif stored is not None:
            tracked[name] = stored
    _tracker().set_states(tracked)


def _tracker() -> Any:
    return tensor_parallel.get_cuda_rng_tracker()
