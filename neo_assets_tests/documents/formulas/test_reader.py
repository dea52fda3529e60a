from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from neo_assets.documents.formulas import bundled, reader
from neo_assets.documents.formulas.reader import Formula, FormulaReader, ReaderError
from neo_assets.documents.formulas.rendering import Style, render
from neo_assets.documents.formulas.tokens import split
from neo_assets.recipe.documents import FormulaSettings

CROP = np.full((30, 60, 3), 255, np.uint8)


@pytest.fixture(autouse=True)
def _fresh():
    reader._engine.cache_clear()
    yield
    reader._engine.cache_clear()


def test_no_reader_reads_nothing():
    assert FormulaReader(FormulaSettings(reader="none")).read(CROP) is None


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (("\\frac{a}{b", 0.9), Formula("\\frac{a}{b}", 0.9)),
        (("x", 0.79), None),
        (("x", float("nan")), None),
        (("", 1.0), None),
        (("}}}}}}}", 1.0), None),
        (None, None),
    ],
)
def test_answers_are_repaired_or_refused(monkeypatch, answer, wanted):
    monkeypatch.setattr(bundled, "read", lambda crop, runs: answer)
    assert FormulaReader(FormulaSettings()).read(CROP) == wanted


@pytest.mark.parametrize("name", ["paddle", "pix2text"])
def test_a_missing_model_folder_is_named(name, tmp_path):
    with pytest.raises(ReaderError, match=r"documents\.formulas\.model is no folder"):
        FormulaReader(FormulaSettings(reader=name, model=str(tmp_path / "none"))).read(CROP)


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pix2text", None)
    with pytest.raises(ReaderError, match="pip install pix2text"):
        FormulaReader(FormulaSettings(reader="pix2text", model=str(tmp_path))).read(CROP)


def test_pix2text_is_asked_as_it_wants_to_be(monkeypatch, tmp_path):
    """Against a stand-in: the package fetches its weights from a hub, which tests do not reach."""
    seen: list[Any] = []

    class LatexOCR:
        def __init__(self, **told: Any) -> None:
            seen.append(told)

        def recognize(self, image: Any) -> dict[str, Any]:
            seen.append((image.size, image.mode))
            return {"text": "x ^ 2", "score": 0.97}

    module = ModuleType("pix2text")
    module.LatexOCR = LatexOCR
    monkeypatch.setitem(sys.modules, "pix2text", module)
    found = FormulaReader(FormulaSettings(reader="pix2text", model=str(tmp_path))).read(CROP[..., 0])
    assert found == Formula("x^{2}", 0.97)
    assert seen == [{"model_dir": str(tmp_path), "device": "cpu"}, ((60, 30), "RGB")]


def test_a_model_without_its_configuration_is_named(tmp_path):
    with pytest.raises(ReaderError, match=r"inference\.yml"):
        FormulaReader(FormulaSettings(reader="paddle", model=str(tmp_path))).read(CROP)


def tiny_paddle_model(folder: Path) -> None:
    """A model of PP-FormulaNet's form whose answer is fixed: real loading, preparing, running and decoding."""
    import onnx
    import yaml
    from onnx import TensorProto, helper

    words = ["<s>", "<pad>", "</s>", "<unk>", "x", "+", "y"]
    answer = helper.make_tensor("answer", TensorProto.INT64, [1, 5], [0, 4, 5, 6, 2])
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 384, 384])],
        [helper.make_tensor_value_info("out", TensorProto.INT64, ["n", 5])],
        [answer, helper.make_tensor("zero", TensorProto.INT64, [], [0])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    onnx.save(model, folder / "inference.onnx")
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": dict(zip(words, range(7), strict=True)), "unk_token": "<unk>"},
    }  # fmt: skip
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added = {str(number): {"content": word, **flags} for number, word in enumerate(words[:4])}
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    steps = [{"UniMERNetTestTransform": None}, {"LatexImageFormat": None}]
    decoder = {"fast_tokenizer_file": tokenizer, "tokenizer_config_file": {"added_tokens_decoder": added, **special}}
    told = {
        "Global": {"model_name": "PP-FormulaNet_plus-S"},
        "PreProcess": {"transform_ops": [{"UniMERNetImgDecode": {"input_size": [384, 384]}}, *steps]},
        "PostProcess": {"name": "UniMERNetDecode", "character_dict": decoder},
    }  # fmt: skip
    (folder / "inference.yml").write_text(yaml.safe_dump(json.loads(json.dumps(told))), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("paddleocr", "onnx", "onnxruntime", "tokenizers"))),
    reason="paddleocr, onnx, onnxruntime or tokenizers is not installed",
)
def test_paddleocr_loads_and_runs_a_model_of_that_form(tmp_path):
    tiny_paddle_model(tmp_path)
    ink = render(split("x + y"), Style())
    crop = np.repeat(255 - np.pad(ink, 8)[..., None], 3, axis=2)
    found = FormulaReader(FormulaSettings(reader="paddle", model=str(tmp_path))).read(crop)
    assert found == Formula("x+y", 1.0)


def numbered(gap: int, number: str = "( 1 2 )") -> np.ndarray:
    left, right = render(split("a + b = c"), Style()), render(split(number), Style())
    height = max(len(left), len(right))
    parts = [np.pad(one, ((0, height - len(one)), (0, 0))) for one in (left, right)]
    return 255 - np.pad(np.concatenate([parts[0], np.zeros((height, gap), np.uint8), parts[1]], axis=1), 6)


def test_a_number_at_the_right_is_left_out():
    found = bundled.read(numbered(300))
    assert found is not None and found[0] == "a+b=c"


@pytest.mark.parametrize(("gap", "number"), [(300, "x > 0"), (10, "( 1 2 )")])
def test_what_stands_at_the_right_but_is_no_number_belongs_to_it(gap, number):
    found = bundled.read(numbered(gap, number))
    assert found is not None and found[0] == "a+b=c" + number.replace(" ", "")


@pytest.mark.parametrize("crop", [CROP, CROP * 0, np.full((9, 9), 250, np.uint8)])
def test_an_empty_crop_has_no_formula(crop):
    assert bundled.read(crop) is None
