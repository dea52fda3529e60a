"""The font size of a recognised line, from the height of its ink and the characters that it has."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.recognition.pieces import is_cjk

CHINESE = 0.92
"""Height of the ink of Chinese characters, in font sizes; below: of Latin ones. Usual proportions, not measured."""
X_HEIGHT, ABOVE, BELOW = 0.48, 0.22, 0.21
SAME = 0.08
"""Measured sizes that differ by less are of one font size; headings and notes differ by more."""
_LOW = frozenset("acemnorsuvwxz.:…gpqyj-—=+~")
_DEEP = frozenset("gpqyj,;()[]{}|/@Q$")


def font_size(text: str, height: float) -> float:
    """The font size of a line whose ink is so high, in the same unit."""
    written = [character for character in text if not character.isspace()]
    if any(is_cjk(one) and one.isalpha() for one in written):
        return height / CHINESE
    above = any(one not in _LOW for one in written)
    below = any(one in _DEEP for one in written)
    return height / (X_HEIGHT + ABOVE * above + BELOW * below)


def alike(sizes: Sequence[tuple[float, int]]) -> list[float]:
    """The font sizes of a page from those measured, each with the number of characters that it was measured on.

    Printed pages have few sizes, and measured ones err by a few per cent. The size of most characters stands for those
    near it, then the size of most of the rest, and so on. Complexity: sizes x different sizes.
    """
    found: list[float] = []
    for size, _ in sorted(sizes, key=lambda one: (-one[1], one[0])):
        if not any(abs(size - other) <= SAME * other for other in found):
            found.append(size)
    return [min(found, key=lambda other: (abs(size - other), other)) for size, _ in sizes]
