"""Comparing a text layer with what is recognised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.recognition.agreement import lines_to_check, similarity


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("kitten", "sitting", 1 - 3 / 7),
        ("A B c", "abC", 1.0),
        ("２０２１年，ﬁx", "2021年,fix", 1.0),
        ("", "", 1.0),
        ("", "a", 0.0),
        ("abc", "xyz", 0.0),
    ],
)
def test_similarity(one: str, other: str, expected: float) -> None:
    assert similarity(one, other) == pytest.approx(expected)


def plain_distance(a: str, b: str) -> int:
    """Edit distance by its definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        plain_distance(a[1:], b) + 1, plain_distance(a, b[1:]) + 1, plain_distance(a[1:], b[1:]) + (a[0] != b[0])
    )


@settings(max_examples=60, deadline=None)
@given(st.text("abc", min_size=1, max_size=5), st.text("abc", min_size=1, max_size=5))
def test_as_the_definition(a: str, b: str) -> None:
    assert similarity(a, b) == pytest.approx(1 - plain_distance(a, b) / max(len(a), len(b)))


def line(text: str, y: float) -> Line:
    return Line(text, Box(10, y, 10 + 5 * len(text), y + 10), size=10)


def test_lines_from_different_parts_of_the_page() -> None:
    page = [line("a title", 5), *[line(f"line {at} of the running text", 20.0 + 12 * at) for at in range(10)]]
    first, second = lines_to_check(page)
    assert second.box.y0 - first.box.y0 >= 48
    assert lines_to_check(page[::-1]) == [first, second]


def test_short_and_upended_lines_say_nothing() -> None:
    upended = Line("a long stamp up the page", Box(5, 10, 15, 200), size=10)
    assert lines_to_check([line("12", 10), upended]) == []
    assert len(lines_to_check([line("long enough", 10), upended])) == 1
