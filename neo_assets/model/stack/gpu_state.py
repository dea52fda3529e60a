"""Optimiser state under the names of the stack, whichever of megatron's optimisers keeps it.

- float32: the moments lie with the parameters themselves;
- bfloat16: they lie with float32 masters, one for each parameter;
- distributed optimizer: every data-parallel rank keeps moments and masters of some stretches of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neo_assets.model.stack.megatron import DistributedOptimizer, parallel_state
from neo_assets.model.stack.protocol import MASTER, MOMENTS, STEP, check_tensors


@dataclass(frozen=True)
class Held:
    """What this rank keeps of one parameter: state of the elements `start` to `stop` of the flattened parameter."""

    name: str
    parameter: nn.Parameter
    key: Tensor | None  # what the inner optimiser keys its state by; None: nothing of the parameter is here
    start: int
    stop: int


class OptimiserState:
    """Gathers and loads the state of one optimiser of megatron over one model."""

    def __init__(self, optimiser: Any, model: nn.Module) -> None:
        (self.optimiser,) = optimiser.chained_optimizers
        self.inner: torch.optim.Optimizer = self.optimiser.optimizer
        self.divided = isinstance(self.optimiser, DistributedOptimizer)
        self.model = model
        self._create()

    def gather(self) -> dict[str, Tensor]:
        """All state of this model-parallel position on its data-parallel rank 0, in host memory; {} elsewhere.

        Traffic with the distributed optimizer: each value once or twice between the data-parallel ranks' hosts.
        """
        first = parallel_state.get_data_parallel_rank(with_context_parallel=True) == 0
        if not first and not self.divided:
            return {}
        tensors: dict[str, Tensor] = {}
        for held in self._held():
            for kind, part in self._slots(held).items():
                whole = self._whole(held, part)
                if first:
                    tensors[f"{kind}.{held.name}"] = whole
        return tensors | {STEP: self._step()} if first else {}

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over gathered state; every rank keeps its share.

        Raises:
            StateError: a name or a shape differs.
        """
        check_tensors(tensors, self._wanted())
        for held in self._held():
            for kind, part in self._slots(held).items():
                if part is not None:
                    whole = tensors[f"{kind}.{held.name}"].reshape(-1)
                    part.copy_(whole[held.start : held.stop].view(part.shape))
        self._set_step(tensors[STEP])

    def _create(self) -> None:
        """Zero moments, and for torch's optimiser a step counter for each parameter, before the first step."""
        self.optimiser.init_state_fn(self.inner, self.optimiser.config)
        if self._counts_by_parameter():
            for group in self.inner.param_groups:
                for key in group["params"]:
                    self.inner.state[key].setdefault(STEP, torch.zeros((), dtype=torch.float32))

    def _counts_by_parameter(self) -> bool:
        """Torch's AdamW counts steps by parameter; Transformer Engine's and Apex's count them by group."""
        return isinstance(self.inner, torch.optim.Adam)

    def _step(self) -> Tensor:
        groups = self.inner.param_groups
        if self._counts_by_parameter():
            step: Any = next((self.inner.state[key][STEP] for group in groups for key in group["params"]), 0)
        else:
            step = next((group[STEP] for group in groups if STEP in group), 0)
        return torch.tensor(float(step), dtype=torch.float32)

    def _set_step(self, step: Tensor) -> None:
        for group in self.inner.param_groups:
            if not self._counts_by_parameter():
                group[STEP] = int(step.item())
                continue
            for key in group["params"]:
                self.inner.state[key][STEP].copy_(step)  # one counter each: shared ones would race ahead

    def _held(self) -> Iterator[Held]:
        for name, parameter in self.model.named_parameters():
            if not self.divided:
                yield Held(name, parameter, getattr(parameter, "main_param", parameter), 0, parameter.numel())
            elif parameter in self.optimiser.model_param_gbuf_map:
                span = self.optimiser._get_model_param_range_map(parameter)["param"]
                group, place = self.optimiser.model_param_group_index_map[parameter]
                yield Held(name, parameter, self.inner.param_groups[group]["params"][place], span.start, span.end)
            else:
                yield Held(name, parameter, None, 0, 0)

    def _kinds(self, parameter: nn.Parameter) -> tuple[str, ...]:
        return MOMENTS if parameter.dtype == torch.float32 else (*MOMENTS, MASTER)

    def _slots(self, held: Held) -> dict[str, Tensor | None]:
        if held.key is None:
            return dict.fromkeys(self._kinds(held.parameter))
        slot: dict[str, Tensor] = self.inner.state[held.key]
        masters = {MASTER: held.key.detach()}
        return {kind: (slot | masters)[kind] for kind in self._kinds(held.parameter)}

    def _whole(self, held: Held, part: Tensor | None) -> Tensor:
        """The whole tensor on data-parallel rank 0; each rank adds its bits to zeros, so that no bit is rounded."""
        if not self.divided:
            return part.detach().to("cpu", copy=True).view(held.parameter.shape) if part is not None else torch.empty(0)
        whole = torch.zeros(held.parameter.numel(), dtype=torch.float32)
        if part is not None:
            whole[held.start : held.stop] = part.detach().reshape(-1).cpu()
        group = parallel_state.get_data_parallel_group_gloo(with_context_parallel=True)
        dist.reduce(whole.view(torch.int32), dst=dist.get_global_rank(group, 0), group=group)
        return whole.view(held.parameter.shape)

    def _wanted(self) -> dict[str, Tensor]:
        parameters = self.model.named_parameters()
        state = {f"{kind}.{name}": p for name, p in parameters for kind in self._kinds(p)}
        return state | {STEP: torch.zeros(())}
