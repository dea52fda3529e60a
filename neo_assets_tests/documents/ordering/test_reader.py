"""The order by a LayoutLMv3 model: decoding, the loading path on a tiny model made here, and clear errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Element, Line, PageElements
from neo_assets.documents.ordering import ReaderError, order_document
from neo_assets.documents.ordering.reader import OrderReader, decoded, reader_order
from neo_assets.recipe.documents import OrderSettings

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights; twenty places."""
    torch.manual_seed(5)
    config = transformers.LayoutLMv3Config(
        vocab_size=10, hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, max_2d_position_embeddings=1024, coordinate_size=4, shape_size=4, num_labels=20,
        visual_embed=False, has_relative_attention_bias=False, has_spatial_attention_bias=False, type_vocab_size=1,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("reader")
    transformers.LayoutLMv3ForTokenClassification(config).save_pretrained(path, safe_serialization=True)
    return path


def elements(count: int, lines: int) -> list[Element]:
    return [
        Element(n, "text", Box(50, 60 + 30 * n, 500, 80 + 30 * n), 1.0, "layer",
                tuple(Line("text", Box(50, 60 + 30 * n + k, 500, 61 + 30 * n + k)) for k in range(lines)))
        for n in range(count)
    ]  # fmt: skip


def test_order_of_a_tiny_model(folder: Path) -> None:
    page = PageElements("made", 1, 595, 842, tuple(elements(6, 2)))
    settings = OrderSettings(method="reader", model=str(folder))
    [found], [again] = order_document([page], settings), order_document([page], settings)
    assert found == again
    assert sorted(one.number for one in found.elements) == list(range(6))
    reader = OrderReader(str(folder))
    boxes = [line.box for one in page.elements for line in one.lines]
    logits = reader.logits(boxes, 595, 842)
    assert logits.shape == (12, 12)
    assert reader.order(boxes, 595, 842) == decoded(logits)


def test_too_many_lines_fall_back_to_elements_and_then_to_rules(folder: Path) -> None:
    reader = OrderReader(str(folder))
    assert reader.max_boxes == 20
    by_elements = reader_order(elements(8, 5), 595, 842, reader)
    assert by_elements is not None
    assert [one.number for one in by_elements] == reader.order([one.box for one in elements(8, 5)], 595, 842)
    assert reader_order(elements(21, 1), 595, 842, reader) is None


def naive(logits: np.ndarray) -> list[int]:
    """Stable matching, by trying again and again the highest wish that is still open."""
    size = len(logits)
    wishes = [sorted(range(size), key=lambda box: (-logits[place, box], box)) for place in range(size)]
    held: dict[int, int] = {}
    free = list(range(size))
    while free:
        place = free.pop()
        box = wishes[place].pop(0)
        if box not in held or logits[place, box] > logits[held[box], box]:
            if box in held:
                free.append(held[box])
            held[box] = place
        else:
            free.append(place)
    return [next(box for box, holder in held.items() if holder == place) for place in range(size)]


@given(st.integers(1, 9), st.integers(0, 10_000))
def test_decoding_against_a_naive_one(size: int, seed: int) -> None:
    logits = np.random.default_rng(seed).permutation(size * size).reshape(size, size).astype(np.float32)
    found = decoded(logits)
    assert sorted(found) == list(range(size))
    assert found == naive(logits)


def test_decoding_follows_a_clear_order() -> None:
    order = [3, 0, 4, 1, 2]
    logits = np.zeros((5, 5), dtype=np.float32)
    logits[range(5), order] = 1
    assert decoded(logits) == order


def write(folder: Path, config: object) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"no weights")
    return str(folder)


def test_what_is_no_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReaderError, match=r"no config\.json"):
        OrderReader(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ReaderError, match="convert the weights to safetensors"):
        OrderReader(str(tmp_path))
    with pytest.raises(ReaderError, match="not JSON"):
        OrderReader(write(tmp_path / "broken", "{"))
    with pytest.raises(ReaderError, match="bert model"):
        OrderReader(write(tmp_path / "other", {"model_type": "bert"}))
    with pytest.raises(ReaderError, match="cannot be loaded"):
        OrderReader(write(tmp_path / "empty", {"model_type": "layoutlmv3"}))
    half = transformers.LayoutLMv3Config(
        vocab_size=10, hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        visual_embed=False, coordinate_size=4, shape_size=4,
    )  # fmt: skip
    transformers.LayoutLMv3Model(half).save_pretrained(tmp_path / "half")
    with pytest.raises(ReaderError, match="trained to order boxes"):
        OrderReader(str(tmp_path / "half"))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ReaderError, match="needs transformers and torch"):
        OrderReader(write(tmp_path / "without", {"model_type": "layoutlmv3"}))
