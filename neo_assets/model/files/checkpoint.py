"""Checkpoints as plain files that say nothing about the ranks that wrote them, whole or not there at all.

Safetensors and not megatron's `torch_dist`: equal tensors give equal bytes (torch_dist writes pickled metadata with
random file names and the writer's time), reading one runs no code, and any tool opens it. Names are megatron's for the
unsplit model. One process writes `model.safetensors`, `optimiser.safetensors`, `rng.safetensors` and `state.json`; of
several model-parallel ranks each writes its own numbered three, and `state.json` says under `layout` which block of
which tensor a file holds. The folder is on a disk that all ranks share.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neo_assets.model.files.publish import FileToWrite, Layouts, publish_together
from neo_assets.model.files.saved import (
    LAYOUT,
    MODEL,
    OPTIMISER,
    RNG,
    checkpoint_digest,
    finish_folder,
    first_difference,
    open_kind,
    read_architecture,
    read_state,
    tensors_digest,
    verify_checkpoint,
    weights_digest,
)
from neo_assets.model.files.sharding import Place, ShardedTensor, shards_of
from neo_assets.model.files.tensor_files import CheckpointError, source
from neo_assets.model.files.whole_tensors import SECOND, WholeTensors, read_file
from neo_assets.model.stack.protocol import MASTER, MOMENTS, STEP, Stack
from neo_assets.model.stack.rng import restore_rng, rng_state

__all__ = [
    "CheckpointError",
    "checkpoint_digest",
    "load_checkpoint",
    "load_weights",
    "read_architecture",
    "read_state",
    "save_checkpoint",
    "tensors_digest",
    "verify_checkpoint",
    "weights_digest",
]


def save_checkpoint(
    folder: Path, stack: Stack, state: Mapping[str, Any], rng: Mapping[str, Tensor] | None = None
) -> None:
    """Write weights, optimiser state, random generators and `state` as the checkpoint `folder`; all ranks call it.

    The files are written beside the folder, synced, read back and verified; then the folder gets its name in one step.
    A checkpoint of that name is replaced. Killed at any time, it leaves the old one or none, never a half.

    Args:
        state: JSON values, no time, no path; must hold `architecture`.
        rng: states of the random generators by name; null takes those of this process.

    Raises:
        CheckpointError: on all ranks, if any has no room or cannot write, or a value is not finite; nothing is left.

    Time is that of writing the files once, and of reading and hashing all of them on rank 0. Beside the tensors, one at
    a time is in memory.
    """
    place, module = Place.here(), _module(stack)
    moments = stack.optimiser_state()
    states = rng_state() if rng is None else rng
    files = [] if stack.data_rank else _files(module, moments, states, place)

    def finish(partial: Path, layouts: Layouts) -> None:
        layout = {name: layout for name, layout in layouts.items() if not name.startswith(RNG)}
        finish_folder(partial, {**state, LAYOUT: layout} if place.n_places > 1 else state)

    publish_together(folder, files, finish)


def load_checkpoint(folder: Path, stack: Stack, optimiser: bool) -> dict[str, Any]:
    """Load a checkpoint of any layout into a stack of any layout; gives its `state.json`.

    Args:
        optimiser: load moments and random generators too (the latter only into the layout that they come from).

    Reads only the blocks that this rank needs.

    Raises:
        CheckpointError: the folder is broken or of another architecture.
    """
    state, module = read_state(folder), _module(stack)
    with open_kind(folder, MODEL) as weights:
        stack.load_weights(_local_tensors(folder, module, weights))
        if optimiser:
            with open_kind(folder, OPTIMISER) as moments:
                stack.load_optimiser_state(_local_moments(folder, module, moments, weights))
            _load_rng(folder)
    return state


@torch.no_grad()
def load_weights(folder: Path, module: torch.nn.Module) -> None:
    """Copy the weights of a checkpoint of any layout and type into a bare model.

    Raises:
        CheckpointError: the folder is broken, or names or shapes differ from the model's.
    """
    with open_kind(folder, MODEL) as weights:
        tensors = _local_tensors(folder, module, weights)
    for name, parameter in module.named_parameters():
        parameter.copy_(tensors[name])


def _module(stack: Stack) -> torch.nn.Module:
    modules = stack.modules()
    if len(modules) != 1:
        raise CheckpointError(f"a checkpoint holds one module a rank, not {len(modules)}; use no virtual stages")
    return modules[0]


def _files(
    module: torch.nn.Module, moments: Mapping[str, Tensor], rng: Mapping[str, Tensor], place: Place
) -> list[FileToWrite]:
    """The three files of this rank."""
    weights = {name: parameter.detach() for name, parameter in module.named_parameters()}
    model = [("", shard) for shard in shards_of(module, weights, place)]
    optimiser = [
        (kind, shard) for kind in (*MOMENTS, MASTER) for shard in shards_of(module, _of_kind(moments, kind), place)
    ]
    step = ShardedTensor(STEP, moments[STEP], (), (), main=place.index == 0)
    return [
        _file(_name(MODEL, place), model),
        _file(_name(OPTIMISER, place), [*optimiser, ("", step)]),
        FileToWrite(_name(RNG, place), {n: source(t) for n, t in sorted(rng.items())}, metadata=_rng_layout(place)),
    ]


def _file(name: str, shards: list[tuple[str, ShardedTensor]]) -> FileToWrite:
    file = FileToWrite(name, {})
    for kind, shard in shards:
        if shard.main:
            whole = f"{kind}.{shard.name}" if kind else shard.name
            key = f"{whole}{SECOND}2" if whole in file.sources else whole
            file.sources[key] = source(shard.tensor)
            file.layout[key] = (shard.offset, shard.global_shape)
    return file


def _name(kind: str, place: Place) -> str:
    number = f"-{place.index + 1:05d}-of-{place.n_places:05d}" if place.n_places > 1 else ""
    return f"{kind}{number}.safetensors"


def _rng_layout(place: Place) -> dict[str, str] | None:
    """Ranks of another layout draw other numbers: the file says whose they are."""
    if place.n_places == 1:
        return None
    return {"pipeline_parallel": str(place.pipeline_size), "tensor_parallel": str(place.tensor_size)}


def _of_kind(tensors: Mapping[str, Tensor], kind: str) -> dict[str, Tensor]:
    prefix = f"{kind}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _local_tensors(folder: Path, module: torch.nn.Module, stored: WholeTensors, kind: str = "") -> dict[str, Tensor]:
    """This rank's tensors of one kind (weights, or a kind of moments), by local parameter name."""
    prefix = f"{kind}." if kind else ""
    dtype = reduce(torch.promote_types, (stored.dtype(name) for name in stored.names if name.startswith(prefix)))
    out = {name: torch.empty(p.shape, dtype=dtype) for name, p in module.named_parameters()}
    shards = shards_of(module, out)
    wanted = {prefix + shard.name: shard.global_shape for shard in shards}
    found = {name: shape for name, shape in stored.shapes.items() if name.startswith(prefix)}
    if Place.here().pipeline_size > 1:  # the others are those of further stages
        found = {name: shape for name, shape in found.items() if name in wanted}
    if found != wanted:
        name = first_difference(found, wanted)
        raise CheckpointError(f"{folder} has another architecture (first difference: {name}); train it anew")
    for shard in shards:
        shard.tensor.copy_(stored.read(prefix + shard.name, shard.offset, tuple(shard.tensor.shape)))
    return out


def _local_moments(
    folder: Path, module: torch.nn.Module, moments: WholeTensors, weights: WholeTensors
) -> dict[str, Tensor]:
    """This rank's optimiser state; float32 masters that the checkpoint lacks are its weights."""
    kinds = {kind: _local_tensors(folder, module, moments, kind) for kind in MOMENTS}
    if any(parameter.dtype != torch.float32 for parameter in module.parameters()):
        stored = any(name.startswith(f"{MASTER}.") for name in moments.names)
        masters = _local_tensors(folder, module, *((moments, MASTER) if stored else (weights,)))
        kinds[MASTER] = {name: tensor.float() for name, tensor in masters.items()}
    tensors = {f"{kind}.{name}": tensor for kind, found in kinds.items() for name, tensor in found.items()}
    return {**tensors, STEP: moments.read(STEP)}


def _load_rng(folder: Path) -> None:
    place = Place.here()
    path = folder / _name(RNG, place)
    if path.is_file():
        states, layout = read_file(path)
        if (layout or None) == _rng_layout(place):
            restore_rng(states)
