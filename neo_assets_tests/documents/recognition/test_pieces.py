"""Joining the pieces of a line: blanks by script and gap."""

from __future__ import annotations

import pytest

from neo_assets.documents.model import Box, Run
from neo_assets.documents.recognition.pieces import is_cjk, joined, line_of, piece_of
from neo_assets_tests.documents.recognition.cases import piece


@pytest.mark.parametrize(
    ("left", "right", "gap", "expected"),
    [
        ("deep", "learning", 2.5, "deep learning"),
        ("deep", "ly", 0.4, "deeply"),
        ("deep ", "ly", 0.0, "deep ly"),
        ("deep ", " ly", 4.0, "deep ly"),
        ("机器", "学习", 6.0, "机器学习"),
        ("机器 ", "学习", 6.0, "机器学习"),
        ("使用", "PyTorch", 1.5, "使用PyTorch"),
        ("使用", "PyTorch", 2.5, "使用 PyTorch"),
        ("使用 ", "PyTorch", 2.5, "使用 PyTorch"),
        ("x", "，其中", 3.0, "x，其中"),
        ("end.", "Next", 3.0, "end. Next"),
    ],
)
def test_blanks_between_pieces(left: str, right: str, gap: float, expected: str) -> None:
    first = piece(left, 10, 10)
    assert joined([first, piece(right, first.box.x1 + gap, 10)]) == expected


def test_a_lone_blank_is_a_blank() -> None:
    assert joined([piece("a", 0, 0), piece(" ", 5, 0), piece("b", 5.2, 0)]) == "a b"


def test_a_line_has_the_look_of_most_of_its_characters() -> None:
    bold, plain = piece("Theorem", 0, 0, bold=True), piece("1", 40, 0, size=6)
    line = line_of([bold, plain])
    assert (line.text, line.size, line.bold, line.mono) == ("Theorem 1", 10.0, True, False)
    assert line.box == Box(0, 0, 43, 10)
    assert not line_of([piece("1", 0, 0, bold=True), piece("a long text", 8, 0)]).bold


def test_scores_count_by_length() -> None:
    first, second = piece("abc", 0, 0), piece("d", 15, 0)
    line = line_of([first, type(second)(second.text, second.box, second.size, 0.6)])
    assert line.score == pytest.approx((3 * 1.0 + 0.6) / 4)


@pytest.mark.parametrize("size", [0.0, 1.0, 900.0])
def test_absurd_font_sizes_give_way_to_the_box(size: float) -> None:
    assert piece_of(Run("ab", Box(0, 0, 20, 12), size)).size == 12


def test_which_characters_are_chinese() -> None:
    assert all(map(is_cjk, "中，。：（）「㐀龥"))
    assert not any(map(is_cjk, "aé1,.“”—…±α"))
