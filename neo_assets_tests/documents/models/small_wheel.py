"""A wheel with made-up weights of a text detector, and a catalogue that knows nothing else."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from neo_assets.documents.models import cache, catalogue
from neo_assets.documents.models.catalogue import CONFIG, GRAPH, Model, Stored, Wheel
from neo_assets.documents.models.configs import config_text

GRAPH_BYTES = bytes(range(256)) * 20
MEMBER = "weights_of_nothing/det.onnx"
NAME = "nothing_det"


def stored(data: bytes) -> Stored:
    """What the catalogue says of a file."""
    return Stored(len(data), hashlib.sha256(data).hexdigest())


def make_wheel(folder: Path, graph: bytes = GRAPH_BYTES) -> Wheel:
    """Writes the wheel, as pip wants one."""
    path = folder / "weights_of_nothing-1.0-py3-none-any.whl"
    info = "weights_of_nothing-1.0.dist-info"
    files = {
        MEMBER: graph,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: weights_of_nothing\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    data = path.read_bytes()
    return Wheel("weights_of_nothing", "1.0", len(data), hashlib.sha256(data).hexdigest())


def model_in(wheel: Wheel, graph: bytes = GRAPH_BYTES) -> Model:
    """The model of the wheel, with its prepared files pinned."""
    draft = Model(NAME, "detection", "PP-OCRv4_mobile_det", wheel, MEMBER, stored(graph), {})
    prepared = {GRAPH: stored(graph), CONFIG: stored(config_text(draft, ()).encode())}
    return Model(NAME, "detection", "PP-OCRv4_mobile_det", wheel, MEMBER, stored(graph), prepared)


def use(patch: pytest.MonkeyPatch, models: Path, links: Path, model: Model) -> None:
    """Makes the model the only one there is, pip's index a folder, and the cache another."""
    catalogue_of_one = {model.name: model}
    patch.setattr(cache, "MODELS", catalogue_of_one)
    patch.setattr(catalogue, "MODELS", catalogue_of_one)
    patch.setenv("NEO_MODELS", str(models))
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(links))
    cache.forget_checks()
