"""Where a rank's tensors lie in the unsplit model: megatron's tensor and pipeline splits, undone by name and offset.

Global names are those of megatron's local layer spec without any split (`decoder.layers.3.mlp.linear_fc1.weight`), so a
checkpoint says nothing about the ranks or the kernels that wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neo_assets.model.stack.megatron import parallel_state
from neo_assets.recipe.training import ArchitectureSettings

EMBEDDING, OUTPUT = "embedding.word_embeddings.weight", "output_layer.weight"
GATE_AND_UP = ".mlp.linear_fc1.weight"
_LAYER = re.compile(r"decoder\.layers\.(\d+)\.(.+)")


@dataclass(frozen=True)
class Place:
    """A rank's place among the model-parallel ranks, both counts 0-based."""

    tensor_rank: int = 0
    tensor_size: int = 1
    pipeline_rank: int = 0
    pipeline_size: int = 1

    @property
    def index(self) -> int:
        """Number of the place, from 0: tensor ranks of the first pipeline stage first."""
        return self.pipeline_rank * self.tensor_size + self.tensor_rank

    @property
    def n_places(self) -> int:
        """Places in all."""
        return self.pipeline_size * self.tensor_size

    @staticmethod
    def here() -> Place:
        """The place of this process; needs megatron's process groups."""
        return Place(
            parallel_state.get_tensor_model_parallel_rank(),
            parallel_state.get_tensor_model_parallel_world_size(),
            parallel_state.get_pipeline_model_parallel_rank(),
            parallel_state.get_pipeline_model_parallel_world_size(),
        )


@dataclass(frozen=True)
class ShardedTensor:
    """A block of an unsplit tensor. `tensor` is a view: writing into it writes into the rank's own tensor.

    `main` is false for a copy that another place writes (norms of further tensor ranks, a tied output projection).
    """

    name: str
    tensor: Tensor
    global_shape: tuple[int, ...]
    offset: tuple[int, ...]
    main: bool = True


def shards_of(
    module: torch.nn.Module, tensors: Mapping[str, Tensor], place: Place | None = None
) -> list[ShardedTensor]:
    """The blocks that a rank's tensors are, in the order given.

    Args:
        tensors: by the module's local `named_parameters()` names and of those shapes (weights, moments or masters).
        place: null asks megatron's process groups.

    A parameter is split where megatron says so (`partition_dim`). SwiGLU's first matrix is [gate; up] on every rank,
    so it is two blocks of the unsplit [gate; up].

    Raises:
        KeyError: a tensor that the module has no parameter for.
    """
    place = place or Place.here()
    parameters, layers = dict(module.named_parameters()), _layer_numbers(module)
    tied = bool(getattr(module, "share_embeddings_and_output_weights", False))
    out: list[ShardedTensor] = []
    for local, tensor in tensors.items():
        out += _blocks(_global_name(local, layers, tied), local, tensor, parameters[local], place)
    return out


def _blocks(name: str, local: str, tensor: Tensor, parameter: Tensor, place: Place) -> Iterator[ShardedTensor]:
    shape, copy = tuple(tensor.shape), name == EMBEDDING and local == OUTPUT
    split = place.tensor_size > 1 and bool(getattr(parameter, "tensor_model_parallel", False))
    if not split:
        yield ShardedTensor(name, tensor, shape, (0,) * len(shape), not copy and place.tensor_rank == 0)
        return
    dim = int(parameter.partition_dim)  # type: ignore[attr-defined]
    whole = (*shape[:dim], shape[dim] * place.tensor_size, *shape[dim + 1 :])
    parts = tensor.chunk(2, dim) if name.endswith(GATE_AND_UP) else (tensor,)
    for number, part in enumerate(parts):
        start = (number * place.tensor_size + place.tensor_rank) * part.size(dim)
        yield ShardedTensor(name, part, whole, tuple(start if d == dim else 0 for d in range(len(shape))), not copy)


def _layer_numbers(module: torch.nn.Module) -> list[int]:
    """Of every local layer, its 0-based number in the whole model."""
    layers: Sequence[object] = getattr(getattr(module, "decoder", None), "layers", ())
    return [int(layer.layer_number) - 1 for layer in layers]  # type: ignore[attr-defined]


def _global_name(local: str, layers: Sequence[int], tied: bool) -> str:
    if local == OUTPUT and tied:  # the last pipeline stage's copy of the embedding
        return EMBEDDING
    found = _LAYER.fullmatch(local)
    if found is None:
        return local
    return f"decoder.layers.{layers[int(found[1])]}.{found[2]}"


def global_shapes(architecture: ArchitectureSettings) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of the unsplit model, in the order of its layers. Source: megatron's GPTModel."""
    hidden, ffn, rows = architecture.hidden_size, architecture.ffn_size, architecture.vocab_rows
    joined = (architecture.n_heads + 2 * architecture.n_kv_groups) * architecture.head_size
    layer = {
        "input_layernorm.weight": (hidden,),
        "self_attention.linear_proj.weight": (hidden, architecture.n_heads * architecture.head_size),
        "self_attention.linear_qkv.weight": (joined, hidden),
        "pre_mlp_layernorm.weight": (hidden,),
        "mlp.linear_fc1.weight": (2 * ffn, hidden),
        "mlp.linear_fc2.weight": (hidden, ffn),
    }
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (rows, hidden)}
    for number in range(architecture.n_layers):
        shapes |= {f"decoder.layers.{number}.{name}": shape for name, shape in layer.items()}
    shapes["decoder.final_layernorm.weight"] = (hidden,)
    if architecture.untied:
        shapes[OUTPUT] = (rows, hidden)
    return shapes
