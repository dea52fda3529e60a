"""The reading order by a LayoutLMv3 model with weights of one's own: a plug-in in the manner of LayoutReader.

The model (`LayoutLMv3ForTokenClassification`) sees boxes only, on a grid of 1000 by 1000. Its logits are a row for each
place in the order and a column for each box. Weights are read from a local folder, as safetensors, without any code
that comes with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.model import Box, Element

GRID = 1000
_BEGIN, _UNKNOWN, _END = 0, 3, 2
"""Token ids of LayoutLMv3 (those of RoBERTa)."""


class ReaderError(ValueError):
    """The reader's model cannot be used; the message says what to do."""


class OrderReader:
    """Orders boxes by a model.

    Raises:
        ReaderError: the folder has no usable model, or transformers or torch are not installed.
    """

    def __init__(self, folder: str) -> None:
        self._model = _loaded(folder)
        self.max_boxes = min(int(self._model.config.num_labels), int(self._model.config.max_position_embeddings) - 4)
        """More boxes than this cannot be ordered at once."""

    def order(self, boxes: Sequence[Box], width: float, height: float) -> list[int]:
        """The indices of the boxes in reading order. O(n²) at most."""
        return decoded(self.logits(boxes, width, height)) if boxes else []

    def logits(self, boxes: Sequence[Box], width: float, height: float) -> NDArray[np.float32]:
        """(n, n): a row for each place, a column for each box."""
        import torch

        grid = [[0] * 4, *(_on_grid(box, width, height) for box in boxes), [0] * 4]
        tokens = [_BEGIN, *[_UNKNOWN] * len(boxes), _END]
        with torch.inference_mode():
            found = self._model(
                input_ids=torch.tensor([tokens]), bbox=torch.tensor([grid]), attention_mask=torch.ones(1, len(tokens))
            ).logits[0]
        square: NDArray[np.float32] = found[1 : len(boxes) + 1, : len(boxes)].float().cpu().numpy()
        return square


def decoded(logits: NDArray[np.float32]) -> list[int]:
    """The order by argmax without repeats: a box that several places want goes to the one with the highest logit,
    the others take their next choice. O(n² log n) time, n² memory."""
    choices = np.argsort(-logits, axis=1, kind="stable")
    holder: dict[int, int] = {}
    tried = [0] * len(logits)
    for start in range(len(logits)):
        place = start
        while place >= 0:
            box = int(choices[place, tried[place]])
            tried[place] += 1
            other = holder.get(box, -1)
            if other < 0 or logits[place, box] > logits[other, box]:
                holder[box] = place
                place = other
    placed = {place: box for box, place in holder.items()}
    return [placed[place] for place in range(len(logits))]


def reader_order(elements: Sequence[Element], width: float, height: float, reader: OrderReader) -> list[Element] | None:
    """Elements by the median place of their lines; by their own boxes where lines are too many; None where those are.

    Elements are expected in the order of the rules, which decides between equals.
    """
    parts = [[line.box for line in one.lines] or [one.box] for one in elements]
    if sum(map(len, parts)) > reader.max_boxes:
        parts = [[one.box] for one in elements]
    if len(parts) > reader.max_boxes:
        return None
    boxes = [(box, owner) for owner, part in enumerate(parts) for box in part]
    places: list[list[int]] = [[] for _ in parts]
    for place, index in enumerate(reader.order([box for box, _ in boxes], width, height)):
        places[boxes[index][1]].append(place)
    ranks = [median(found) for found in places]
    return [elements[owner] for owner in sorted(range(len(parts)), key=lambda owner: (ranks[owner], owner))]


def _on_grid(box: Box, width: float, height: float) -> list[int]:
    scaled = (box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height)
    x0, y0, x1, y1 = (min(GRID, max(0, round(GRID * value))) for value in scaled)
    return [x0, y0, max(x0, x1), max(y0, y1)]


@lru_cache(maxsize=1)
def _loaded(folder: str) -> Any:
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise ReaderError(
            f"documents.ordering.model: {folder} has no config.json; name a folder with a LayoutLMv3 model"
        )
    if not any(path.glob("*.safetensors")):
        raise ReaderError(
            f"documents.ordering.model: {folder} has no *.safetensors; convert the weights to safetensors"
        )
    try:
        found = json.loads((path / "config.json").read_text(encoding="utf-8"))
        kind = found.get("model_type") if isinstance(found, dict) else None
    except ValueError as fault:
        raise ReaderError(f"documents.ordering.model: {path / 'config.json'} is not JSON: {fault}") from None
    if kind != "layoutlmv3":
        raise ReaderError(f"documents.ordering.model: {folder} holds a {kind} model; a layoutlmv3 model is needed")
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import LayoutLMv3ForTokenClassification
    except ImportError as fault:
        raise ReaderError(f"method: reader needs transformers and torch ({fault}); install them or use rules") from None
    try:
        found_model: Any = LayoutLMv3ForTokenClassification.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as fault:
        raise ReaderError(f"documents.ordering.model: {folder} cannot be loaded: {fault}") from None
    model, loaded = found_model
    if missing := sorted(loaded["missing_keys"]):
        raise ReaderError(
            f"documents.ordering.model: {folder} lacks {len(missing)} weights, among them {missing[0]}; "
            f"name a model trained to order boxes"
        )
    model.train(False)
    return model
