"""Pages read: which source is used, what becomes of each region, and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import ELEMENT_SCHEMA, Box, Page, PageElements, Region, elements_of, plain
from neo_assets.documents.recognition import PageReader, scan
from neo_assets.documents.recognition.pictures import PictureError
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.recognition.cases import (
    HEIGHT,
    WIDTH,
    FakeEngine,
    NoReaders,
    blank_picture,
    inked,
    letters,
    page_with,
    region,
    regions,
    run,
    runs,
)

TEXT = region("text", 20, 20, 280, 60)


@dataclass
class FakeReaders:
    """Tables and formulas; remembers what it got."""

    got: list[Any] = field(default_factory=list)

    def table(self, *given: Any) -> str:
        self.got.append(given)
        return "<table></table>"

    def formula(self, crop: np.ndarray, *_: object) -> str | None:
        self.got.append(crop.shape)
        return None


def read(
    page: Page, *regions: Region, engine: FakeEngine | None = None, readers: Any = None
) -> tuple[PageElements, Any]:
    reader = PageReader(DocumentsSection(), engine or FakeEngine(), readers or NoReaders())
    return reader.read(page, regions)


def test_a_good_layer_needs_no_recognition() -> None:
    engine = FakeEngine()
    page = page_with([run("Hello", 22, 22), run("world", 50, 22), run("Below the region", 22, 100)])
    found, pictures = read(page, TEXT, engine=engine)
    assert [(one.kind, one.source, one.text) for one in found.elements] == [
        ("text", "layer", "Hello world"),
        ("text", "layer", "Below the region"),
    ]
    assert (engine.found, engine.crops, pictures) == (0, [], {})
    assert found.elements[0].box == Box(22, 22, 75, 32)


def test_a_region_without_ink_is_nothing() -> None:
    assert read(page_with([run("Hello", 22, 100)]), TEXT)[0].elements[0].text == "Hello"


def test_text_in_a_bitmap_is_recognised_there_only() -> None:
    engine = FakeEngine([("drawn", 0.9), ("doubtful", 0.3)], [(10, 20, 210, 40), (10, 50, 210, 70)])
    picture = inked(blank_picture(), (25, 25, 120, 35))
    found, _ = read(page_with([run("Hello", 22, 100)], picture), TEXT, engine=engine)
    drawn, layer = found.elements
    assert (drawn.kind, drawn.source, drawn.text) == ("text", "ocr", "drawn")
    assert (layer.source, layer.text) == ("layer", "Hello")
    assert engine.found == 1
    assert TEXT.box.covered(drawn.box) < 1
    assert drawn.box.x0 >= 20


def test_ink_that_nobody_can_read_is_a_figure() -> None:
    picture = inked(blank_picture(), (25, 25, 120, 35))
    found, pictures = read(page_with([run("Hello", 22, 100)], picture), TEXT)
    assert [one.kind for one in found.elements] == ["figure", "text"]
    assert list(pictures) == ["p0003-0.png"]
    header = region("header", 20, 20, 280, 60)
    found, pictures = read(page_with([run("Hello", 22, 100)], picture), header)
    assert [(one.kind, one.source) for one in found.elements] == [("header", "none"), ("text", "layer")]
    assert pictures == {}


@pytest.mark.parametrize(
    ("layer", "recognised", "source"),
    [
        ("hidden", "line number one is here", "layer"),
        ("hidden", "something else altogether", "ocr"),
        ("garbled", "line number one is here", "layer"),
        ("missing", "line number one is here", "ocr"),
    ],
)
def test_suspicious_layers_are_checked(layer: Any, recognised: str, source: str) -> None:
    engine = FakeEngine([(recognised, 0.95)], [(40, 40, 300, 60)])
    page = page_with([run("line number one is here", 22, 22 + 14 * at) for at in range(3)], layer=layer)
    found, _ = read(page, TEXT, engine=engine)
    assert {one.source for one in found.elements} == {source}
    assert engine.found == (source == "ocr")


def test_a_layer_with_too_little_to_check_is_not_used() -> None:
    engine = FakeEngine([("read", 0.95)], [(40, 40, 300, 60)])
    found, _ = read(page_with([run("x", 22, 22)], layer="hidden"), TEXT, engine=engine)
    assert [one.text for one in found.elements] == ["read"]


def test_blank_pages_are_not_looked_at() -> None:
    engine = FakeEngine()
    found, pictures = read(page_with(kind="blank", layer="missing"), TEXT, engine=engine)
    assert (found.elements, pictures, engine.found) == ((), {}, 0)


def test_pictures_of_figures_tables_and_formulas() -> None:
    readers = FakeReaders()
    page = page_with([run("cell", 30, 110), run("next", 80, 110), run("x=1", 30, 210), run("(3)", 200, 210)])
    found, pictures = read(
        page, region("figure", 20, 20, 100, 80), region("table", 20, 100, 200, 150),
        region("equation", 20, 200, 280, 230), readers=readers,
    )  # fmt: skip
    figure, table, equation = found.elements
    assert [one.image for one in found.elements] == ["p0003-0.png", "p0003-1.png", "p0003-2.png"]
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())
    assert (figure.text, table.html, equation.latex, equation.text) == ("", "<table></table>", None, "x=1\n(3)")
    crop, box, lines, scale, scanned = readers.got[0]
    assert (crop.shape, box, scale, scanned) == ((104, 364, 3), Box(19, 99, 201, 151), 2, False)
    assert [line.text for line in lines] == ["cell", "next"]
    assert readers.got[1][1] < 2 * 200


def test_a_page_without_a_picture_is_refused() -> None:
    page = page_with([run("x", 1, 1)], layer="missing")
    broken = Page(**{name: getattr(page, name) for name in Page.__slots__} | {"image": b"none"})
    with pytest.raises(PictureError, match="page 3 cannot be decoded"):
        read(broken, TEXT)


def test_rows_and_back() -> None:
    found, _ = read(page_with([run("Hello", 22, 22), run("更多", 22, 300)]), TEXT)
    row = {"url": "document://x#page=3", "seconds": 0.1, **plain(found)}
    import pyarrow as pa

    assert elements_of(pa.Table.from_pylist([row], ELEMENT_SCHEMA).to_pylist()[0]) == found


@settings(max_examples=60, deadline=None)
@given(st.lists(runs, max_size=15), regions)
def test_born_digital_pages_lose_nothing_and_stay_on_the_page(found_runs: list, found_regions: list[Region]) -> None:
    found, pictures = read(page_with(found_runs), *found_regions)
    assert letters([one.text for one in found.elements]) == letters([one.text for one in found_runs])
    paper = Box(0, 0, WIDTH, HEIGHT)
    for one in found.elements:
        for box in (one.box, *(line.box for line in one.lines)):
            assert paper.x0 <= box.x0 <= box.x1 <= paper.x1
            assert paper.y0 <= box.y0 <= box.y1 <= paper.y1
    assert [one.number for one in found.elements] == list(range(len(found.elements)))
    assert set(pictures) == {one.image for one in found.elements if one.image}


def test_how_a_page_was_turned_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = blank_picture(HEIGHT, WIDTH)
    told = scan.Scan(picture, picture[:, :, 0] < 9, [], [], quarters=1, skew=-0.51239)
    monkeypatch.setattr("neo_assets.documents.recognition.reader.read_scan", lambda *_: told)
    found, _ = read(page_with(layer="missing", kind="scanned"))
    assert (found.turned, found.skew, found.width, found.height) == (3, -0.5124, HEIGHT, WIDTH)
    row = {"url": "", "seconds": 0.1, **plain(found)}
    import pyarrow as pa

    assert elements_of(pa.Table.from_pylist([row], ELEMENT_SCHEMA).to_pylist()[0]) == found
    straight, _ = read(page_with([run("Hello", 22, 22)]))
    assert (straight.turned, straight.skew) == (0, 0.0)


def test_upside_down_pages_are_turned() -> None:
    class Upside(FakeEngine):
        def read(self, crops: Any) -> list[tuple[str, float]]:
            self.crops += [crop.shape for crop in crops]
            return [("read", 0.97 if self.found > 1 else 0.4) for _ in crops]

    engine = Upside(boxes=[(40, 40 + 40 * at, 400, 60 + 40 * at) for at in range(4)])
    looked: list[tuple[int, ...]] = []

    def look(image: np.ndarray) -> list[Region]:
        looked.append(image.shape)
        return [region("title", 30, 30, 500, 70)]

    found = scan.read_scan(blank_picture(), [], engine, 0.5, look)
    assert (found.quarters, looked, len(found.pieces)) == (2, [(800, 600, 3)], 4)
    assert found.regions[0].kind == "title"
