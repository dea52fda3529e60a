"""The completed PicoDet graph against a plain decoder, on made-up heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neo_assets.documents.models import ModelError
from neo_assets.documents.models.picodet import MIN_SCORE, NMS_IOU, STRIDES, complete

pytestmark = pytest.mark.needs("documents")
GRIDS = [((800 + step - 1) // step, (608 + step - 1) // step) for step in STRIDES]
N_CLASSES = 10
Array = np.ndarray[Any, np.dtype[Any]]


def heads(seed: int) -> tuple[list[Array], list[Array]]:
    """Scores, a few of them high, and distributions, for each grid."""
    made = np.random.default_rng(seed)
    scores, sides = [], []
    for rows, columns in GRIDS:
        score = made.random((1, rows * columns, N_CLASSES)).astype(np.float32) * 0.04
        for _ in range(30):
            score[0, made.integers(rows * columns), made.integers(N_CLASSES)] = made.uniform(0.1, 1)
        scores.append(score)
        sides.append(made.normal(0, 3, (1, rows * columns, 32)).astype(np.float32))
    return scores, sides


def graph_of(scores: list[Array], sides: list[Array]) -> bytes:
    """A graph with PicoDet's inputs and outputs that always gives these heads, coarsest grid last."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [numpy_helper.from_array(value, f"c{n}") for n, value in enumerate(scores + sides)]
    nodes = [helper.make_node("Identity", [f"c{n}"], [f"h{n}"]) for n in range(len(constants))]
    outputs = [helper.make_tensor_value_info(f"h{n}", TensorProto.FLOAT, one.dims) for n, one in enumerate(constants)]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 800, 608])
    graph = helper.make_graph(nodes, "heads", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("Paddle", 1)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


def decoded(scores: list[Array], sides: list[Array], scale: tuple[float, float]) -> list[tuple[float, ...]]:
    """Cell by cell: expected distances, boxes; then per class the best boxes that overlap no better one by half."""
    boxes, all_scores = [], np.concatenate(scores, axis=1)[0]
    for step, (rows, columns), side in zip(STRIDES, GRIDS, sides, strict=True):
        for cell in range(rows * columns):
            x, y = (cell % columns + 0.5) * step, (cell // columns + 0.5) * step
            raw = np.exp(side[0, cell].reshape(4, 8).astype(np.float64))
            left, up, right, down = (raw / raw.sum(1, keepdims=True)) @ np.arange(8) * step
            boxes.append((max(0, x - left), max(0, y - up), min(608, x + right), min(800, y + down)))
    found = []
    for label in range(N_CLASSES):
        kept: list[int] = []
        for cell in np.argsort(-all_scores[:, label]):
            if all_scores[cell, label] > MIN_SCORE and all(iou(boxes[cell], boxes[other]) <= NMS_IOU for other in kept):
                kept.append(int(cell))
        for cell in kept:
            box = [v / scale[1 - axis % 2] for axis, v in enumerate(boxes[cell])]
            found.append((float(label), float(all_scores[cell, label]), *box))
    return found


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    common = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


@pytest.mark.parametrize("seed", [0, 1])
def test_boxes_are_those_of_a_plain_decoder(seed: int) -> None:
    import onnxruntime

    scores, sides = heads(seed)
    scale = (0.5, 0.25)  # y, x: of a picture of 2432 x 1600 pixels
    session = onnxruntime.InferenceSession(complete(graph_of(scores, sides)), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["image", "scale_factor"]
    given = {"image": np.zeros((1, 3, 800, 608), np.float32), "scale_factor": np.array([scale], np.float32)}
    boxes, count = session.run(None, given)
    expected = decoded(scores, sides, scale)
    assert len(expected) > 50
    assert count.tolist() == [len(boxes)] == [len(expected)]
    np.testing.assert_allclose(sorted(map(tuple, boxes)), sorted(expected), rtol=1e-4, atol=1e-2)


def test_the_same_graph_gives_the_same_bytes() -> None:
    graph = graph_of(*heads(2))
    assert complete(graph) == complete(graph)


def test_another_graph_is_refused() -> None:
    scores, sides = heads(3)
    with pytest.raises(ModelError, match="other outputs than PicoDet's"):
        complete(graph_of(scores[:3], sides))
