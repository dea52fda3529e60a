"""paddleocr as this project runs it: on onnxruntime with one thread, quiet, offline, writing only to the cache."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from neo_assets.documents.models.cache import cache_folder
from neo_assets.documents.models.catalogue import CONFIG, GRAPH
from neo_assets.documents.models.errors import ModelError

LOG_ERRORS_ONLY = 3


def options(folder: Path) -> dict[str, Any]:
    """The keywords by which every class of paddleocr is made, for the files that a model's folder holds.

    `LayoutDetection(model_name=paddle_name(folder), model_dir=str(folder), **options(folder))`. One thread: results do
    not depend on the machine, and processes share its cores.
    """
    device = "gpu:0" if has_gpu() else "cpu"
    if not (folder / GRAPH).is_file():
        return {"engine": "paddle_static", "device": device}
    config = {"intra_op_num_threads": 1, "inter_op_num_threads": 1, "log_severity_level": LOG_ERRORS_ONLY}
    return {"engine": "onnxruntime", "device": device, "engine_config": config}


@lru_cache(maxsize=1)
def has_gpu() -> bool:
    """Whether a GPU is visible to this process and onnxruntime can use it."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not Path("/dev/nvidiactl").exists():
        return False
    return "CUDAExecutionProvider" in import_module("onnxruntime").get_available_providers()


@lru_cache(maxsize=64)
def paddle_name(folder: Path) -> str:
    """The architecture of a model's folder as paddleocr calls it, from its `inference.yml`.

    Raises:
        ModelError: the file does not say.
    """
    config = configuration(folder)
    try:
        return str(config["Global"]["model_name"])
    except (KeyError, TypeError) as fault:
        raise ModelError(
            f"{folder / CONFIG} gives no Global.model_name: use the file that came with the model"
        ) from fault


def configuration(folder: Path) -> Any:
    """The `inference.yml` of a model's folder.

    Raises:
        ModelError: it is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load((folder / CONFIG).read_bytes())
    except yaml.YAMLError as fault:
        raise ModelError(f"{folder / CONFIG} is no YAML: use the file that came with the model") from fault


@lru_cache(maxsize=1)
def paddleocr() -> ModuleType:
    """The package paddleocr, imported so that it neither writes outside the cache nor looks for servers nor talks.

    Raises:
        ModelError: it is not installed.
    """
    home = cache_folder().parent / "paddlex"
    os.environ["PADDLE_PDX_CACHE_HOME"] = str(home)
    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder().parent / "matplotlib"))
    try:
        with _without_hub():
            package = import_module("paddleocr")
    except ImportError as fault:
        raise ModelError(f"paddleocr is missing ({fault}): pip install 'neo-assets[documents]'") from fault
    for name in ("paddlex", "paddleocr", "ppocr"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return package


@contextmanager
def _without_hub() -> Iterator[None]:
    """Stands in for modelscope while paddleocr is imported, unless it is imported already.

    paddleocr imports that download client for weights that are never downloaded here, and the client imports torch,
    transformers and peft: 4 of 7 CPU seconds of each worker.
    """
    names = ("modelscope", "modelscope.hub", "modelscope.hub.errors")
    if names[0] in sys.modules:
        yield
        return
    stands_in = {name: ModuleType(name) for name in names}
    for name, module in stands_in.items():
        module.__path__ = []
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(stands_in[parent], child, module)
    sys.modules.update(stands_in)
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
