"""Captions, notes, skew and vertical pages, each by itself."""

from __future__ import annotations

from math import cos, radians, sin

import pytest

from neo_assets.documents.model import Box, Element, Line
from neo_assets.documents.ordering.captions import caption_kind
from neo_assets.documents.ordering.columns import arrange
from neo_assets.documents.ordering.notes import begins_as_note
from neo_assets.documents.ordering.skew import slope, straightened
from neo_assets.documents.ordering.strips import Frame, Piece, covered
from neo_assets.documents.ordering.vertical import is_vertical, turned


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Figure 3: Loss", "figure_caption"), ("Fig. 3. Loss", "figure_caption"), ("FIGURE 2", "figure_caption"),
        ("Fig. A1 (left) loss", "figure_caption"), ("图 3 损失", "figure_caption"), ("图2-1：结构", "figure_caption"),
        ("Table 4. Results", "table_caption"), ("TABLE IV", "table_caption"), ("表 1 结果", "table_caption"),
        ("图2结构", "figure_caption"), ("图2”名", "figure_caption"), ("图3中的", None), ("表1给出", None),
        ("续表 2", "table_caption"), ("表三 结果", "table_caption"), ("Figure 3 shows the loss", None),
        ("Table 2 gives more", None), ("表示为", None), ("图书馆", None), ("Figures", None), ("", None),
    ],
)  # fmt: skip
def test_captions_by_their_words(words: str, kind: str | None) -> None:
    assert caption_kind(words) == kind


@pytest.mark.parametrize(
    ("words", "certainly", "is_note"),
    [
        ("* a", True, True), ("† a", True, True), ("① 注", True, True), ("² a", True, True), ("1 a", True, False),
        ("1 a", False, True), ("[1] a", False, True), ("3.14 is", False, False), ("A text", False, False),
        ("注：这", False, True),
    ],
)  # fmt: skip
def test_notes_by_their_marks(words: str, certainly: bool, is_note: bool) -> None:
    element = Element(0, "text", Box(0, 0, 9, 9), 1.0, "layer", (Line(words, Box(0, 0, 9, 9)),))
    assert begins_as_note(element, certainly) is is_note


@pytest.mark.parametrize("degrees", [-1.5, -1, -0.3, 0, 0.5, 1])
def test_skew_is_measured_and_undone(degrees: float) -> None:
    turn = radians(degrees)

    def turned_box(box: Box) -> Box:
        corners = [(x - 300, y - 400) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
        xs, ys = zip(*((x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn)) for x, y in corners), strict=True)
        return Box(300 + min(xs), 400 + min(ys), 300 + max(xs), 400 + max(ys))

    straight = [Box(60 + (20 if n % 7 == 0 else 0), 80 + 14 * n, 500 - (n * 37) % 50, 90 + 14 * n) for n in range(30)]
    lines = tuple(Line("text", turned_box(box)) for box in straight)
    element = Element(0, "text", turned_box(Box(60, 80, 500, 500)), 1.0, "ocr", lines)
    found = slope([element])
    assert found == pytest.approx(-sin(turn) if abs(degrees) > 0.12 else 0, abs=0.001)
    for box, line in zip(straight, lines, strict=True):
        assert tuple(straightened(line.box, found, 600, 800)) == pytest.approx(tuple(box), abs=1.2)


def test_vertical_pages() -> None:
    def line(x: float) -> Element:
        box = Box(x, 80, x + 14, 600)
        return Element(int(x), "text", box, 1.0, "ocr", (Line("天地玄黄", box),))

    flat = Element(900, "text", Box(50, 50, 500, 300), 1.0, "ocr", (Line("words", Box(50, 50, 500, 300)),))
    assert is_vertical([line(x) for x in (100, 130, 160)])
    assert not is_vertical([line(100), line(130)])
    assert not is_vertical([*(line(x) for x in (100, 130, 160)), flat])
    assert turned(Box(500, 80, 515, 700), 595) == Box(80, 80, 700, 95)


def test_intervals_against_points() -> None:
    spans = [(0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (3.0, 4.0)]
    assert covered(spans) == [(0.0, 4.0), (5.0, 6.0)]
    assert covered([]) == []


def test_nested_layouts_end() -> None:
    """Boxes that all lie over each other, and boxes without any size."""
    frame = Frame(10, 500)
    many = [Piece(n, Box(n, n, 500 - n, 500 - n), 1, False, False) for n in range(60)]
    assert sorted(one.place for one in arrange(many, frame)) == list(range(60))
    points = [Piece(n, Box(5, 5, 5, 5), 0, False, True) for n in range(30)]
    assert [one.place for one in arrange(points, frame)] == list(range(30))
    assert arrange([], frame) == []
