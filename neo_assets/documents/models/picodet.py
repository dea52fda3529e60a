"""Completes PicoDet's exported graph: from its raw heads to the boxes that paddleocr expects.

The heads give, for each cell of four grids, the classes' scores and a distribution over 8 steps for the distance to
each of the four sides (generalised focal loss). Appended are the expectation of that distribution, the boxes, a
suppression of lesser boxes of the same class, and the scaling to the picture's pixels.
"""

from __future__ import annotations

from typing import Any

from neo_assets.documents.models.configs import LAYOUT_HEIGHT, LAYOUT_WIDTH
from neo_assets.documents.models.errors import ModelError

STRIDES = (8, 16, 32, 64)
N_STEPS = 8
NMS_IOU = 0.5
"""MAP-Neo's configuration (Struc.nms): boxes of one class that overlap more are the same thing."""
MIN_SCORE = 0.05
MAX_BOXES_PER_CLASS = 100


def complete(graph: bytes) -> bytes:
    """The graph with inputs `image` (1, 3, 800, 608) and `scale_factor` (1, 2: y and x), outputs `boxes`
    (n, 6: class, score, left, top, right, bottom in pixels of the picture) and `count` (1).

    The same bytes for the same graph.

    Raises:
        ModelError: the graph does not have PicoDet's heads.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_model_from_string(graph)
    scores, sides = _heads(model)
    constants, nodes = _constants(), _nodes(scores, sides)
    body = model.graph
    body.initializer.extend(constants)
    body.node.extend(nodes)
    body.input.append(helper.make_tensor_value_info("scale_factor", TensorProto.FLOAT, [1, 2]))
    del body.output[:]
    body.output.append(helper.make_tensor_value_info("neo_boxes", TensorProto.FLOAT, ["n", 6]))
    body.output.append(helper.make_tensor_value_info("neo_count", TensorProto.INT64, [1]))
    kept = [one for one in model.opset_import if one.domain == ""]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _heads(model: Any) -> tuple[list[str], list[str]]:
    """The names of the heads with scores and with sides, each from the finest grid to the coarsest."""
    cells = [(LAYOUT_HEIGHT + step - 1) // step * ((LAYOUT_WIDTH + step - 1) // step) for step in STRIDES]
    shapes = [(one.name, [axis.dim_value for axis in one.type.tensor_type.shape.dim]) for one in model.graph.output]
    sides = [name for n in cells for name, shape in shapes if shape == [1, n, 4 * N_STEPS]]
    scores = [name for n in cells for name, shape in shapes if shape[:2] == [1, n] and name not in sides]
    if len(sides) != len(STRIDES) or len(scores) != len(STRIDES) or len(shapes) != 2 * len(STRIDES):
        raise ModelError(f"the layout model has other outputs than PicoDet's heads: {shapes}")
    return scores, sides


def _constants() -> list[Any]:
    import numpy as np
    from onnx import numpy_helper

    centres, strides = [], []
    for step in STRIDES:
        rows, columns = (LAYOUT_HEIGHT + step - 1) // step, (LAYOUT_WIDTH + step - 1) // step
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        centres.append((np.stack([x.ravel(), y.ravel()], 1) + np.float32(0.5)) * np.float32(step))
        strides.append(np.full((rows * columns, 1), step, np.float32))
    values = {
        "centres": np.concatenate(centres)[None],
        "strides": np.concatenate(strides)[None],
        "steps": np.arange(N_STEPS, dtype=np.float32),
        "split": np.array([0, -1, 4, N_STEPS], np.int64),
        "halves": np.array([2, 2], np.int64),
        "least": np.array([0, 0, 0, 0], np.float32),
        "most": np.array([LAYOUT_WIDTH, LAYOUT_HEIGHT, LAYOUT_WIDTH, LAYOUT_HEIGHT], np.float32),
        "per_class": np.array([MAX_BOXES_PER_CLASS], np.int64),
        "iou": np.array([NMS_IOU], np.float32),
        "min_score": np.array([MIN_SCORE], np.float32),
        "first": np.array([0], np.int64),
        "class": np.array([1], np.int64),
        "box": np.array([2], np.int64),
        "xyxy": np.array([1, 0, 1, 0], np.int64),
        "axis_1": np.array([1], np.int64),
    }
    return [numpy_helper.from_array(value, f"neo_{name}") for name, value in values.items()]


def _nodes(scores: list[str], sides: list[str]) -> list[Any]:
    from onnx import TensorProto, helper

    made: list[Any] = []

    def node(operation: str, inputs: list[str], *outputs: str, **attributes: Any) -> None:
        names = [f"neo_{name}" if not name.startswith("=") else name[1:] for name in inputs]
        made.append(helper.make_node(operation, names, [f"neo_{one}" for one in outputs], **attributes))

    node("Concat", [f"={name}" for name in scores], "scores", axis=1)
    node("Transpose", ["scores"], "by_class", perm=[0, 2, 1])
    node("Concat", [f"={name}" for name in sides], "raw_sides", axis=1)
    node("Reshape", ["raw_sides", "split"], "four_sides")
    node("Softmax", ["four_sides"], "shares", axis=3)
    node("MatMul", ["shares", "steps"], "in_steps")
    node("Mul", ["in_steps", "strides"], "sides")
    node("Split", ["sides", "halves"], "before", "after", axis=2)
    node("Sub", ["centres", "before"], "upper_left")
    node("Add", ["centres", "after"], "lower_right")
    node("Concat", ["upper_left", "lower_right"], "unbound", axis=2)
    node("Max", ["unbound", "least"], "bound_below")
    node("Min", ["bound_below", "most"], "all_boxes")
    node("NonMaxSuppression", ["all_boxes", "by_class", "per_class", "iou", "min_score"], "chosen")
    node("Gather", ["chosen", "class"], "class_index", axis=1)
    node("Gather", ["chosen", "box"], "box_index", axis=1)
    node("Concat", ["class_index", "box_index"], "places", axis=1)
    node("Squeeze", ["by_class", "first"], "one_by_class")
    node("GatherND", ["one_by_class", "places"], "chosen_score")
    node("Unsqueeze", ["chosen_score", "axis_1"], "score_column")
    node("Squeeze", ["all_boxes", "first"], "one_all_boxes")
    node("Squeeze", ["box_index", "axis_1"], "box_list")
    node("Gather", ["one_all_boxes", "box_list"], "chosen_boxes", axis=0)
    node("Gather", ["=scale_factor", "xyxy"], "scales", axis=1)
    node("Div", ["chosen_boxes", "scales"], "in_pixels")
    node("Cast", ["class_index"], "class_column", to=TensorProto.FLOAT)
    node("Concat", ["class_column", "score_column", "in_pixels"], "boxes", axis=1)
    node("Shape", ["chosen"], "chosen_shape")
    node("Gather", ["chosen_shape", "first"], "count", axis=0)
    return made
