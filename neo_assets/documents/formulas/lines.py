"""One line of a formula: which glyphs stand on it, which are exponents and indices, and what it is as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp, log

from neo_assets.documents.formulas.atoms import FENCE_SIGNS, LARGE_SIGNS, Atom, Measures, Tally, line_em
from neo_assets.documents.formulas.glyphs import glyphs
from neo_assets.documents.formulas.tokens import LETTERS

AXIS = 0.26
"""Ems from the base line to the middle of fractions and large signs."""
SCRIPT = 0.76
"""Usual size of exponents and indices; 0.7 to 0.8."""
SPREAD = 0.11
"""Ems that glyphs of other fonts usually differ."""
LEAST = 0.05
_RARE = {
    "\\nu": -1.0,
    "\\iota": -1.5,
    "\\Pi": -0.5,
    "\\Sigma": -0.3,
    "\\chi": -0.5,
    "\\upsilon": -1.0,
    "\\rangle": -0.7,
}
"""Logarithms by which signs are rarer than others that look like them."""
_DOUBLE: dict[tuple[str, ...], str] = {("\\int", "\\int"): "\\iint", ("|", "|"): "\\|"}
_ROMAN = frozenset("dei")
_TOKENS = {one.name: one.tokens for one in glyphs()}

Recursive = Callable[[Sequence[Atom], float], list[str]]


@dataclass
class _Place:
    """What stands at one place of the base line, with what hangs on it."""

    tokens: list[str]
    letter: str = ""
    """Of an upright letter that may be part of a word."""
    below: list[Atom] = field(default_factory=list)
    above: list[Atom] = field(default_factory=list)
    gap: float = 9.0
    """Ems of white before it."""


def line(atoms: Sequence[Atom], measures: Measures, tally: Tally, again: Recursive, hint: float | None) -> list[str]:
    """LaTeX of one line: tokens. `again` reads exponents and indices. Linear in the atoms."""
    ordered = sorted(atoms, key=lambda one: (one.x0, one.y0))
    em = line_em(ordered, measures, hint)
    base = _first_base(ordered, measures, em)
    places: list[_Place] = []
    right = None
    for number, atom in enumerate(ordered):
        level, name, chance, fault = _level(atom, measures, em, base, number == 0 or not places)
        if level == 0:
            if atom.options:
                tally.logarithms.append(max(chance, -6.0))
            gap = (atom.x0 - right) / em if right is not None else 9.0
            places.append(_place(atom, name, gap))
            right = atom.x1
            base += 0.35 * _drift(atom, name, measures, em, base)
            if fault > 6:
                tally.doubts.append(0.93)
        else:
            (places[-1].above if level > 0 else places[-1].below).append(atom)
            right = max(right or atom.x1, atom.x1)
    found: list[str] = []
    for place in places:
        found += place.tokens
        if place.below:
            found += ["_", "{", *again(place.below, em * SCRIPT), "}"]
        if place.above:
            found += ["^", "{", *again(place.above, em * SCRIPT), "}"]
    return _words(found)


def _place(atom: Atom, name: str, gap: float) -> _Place:
    tokens = list(atom.tokens) or list(_TOKENS.get(name, ("?",)))
    return _Place(tokens, gap=gap)


def _first_base(atoms: Sequence[Atom], measures: Measures, em: float) -> float:
    """The base line at the left: of the first large letters."""
    found: list[float] = []
    for atom in atoms:
        if atom.base is not None and (atom.em is None or atom.em > 0.88 * em):
            found.append(atom.base)
        elif atom.options and atom.name in measures and atom.name not in LARGE_SIGNS | FENCE_SIGNS:
            top, bottom, width = measures[atom.name]
            if abs(_size(atom, top, bottom, width) / em - 1) < 0.13:
                found.append(atom.y1 + bottom * em)
        elif atom.tokens and atom.base is None:
            found.append(atom.y + AXIS * em)
    if found:
        some = sorted(found[:5])
        return some[len(some) // 2] if len(some) != 2 else found[0]
    large = next((one for one in atoms if one.height > 0.6 * em), atoms[0])
    return large.y + AXIS * em


def _size(atom: Atom, top: float, bottom: float, width: float) -> float:
    """How large the em is if the atom is this glyph."""
    return atom.width / width if width > 2 * (top - bottom) else atom.height / (top - bottom)


def _level(atom: Atom, measures: Measures, em: float, base: float, first: bool) -> tuple[int, str, float, float]:
    """0 on the line, 1 above, -1 below; the glyph, the logarithm of its probability there, and how ill it fits."""
    scores: dict[int, list[tuple[float, str, float]]] = {0: [], 1: [], -1: []}
    for name, chance in atom.options or (("", 0.0),):
        chance += _RARE.get(name, 0.0)
        scores[0].append((chance - (fault := _on_line(atom, name, measures, em, base)), name, fault))
        for level in (1, -1):
            fault = _off_line(atom, name, measures, em, base, level)
            scores[level].append((chance - fault, name, fault))
    level = 0 if first else max(scores, key=lambda one: max(scores[one])[0] - (0.0 if one == 0 else 0.8))
    best, name, fault = max(scores[level])
    total = sum(exp(one - best) for one, _, _ in scores[level])
    rank = dict(atom.options).get(name, 0.0)
    return level, name, min(0.0, -log(total) + min(0.0, 0.3 * (rank - _top(atom)))), fault


def _top(atom: Atom) -> float:
    return atom.options[0][1] if atom.options else 0.0


def _on_line(atom: Atom, name: str, measures: Measures, em: float, base: float) -> float:
    axis = base - AXIS * em
    if atom.operator or name in LARGE_SIGNS:
        return (8.0 if name == "\\sum" and atom.height < 0.9 * em else 0.0) + _square(atom.y - axis, 0.4 * em)
    if name in FENCE_SIGNS and atom.height > 1.25 * em:
        return _square(atom.y - axis, 0.35 * em)
    if atom.tokens or not name:
        if atom.base is None:
            return _square(atom.y - axis, 0.3 * em) + _ratio(atom.em, em)
        return _square(atom.base - base, 0.16 * em) + _ratio(atom.em, em)
    if atom.em is not None and atom.base is not None:
        return _square(atom.base - base, 0.07 * em) + _square(log(atom.em / em), 0.06)
    top, bottom, width = measures[name]
    if width > 2 * (top - bottom):
        middle = base - (top + bottom) / 2 * em
        return _square(atom.y - middle, SPREAD * em) + 0.5 * _square(log(max(1.0, atom.width) / (width * em)), 0.3)
    high, low = (base - atom.y0) / em - top, (base - atom.y1) / em - bottom
    return _square(high, SPREAD) + _square(low, SPREAD)


def _off_line(atom: Atom, name: str, measures: Measures, em: float, base: float, level: int) -> float:
    small = em * SCRIPT
    if atom.operator or name in LARGE_SIGNS or (name in FENCE_SIGNS and atom.height > 1.25 * em):
        return 9.0
    if atom.base is not None and atom.em is not None:
        return _outside((base - atom.base) / em, level) + _ratio(atom.em, small)
    if atom.tokens or not name:
        middle = (base - atom.y) / em - AXIS * SCRIPT
        return _outside(middle, level) + _ratio(atom.em, small)
    top, bottom, width = measures[name]
    size = _size(atom, top, bottom, width)
    rise = (base - (atom.y + (top + bottom) / 2 * small)) / em
    return _outside(rise, level) + 0.5 * _square(log(max(0.05, size / small)), 0.17)


def _outside(rise: float, level: int) -> float:
    """How far the base line of a script is from where it may be; in ems above that of the line."""
    low, high = (0.22, 1.2) if level > 0 else (-0.75, -0.1)
    return _square(max(low - rise, rise - high, 0.0), 0.06)


def _ratio(em: float | None, wanted: float) -> float:
    return 0.5 * _square(log(em / wanted), 0.16) if em else 0.0


def _square(value: float, spread: float) -> float:
    return min(12.0, (value / spread) ** 2 / 2)


def _drift(atom: Atom, name: str, measures: Measures, em: float, base: float) -> float:
    if name not in measures or name in LARGE_SIGNS | FENCE_SIGNS:
        return 0.0
    top, bottom, _ = measures[name]
    found = atom.base if atom.base is not None else atom.y + (top + bottom) / 2 * em
    return max(-0.06 * em, min(0.06 * em, found - base))


def _words(tokens: list[str]) -> list[str]:
    """Upright letters that follow each other as one word; single ones but d, e, i as usual letters; dots as dots."""
    found: list[str] = []
    at = 0
    while at < len(tokens):
        word = ""
        while (
            tokens[at : at + 2] == ["\\mathrm", "{"] and tokens[at + 3 : at + 4] == ["}"] and tokens[at + 2] in LETTERS
        ):
            word, at = word + tokens[at + 2], at + 4
        if word:
            found += ["\\mathrm", "{", *word, "}"] if len(word) > 1 or word in _ROMAN else [word]
            continue
        for sign, dots in ((".", "\\ldots"), ("\\cdot", "\\cdots")):
            if tokens[at : at + 3] == [sign] * 3:
                found.append(dots)
                at += 3
                break
        else:
            double = _DOUBLE.get(tuple(tokens[at : at + 2]))
            found.append(double or tokens[at])
            at += 2 if double else 1
    return found
