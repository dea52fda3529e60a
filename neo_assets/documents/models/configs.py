"""The `inference.yml` beside a graph: how paddleocr prepares pictures and reads results.

Values: the configurations that PaddleOCR publishes with these models (PicoDet CDLA: PP-StructureV2's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from neo_assets.documents.models.catalogue import Model, ModelKind

LAYOUT_HEIGHT, LAYOUT_WIDTH = 800, 608
"""Pixels to which a page is brought before its layout is looked at."""
_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
_DECODE = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}
_DETECTION: Mapping[str, Mapping[str, float]] = {
    "PP-OCRv6_small_det": {"thresh": 0.2, "box_thresh": 0.45, "max_candidates": 3000, "unclip_ratio": 1.4},
    "PP-OCRv6_tiny_det": {"thresh": 0.2, "box_thresh": 0.4, "max_candidates": 3000, "unclip_ratio": 1.4},
    "PP-OCRv4_mobile_det": {"thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000, "unclip_ratio": 1.5},
}


def config_text(model: Model, labels: Sequence[str]) -> str:
    """The configuration of a model; `labels` are its classes, characters or table tokens, in the graph's order."""
    made = {
        "Global": {"model_name": model.paddle_name},
        **_BY_KIND[model.kind](model.paddle_name, labels),
    }
    # One line for each value, however long: a fold could fall on a blank that is a character of the dictionary.
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=1 << 30)


def _layout(_: str, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "arch": "PicoDet",
        "Preprocess": [
            {"type": "Resize", "interp": 2, "keep_ratio": False, "target_size": [LAYOUT_HEIGHT, LAYOUT_WIDTH]},
            {"type": "NormalizeImage", "is_scale": True, "mean": _MEAN, "std": _STD},
            {"type": "Permute"},
        ],
        "draw_threshold": 0.5,
        "label_list": list(labels),
    }


def _detection(paddle_name: str, _: Sequence[str]) -> dict[str, Any]:
    normalize = {"mean": _MEAN, "std": _STD, "scale": "1./255.", "order": "hwc"}
    return {
        "PreProcess": {
            "transform_ops": [
                _DECODE, {"DetResizeForTest": None}, {"NormalizeImage": normalize}, {"ToCHWImage": None},
            ]
        },
        "PostProcess": {"name": "DBPostProcess", **_DETECTION[paddle_name]},
    }  # fmt: skip


def _recognition(_: str, labels: Sequence[str]) -> dict[str, Any]:
    if any(len(label) != 1 for label in labels):
        raise ValueError("a recognition model's labels are single characters")
    return {
        "PreProcess": {"transform_ops": [_DECODE, {"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
        # One string instead of a list: paddleocr takes either apart by characters, and YAML reads it 70 times faster.
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": "".join(labels)},
    }


def _table(_: str, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "PreProcess": {
            "transform_ops": [
                _DECODE,
                {"TableLabelEncode": {"merge_no_span_structure": True}},
                {"ResizeTableImage": {"max_len": 488, "resize_bboxes": True}},
                {"NormalizeImage": {"mean": _MEAN, "std": _STD, "scale": "1./255.", "order": "hwc"}},
                {"PaddingTableImage": {"size": [488, 488]}},
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {"name": "TableLabelDecode", "merge_no_span_structure": True, "character_dict": list(labels)},
    }


_BY_KIND: Mapping[ModelKind, Any] = {
    "layout": _layout,
    "detection": _detection,
    "recognition": _recognition,
    "table": _table,
}
