"""Test-only device shim: megatron-core hard-codes the accelerator; without one, send those requests to the CPU.

Nothing of megatron is changed. Five functions of `torch.cuda` and every `device="cuda"` of the process are, so a test
installs it only in a process of its own, once, before anything is built.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def _cpu(device: Any) -> Any:
    named = isinstance(device, str) and device.startswith("cuda")
    typed = isinstance(device, torch.device) and device.type == "cuda"
    return torch.device("cpu") if isinstance(device, int) or named or typed else device


class CudaAsCpu(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if "device" in kwargs:
            kwargs["device"] = _cpu(kwargs["device"])
        if kwargs.get("pin_memory"):
            kwargs["pin_memory"] = False
        if func is torch.Tensor.cuda:
            return args[0]
        if func is torch.Tensor.to and len(args) > 1 and isinstance(args[1], str | torch.device):
            args = (args[0], _cpu(args[1]), *args[2:])
        if func is torch.Tensor.type and len(args) == 1 and not kwargs:
            return func(*args).replace("torch.", "torch.cuda.", 1)  # megatron compares these names
        return func(*args, **kwargs)


def install() -> None:
    """Send the accelerator's work to the CPU for the rest of this process."""
    assert not torch.cuda.is_available(), "only for machines without a GPU"
    torch.cuda.current_device = lambda: torch.device("cpu")  # type: ignore[assignment, return-value]
    torch.cuda.synchronize = lambda *args, **kwargs: None  # type: ignore[assignment]
    torch.cuda.get_rng_state = lambda *args, **kwargs: torch.get_rng_state()
    torch.cuda.random.get_rng_state = lambda *args, **kwargs: torch.get_rng_state()
    torch.cuda.set_rng_state = lambda state, *args, **kwargs: torch.set_rng_state(state)
    CudaAsCpu().__enter__()
