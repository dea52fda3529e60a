"""What the trainer and the checkpoints ask of a model with its optimiser, whatever classes and ranks do the work.

A stack is one rank's part: its share of the weights, of their moments and of every batch. `stack.gpt` builds
it; `stack.cpu` and `stack.gpu` hold the two kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")
MASTER = "master"
STEP = "step"


class ModelError(ValueError):
    """The settings ask for something that this machine or this stack cannot do."""


class StateError(ValueError):
    """Tensors that are to be loaded are not those of this model; the message names the first that differs."""


@dataclass(frozen=True)
class Microbatch:
    """The sequences of one forward pass, in host memory; the stack moves them to where it computes."""

    ids: Tensor  # int64 [sequences, seq_length]
    labels: Tensor  # int64, same shape
    mask: Tensor  # float32, same shape: 1 where the target bears loss


class Stack(Protocol):
    """One rank's model and optimiser. Every method but `discard` is collective: all ranks call it, in the same order.

    Optimiser state has the same names whatever the optimiser: `exp_avg.NAME` and `exp_avg_sq.NAME`, each shaped as the
    rank's parameter, `master.NAME` (the float32 weights) where the weights are not float32 themselves, and the scalar
    float32 `step`. NAME is the local `named_parameters()` name.
    """

    data_rank: int  # place among the data-parallel ranks
    data_size: int  # how many they are

    def modules(self) -> Sequence[nn.Module]:
        """The rank's megatron modules, without wrappers."""
        ...

    def forward_backward(self, microbatches: Sequence[Microbatch], n_loss_tokens: int) -> float:
        """Gradient of `sum(loss * mask) / n_loss_tokens`, and that loss; the same number on every rank.

        The sum is over the microbatches of all data-parallel ranks, which must be equally many on each; so
        `n_loss_tokens` is the number of loss-bearing targets on all of them together.
        """
        ...

    def gradient_norm(self) -> float:
        """Euclidean norm of the whole gradient over all ranks; not finite if any part of it is not."""
        ...

    def update(self, lr: float) -> None:
        """Clip the gradient to the settings' norm, step with this learning rate, and forget the gradient."""
        ...

    def discard(self) -> None:
        """Forget the gradient: the step is left out."""
        ...

    def optimiser_state(self) -> dict[str, Tensor]:
        """The state of this model-parallel position, in host memory, on its data-parallel rank 0; {} on the others."""
        ...

    def load_optimiser_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `optimiser_state` gave; every rank of a model-parallel position gives the same tensors.

        Load weights first: masters are more exact than the weights that `load_weights` would fill them from.

        Raises:
            StateError: a name or a shape differs.
        """
        ...

    def load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy weights by local parameter name into the model and its float32 masters.

        Raises:
            StateError: a name or a shape differs.
        """
        ...


def check_tensors(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Names and shapes must agree.

    Raises:
        StateError: they do not; names the first difference.
    """
    for name in sorted(given.keys() | wanted.keys()):
        if name not in given:
            raise StateError(f"tensor {name} is missing; load a checkpoint of the same architecture")
        if name not in wanted:
            raise StateError(f"tensor {name} is none of this model's; load a checkpoint of the same architecture")
        shape, expected = tuple(given[name].shape), tuple(wanted[name].shape)
        if shape != expected:
            raise StateError(f"tensor {name} has shape {shape}, the model's has {expected}; load one of its own")


@torch.no_grad()
def copy_weights(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into the parameters of their names, converting to their type.

    Raises:
        StateError: a name or a shape differs.
    """
    parameters = dict(module.named_parameters())
    check_tensors(tensors, parameters)
    for name, parameter in parameters.items():
        parameter.copy_(tensors[name])


def positions(ids: Tensor) -> Tensor:
    """Position ids [batch, sequence]: they run over document boundaries, as in MAP-Neo."""
    return torch.arange(ids.size(1), device=ids.device).expand_as(ids)
