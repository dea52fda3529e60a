"""Checkpoints as plain files: `model.safetensors`, `optimiser.safetensors` and `state.json`.

Safetensors and not megatron's `torch_dist`: equal tensors give equal bytes (torch_dist writes pickled metadata with
random file names and the writer's time), reading one runs no code, and any tool opens it. Names are megatron's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from neo_assets.model.cpu import CpuOptimizer, create_adam_state
from neo_assets.recipe.training import ArchitectureSettings

MODEL_FILE, OPTIMISER_FILE, STATE_FILE = "model.safetensors", "optimiser.safetensors", "state.json"
MOMENTS = ("exp_avg", "exp_avg_sq")
STEP = "step"


class CheckpointError(ValueError):
    """A checkpoint folder is broken or is not the one that the recipe needs here."""


def save_checkpoint(folder: Path, model: torch.nn.Module, optimiser: CpuOptimizer, state: Mapping[str, Any]) -> None:
    """Write weights, optimiser moments and `state` (JSON values; no time, no path) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = dict(model.named_parameters())
    save_file({name: p.detach().contiguous() for name, p in parameters.items()}, folder / MODEL_FILE)
    create_adam_state(optimiser.optimizer)
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in parameters.items():
        slot = optimiser.optimizer.state[parameter]
        tensors |= {f"{moment}.{name}": slot[moment].contiguous() for moment in MOMENTS}
        tensors[STEP] = slot[STEP].clone()
    save_file(tensors, folder / OPTIMISER_FILE)
    (folder / STATE_FILE).write_text(json.dumps(state, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@torch.no_grad()
def load_weights(folder: Path, model: torch.nn.Module) -> None:
    """Copy the weights of a checkpoint into the model.

    Raises:
        CheckpointError: names or shapes differ from the model's.
    """
    weights, parameters = load_file(_file(folder, MODEL_FILE)), dict(model.named_parameters())
    stored = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wanted = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    if stored != wanted:
        different = sorted(name for name in stored.keys() | wanted.keys() if stored.get(name) != wanted.get(name))
        raise CheckpointError(f"{folder} has another architecture (first difference: {different[0]}); train it anew")
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])


@torch.no_grad()
def load_optimiser(folder: Path, model: torch.nn.Module, optimiser: CpuOptimizer) -> None:
    """Copy the optimiser moments of a checkpoint; every parameter gets its own step counter (they must not share)."""
    tensors = load_file(_file(folder, OPTIMISER_FILE))
    create_adam_state(optimiser.optimizer)
    for name, parameter in model.named_parameters():
        slot = optimiser.optimizer.state[parameter]
        for moment in MOMENTS:
            slot[moment].copy_(tensors[f"{moment}.{name}"])
        slot[STEP].copy_(tensors[STEP])


def read_state(folder: Path) -> dict[str, Any]:
    """The checkpoint's `state.json`.

    Raises:
        CheckpointError: it is missing or no JSON object.
    """
    path = _file(folder, STATE_FILE)
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON ({error}); rebuild the checkpoint") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} must hold a JSON object; rebuild the checkpoint")
    return state


def read_architecture(folder: Path) -> ArchitectureSettings:
    """The architecture that a checkpoint was trained with."""
    return ArchitectureSettings.model_validate(read_state(folder).get("architecture"))


def tensors_digest(*paths: Path) -> str:
    """SHA-256 over the tensors of safetensors files: names in order, types, shapes and raw values.

    It does not depend on path, time, header layout or the order in which tensors were saved.
    """
    digest = hashlib.sha256()
    for path in paths:
        with safe_open(path, framework="pt") as tensors:
            for name in sorted(tensors.keys()):
                tensor = tensors.get_tensor(name).contiguous()
                digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
                digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def weights_digest(folder: Path) -> str:
    """Content digest of the weights alone."""
    return tensors_digest(_file(folder, MODEL_FILE))


def checkpoint_digest(folder: Path) -> str:
    """Content digest of the whole checkpoint: weights, optimiser moments and state."""
    state = json.dumps(read_state(folder), sort_keys=True).encode()
    tensors = tensors_digest(_file(folder, MODEL_FILE), _file(folder, OPTIMISER_FILE))
    return hashlib.sha256(tensors.encode() + state).hexdigest()


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; rebuild the checkpoint")
    return path
