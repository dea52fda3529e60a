"""A checkpoint folder read without a model: its state, its whole tensors, its digests, and whether it is sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from neo_assets.model.files.sharding import global_shapes
from neo_assets.model.files.tensor_files import CheckpointError
from neo_assets.model.files.whole_tensors import WholeTensors, add_to_digest, open_tensors
from neo_assets.model.stack.protocol import MASTER, MOMENTS, STEP
from neo_assets.recipe.training import ArchitectureSettings

MODEL, OPTIMISER, RNG, STATE_FILE = "model", "optimiser", "rng", "state.json"
LAYOUT, DIGESTS = "layout", "digests"
FORMAT = 2
"""Of `state.json`, under its key `format`."""
OF_THE_FILES = (LAYOUT, DIGESTS)
"""Keys of state.json about the files and not about the training: no part of the checkpoint's digest."""


def read_state(folder: Path) -> dict[str, Any]:
    """The checkpoint's `state.json`.

    Raises:
        CheckpointError: it is missing or no JSON object.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; rebuild the checkpoint")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON ({error}); rebuild the checkpoint") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} must hold a JSON object; rebuild the checkpoint")
    return state


def read_architecture(folder: Path) -> ArchitectureSettings:
    """The architecture that a checkpoint was trained with.

    Raises:
        CheckpointError: state.json is broken or holds none.
    """
    return _architecture(folder, read_state(folder))


def _architecture(folder: Path, state: Mapping[str, Any]) -> ArchitectureSettings:
    try:
        return ArchitectureSettings.model_validate(state.get("architecture"))
    except ValidationError as error:
        raise CheckpointError(f"{folder}: the state holds no valid architecture ({error}); rebuild it") from error


@contextmanager
def open_kind(folder: Path, kind: str, state: Mapping[str, Any] | None = None) -> Iterator[WholeTensors]:
    """The whole tensors of a checkpoint's `model` or `optimiser` files.

    Raises:
        CheckpointError: the files are broken.
    """
    path = folder / f"{kind}.safetensors"
    if path.is_file():
        with open_tensors({path: None}) as tensors:
            yield tensors
        return
    has_state = state is not None or (folder / STATE_FILE).is_file()
    layout = (read_state(folder) if state is None else state).get(LAYOUT) if has_state else None
    files = {folder / name: part for name, part in sorted((layout or {}).items()) if name.startswith(f"{kind}-")}
    if not files:
        raise CheckpointError(f"{path} is missing; rebuild the checkpoint")
    with open_tensors(files) as tensors:
        yield tensors


def tensors_digest(*paths: Path) -> str:
    """SHA-256 over the tensors of safetensors files: names in order, types, shapes and raw values.

    It does not depend on path, time, header layout or the order in which tensors were saved.
    """
    digest = hashlib.sha256()
    for path in paths:
        with open_tensors({path: None}) as tensors:
            add_to_digest(digest, tensors)
    return digest.hexdigest()


def weights_digest(folder: Path) -> str:
    """Content digest of the weights alone, whatever layout they are stored in."""
    digest = hashlib.sha256()
    with open_kind(folder, MODEL) as weights:
        add_to_digest(digest, weights)
    return digest.hexdigest()


def checkpoint_digest(folder: Path) -> str:
    """Content digest of weights, optimiser state and state.json, whatever layout they are stored in."""
    digest = hashlib.sha256()
    for kind in (MODEL, OPTIMISER):
        with open_kind(folder, kind) as tensors:
            add_to_digest(digest, tensors)
    return _with_state(digest.hexdigest(), read_state(folder))


def recorded_digest(state: Mapping[str, Any]) -> str:
    """`checkpoint_digest` as the `state.json` of a verified checkpoint has it: nothing else is read.

    Raises:
        CheckpointError: it records none.
    """
    return _with_state(recorded_digests(state)["tensors"], state)


def recorded_digests(state: Mapping[str, Any]) -> Mapping[str, str]:
    """The digests that were written down when a checkpoint was saved: `weights`, and `tensors` of all its tensors.

    Raises:
        CheckpointError: there are none.
    """
    found = state.get(DIGESTS)
    if not isinstance(found, dict) or not {"weights", "tensors"} <= found.keys():
        raise CheckpointError("the state of the checkpoint records no digests; rebuild it")
    return found


def _with_state(tensors: str, state: Mapping[str, Any]) -> str:
    content = {key: value for key, value in state.items() if key not in OF_THE_FILES}
    return hashlib.sha256(tensors.encode() + json.dumps(content, sort_keys=True).encode()).hexdigest()


def verify_checkpoint(folder: Path) -> None:
    """Read everything: files complete, names and shapes the architecture's, values finite, digests as recorded.

    Raises:
        CheckpointError: names the file and the tensor.
    """
    state = read_state(folder)
    found, recorded = inspect_files(folder, state), state.get(DIGESTS) or {}
    for kind, key in ((MODEL, "weights"), (OPTIMISER, "tensors")):
        if recorded.get(key, found[key]) != found[key]:
            raise CheckpointError(
                f"{folder}: the {kind} files hold other values than were saved (digest {found[key][:12]} instead of"
                f" {recorded[key][:12]}); rebuild the checkpoint"
            )


def finish_folder(partial: Path, state: Mapping[str, Any]) -> None:
    """Verify the files of an unpublished checkpoint and write its `state.json`, with the digests found.

    Raises:
        CheckpointError: a file is broken, or a value is not finite.
    """
    digests = inspect_files(partial, state)
    text = json.dumps({**state, DIGESTS: digests}, indent=1, sort_keys=True) + "\n"
    (partial / STATE_FILE).write_text(text, encoding="utf-8")


def inspect_files(folder: Path, state: Mapping[str, Any]) -> dict[str, str]:
    """Digests `weights`, and `tensors` of weights and optimiser together, if all is as it must be.

    Raises:
        CheckpointError: names the file and the tensor.
    """
    shapes = global_shapes(_architecture(folder, state))
    digest, found = hashlib.sha256(), {}
    for kind, key in ((MODEL, "weights"), (OPTIMISER, "tensors")):
        with open_kind(folder, kind, state) as tensors:
            _check_names(folder, tensors, shapes if kind == MODEL else _moment_shapes(shapes, tensors))
            add_to_digest(digest, tensors, partial(_check_finite, tensors))
        found[key] = digest.hexdigest()
    return found


def _moment_shapes(shapes: Mapping[str, tuple[int, ...]], tensors: WholeTensors) -> dict[str, tuple[int, ...]]:
    master = any(name.startswith(f"{MASTER}.") for name in tensors.names)
    kinds = (*MOMENTS, MASTER) if master else MOMENTS
    return {f"{kind}.{name}": shape for kind in kinds for name, shape in shapes.items()} | {STEP: ()}


def _check_names(folder: Path, tensors: WholeTensors, wanted: Mapping[str, tuple[int, ...]]) -> None:
    if tensors.shapes != wanted:
        name = first_difference(tensors.shapes, wanted)
        place = tensors.files(name) if name in tensors.shapes else folder
        raise CheckpointError(
            f"{place}: tensor {name} has shape {tensors.shapes.get(name, 'nowhere')}, the architecture"
            f" {wanted.get(name, 'has none')}; rebuild the checkpoint"
        )


def _check_finite(tensors: WholeTensors, name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise CheckpointError(
            f"{tensors.files(name)}: tensor {name} has values that are not finite; the training before it has diverged,"
            " go on from an earlier checkpoint"
        )


def first_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first name under which two mappings differ."""
    return min(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
