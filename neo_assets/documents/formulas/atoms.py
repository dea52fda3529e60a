"""The pieces of a formula that its parser puts together: boxes with what they may be, or with what they are already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from neo_assets.documents.formulas.glyphs import FENCES, THIN
from neo_assets.documents.formulas.tokens import LARGE

LARGE_SIGNS = frozenset(LARGE)
FENCE_SIGNS = frozenset(FENCES)
Measures = Mapping[str, tuple[float, float, float]]
"""Top and bottom above the base line, and width, of a glyph in ems."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A glyph, or several that are understood already; a box in pixels, downwards."""

    x0: float
    y0: float
    x1: float
    y1: float
    options: tuple[tuple[str, float], ...] = ()
    """Names of glyphs with the logarithms of their probabilities, the likeliest first."""
    tokens: tuple[str, ...] = ()
    """LaTeX of several glyphs that are understood."""
    em: float | None = None
    base: float | None = None
    bar_from: float | None = None
    """Of a root's sign: where its bar begins."""
    operator: bool = False
    """Takes limits below and above."""
    word: bool = False
    """A function's name: an exponent may follow, an argument does."""

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def x(self) -> float:
        """The middle across."""
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        """The middle down."""
        return (self.y0 + self.y1) / 2

    @property
    def name(self) -> str:
        """The likeliest glyph; empty for what is no single glyph."""
        return self.options[0][0] if self.options else ""

    @property
    def root(self) -> bool:
        return self.bar_from is not None

    @property
    def flat(self) -> bool:
        """Whether it may be a fraction's bar, a minus, or a bar above."""
        return not self.tokens and not self.root and self.width > 2.2 * self.height and self.name == "-"


_CASES = frozenset("cCoOsSvVwWxXzZuUpPkKyYmMjJtTiI0")


def around(atoms: Iterable[Atom]) -> tuple[float, float, float, float]:
    """The box around atoms, of which there is one at least."""
    found = list(atoms)
    return (
        min(one.x0 for one in found), min(one.y0 for one in found),
        max(one.x1 for one in found), max(one.y1 for one in found),
    )  # fmt: skip


def em_of(atom: Atom, measures: Measures) -> float | None:
    """How large an em is, by this glyph alone; null where it does not say."""
    if atom.em is not None or not atom.options:
        return atom.em
    name, chance = atom.options[0]
    if chance < -0.7 or name in THIN or name in FENCE_SIGNS or name in LARGE_SIGNS or name not in measures:
        return None
    if len(atom.options) > 1 and atom.options[1][1] > -3.0 and name[-1] in _CASES:
        other = atom.options[1][0]
        if other[-1].lower() == name[-1].lower() and other != name:
            return None
    top, bottom, width = measures[name]
    return atom.width / width if width > 2 * (top - bottom) else atom.height / (top - bottom)


def line_em(atoms: Sequence[Atom], measures: Measures, hint: float | None) -> float:
    """How large an em of the largest letters is; the hint where they do not say."""
    found = sorted(filter(None, (em_of(one, measures) for one in atoms if not one.tokens)), reverse=True)
    if not found:
        found = sorted((one.em for one in atoms if one.em), reverse=True)
    if not found:
        if hint is not None:
            return hint
        return max(8.0, max((one.height for one in atoms), default=8.0) * 1.3)
    top = found[min(len(found) - 1, len(found) // 8)]
    near = [one for one in found if 0.85 * top <= one <= 1.25 * top]
    return near[len(near) // 2]


@dataclass
class Tally:
    """How sure the reading of a formula is so far."""

    logarithms: list[float] = field(default_factory=list)
    doubts: list[float] = field(default_factory=list)
    """Factors of the score for what does not fit."""

    def score(self) -> float:
        """0 to 1: the geometric mean of the glyphs' probabilities, lowered by the worst of them and by doubts."""
        from math import exp, prod

        if not self.logarithms:
            return 0.0
        mean = exp(sum(self.logarithms) / len(self.logarithms))
        worst = exp(min(self.logarithms))
        return mean * (0.75 + 0.25 * worst) * prod(self.doubts)
