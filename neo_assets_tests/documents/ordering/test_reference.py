"""The reference's rules, on cases worked out by hand from their description."""

from __future__ import annotations

from neo_assets.documents.model import Box, Element
from neo_assets.documents.ordering.reference import reference_order


def order(*boxes: tuple[float, float, float, float]) -> list[int]:
    elements = [Element(n, "text", Box(*box), 1.0, "layer") for n, box in enumerate(boxes)]
    return [one.number for one in reference_order(elements, 600)]


def test_two_columns_and_a_full_line() -> None:
    assert order((310, 200, 560, 400), (40, 100, 560, 150), (40, 200, 290, 500), (40, 600, 560, 700)) == [1, 2, 0, 3]


def test_the_last_region_beside_another_is_in_a_column() -> None:
    """It begins above the end of the one before it: not full width, though it lies over the middle."""
    assert order((40, 100, 290, 300), (200, 200, 420, 400)) == [0, 1]
    assert order((310, 100, 560, 300), (40, 200, 290, 400)) == [1, 0]


def test_three_columns_go_wrong() -> None:
    """The middle and the right column count as one."""
    assert order((40, 100, 200, 300), (220, 100, 390, 300), (410, 100, 560, 300), (220, 320, 390, 500)) == [0, 1, 2, 3]


def test_one_region_and_none() -> None:
    assert order((0, 0, 1, 1)) == [0]
    assert order() == []
