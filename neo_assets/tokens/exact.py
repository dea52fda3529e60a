"""Numbers of the recipe as they are written there: 2.3 is 23/10, not the nearest binary number."""

from __future__ import annotations

from fractions import Fraction


def exact(number: float) -> Fraction:
    """The shortest decimal number that reads as this one. Whole parts of its products are the same everywhere."""
    return Fraction(repr(number))
