"""The structure of a formula from its glyphs: accents, fractions, roots, limits, matrices, lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.formulas import matrices
from neo_assets.documents.formulas.atoms import Atom, Measures, Tally, around, em_of, line_em
from neo_assets.documents.formulas.lines import SCRIPT, line
from neo_assets.documents.formulas.names import named, operators

GAP = 0.62
"""Ems of white between a fraction's bar and what it divides, at most."""
INNER_GAP = 0.35
_MARKS = {"\\hat": "\\hat", "\\wedge": "\\hat", "\\tilde": "\\tilde", "\\sim": "\\tilde", "\\vec": "\\vec",
          "\\to": "\\vec", ".": "\\dot", "\\cdot": "\\dot", "\\leftarrow": "\\vec"}  # fmt: skip
_WIDE = {"\\hat": "\\widehat", "\\tilde": "\\widetilde"}
DEEPEST = 40


def parsed(atoms: Sequence[Atom], measures: Measures) -> tuple[list[str], float]:
    """Canonical-like tokens of a formula, and its score from 0 to 1. Any atoms give tokens whose groups balance."""
    if not atoms:
        return [], 0.0
    parser = _Parser(measures, Tally())
    tokens = parser.whole(list(atoms))
    return tokens, parser.tally.score()


class _Parser:
    """Reads atoms from the inside to the outside."""

    def __init__(self, measures: Measures, tally: Tally) -> None:
        self.measures = measures
        self.tally = tally
        self.depth = 0

    def whole(self, atoms: list[Atom]) -> list[str]:
        em = line_em(atoms, self.measures, None)
        atoms = self._containers(self._accented(atoms, em), em)
        return self.read(atoms, None, top=True)

    def read(self, atoms: Sequence[Atom], hint: float | None, top: bool = False) -> list[str]:
        """Tokens of atoms without bars of fractions and signs of roots."""
        if not atoms:
            return []
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                self.tally.doubts.append(0.1)
                return []
            em = line_em(atoms, self.measures, hint)
            joined = named(list(atoms), em, self.tally)
            limited = self._limited(operators(joined), em)
            found = matrices.fenced(limited, em, self._cell)
            if top and (rows := matrices.rows(found, em)):
                inner = [token for row in rows for token in ["\\\\", *self._cell(row)]][1:]
                return ["\\begin{aligned}", *inner, "\\end{aligned}"]
            return line(found, self.measures, self.tally, self._script, hint)
        finally:
            self.depth -= 1

    def _script(self, atoms: Sequence[Atom], em: float) -> list[str]:
        return self.read(atoms, em)

    def _cell(self, atoms: Sequence[Atom]) -> list[str]:
        return self.read(atoms, None)

    def _accented(self, atoms: list[Atom], em: float) -> list[Atom]:
        """Letters with the hats, arrows and dots above them."""
        left = sorted(atoms, key=lambda one: (one.x0, one.y0))
        found: list[Atom] = []
        used: set[int] = set()
        for number, atom in enumerate(left):
            if atom.root or atom.flat or atom.tokens or number in used:
                continue
            above = [
                other for other, one in enumerate(left)
                if other != number and other not in used and one.name in _MARKS and _over(one, atom, em)
            ]  # fmt: skip
            if (
                not above
                or len(above) > 2
                or atom.name in _MARKS
                or (len(above) == 2 and _MARKS[left[above[0]].name] != "\\dot")
            ):
                continue
            mark = _MARKS[left[above[0]].name]
            mark = "\\ddot" if len(above) == 2 else _WIDE.get(mark, mark) if left[above[0]].width > 0.6 * em else mark
            used |= {number, *above}
            found.append(self._marked(mark, atom, em))
        return [*(one for number, one in enumerate(left) if number not in used), *found]

    def _marked(self, mark: str, atom: Atom, em: float) -> Atom:
        """The accented atom: on the line as the letter is."""
        inner = self.read([atom], em)
        size = em_of(atom, self.measures)
        base = atom.base
        if base is None and atom.name in self.measures:
            base = atom.y1 + self.measures[atom.name][1] * em
        return Atom(atom.x0, atom.y0, atom.x1, atom.y1, (), (mark, "{", *inner, "}"), em=size, base=base)

    def _containers(self, atoms: list[Atom], em: float) -> list[Atom]:
        """Fractions, roots and overlines, the narrowest first, as atoms of their own."""
        bars = sorted((one for one in atoms if one.flat or one.root), key=lambda one: (one.width, one.x0, one.y0))
        for number, bar in enumerate(bars):
            if not any(one is bar for one in atoms):
                continue
            wider = [one for one in bars[number + 1 :] if one.x0 - 2 <= bar.x and bar.x <= one.x1 + 2]
            found = self._root(bar, atoms, em) if bar.root else self._fraction(bar, atoms, wider, em)
            if found is not None:
                used, made = found
                atoms = [one for one in atoms if one is not bar and not any(one is other for other in used)]
                atoms.append(made)
        return [one if not one.root else replace(one, bar_from=None, options=(("\\surd", -3.0),), tokens=("?",))
                for one in atoms]  # fmt: skip

    def _root(self, sign: Atom, atoms: list[Atom], em: float) -> tuple[list[Atom], Atom] | None:
        start = sign.bar_from or sign.x0
        others = [one for one in atoms if one is not sign]
        inside = [
            one for one in others
            if start - 0.12 * em <= one.x <= sign.x1 + 0.1 * em and sign.y0 <= one.y <= sign.y1 + 0.2 * em
            and one.width <= sign.x1 - start + 0.3 * em
        ]  # fmt: skip
        if not inside:
            return None
        degree = [
            one for one in others
            if sign.x0 - 0.5 * em <= one.x < start - 0.12 * em and one.y1 < sign.y1 - 0.3 * sign.height
            and sign.y0 - 0.5 * em <= one.y and one.height < 0.62 * em and one.x1 < start + 0.2 * em
        ]  # fmt: skip
        body = self.read(inside, em)
        index = ["[", *self.read(degree, 0.6 * em), "]"] if degree else []
        inner = line_em(inside, self.measures, em)
        base = _base_of(inside, self.measures, inner)
        x0, y0, x1, y1 = around([sign, *inside, *degree])
        made = Atom(x0, y0, x1, y1, (), ("\\sqrt", *index, "{", *body, "}"), em=inner, base=base)
        return [*inside, *degree], made

    def _fraction(self, bar: Atom, atoms: list[Atom], wider: list[Atom], em: float) -> tuple[list[Atom], Atom] | None:
        """What stands above and below a bar; only below: what it is drawn over; else null, a minus."""
        ceiling = max(
            (one.y0 for one in wider if one.y0 < bar.y0 - 1 and (not one.root or one.y1 > bar.y)), default=-1e9
        )
        floor = min((one.y0 for one in wider if one.y0 > bar.y1 + 1), default=1e9)
        near = [
            one for one in atoms
            if one is not bar and bar.x0 - 0.2 * em <= one.x <= bar.x1 + 0.2 * em and _within(one, bar) > 0.6
            and ceiling < one.y < floor and not any(one is other for other in wider)
        ]  # fmt: skip
        above = _grown([one for one in near if one.y < bar.y], bar, em, -1)
        below = _grown([one for one in near if one.y > bar.y], bar, em, 1)
        if above and below:
            x0, y0, x1, y1 = around([bar, *above, *below])
            sizes = [one for part in (above, below) if (one := line_em(part, self.measures, 0.0)) > 0.0]
            inner = max(sizes, default=em)
            tokens = ("\\frac", "{", *self.read(above, inner), "}", "{", *self.read(below, inner), "}")
            return [*above, *below], Atom(
                x0, y0, x1, y1, (), tokens, em=inner, base=bar.y + 0.25 * min(inner, 1.2 * em)
            )
        if below and bar.y1 + 0.4 * em > min(one.y0 for one in below):
            return self._overlined(bar, below, em)
        return None

    def _overlined(self, bar: Atom, below: list[Atom], em: float) -> tuple[list[Atom], Atom] | None:
        under = [one for one in below if one.y0 - bar.y1 < 0.4 * em]
        x0, y0, x1, y1 = around(under)
        if not 0.4 < bar.width / max(1.0, x1 - x0) < 1.9 or (len(under) == 1 and under[0].flat):
            return None
        inner = line_em(under, self.measures, em)
        mark = "\\bar" if len(under) == 1 and bar.width < 0.62 * inner else "\\overline"
        base = _base_of(under, self.measures, inner)
        made = Atom(min(x0, bar.x0), y0, max(x1, bar.x1), y1, (), (mark, "{", *self.read(under, em), "}"), inner, base)
        return under, made

    def _limited(self, atoms: list[Atom], em: float) -> list[Atom]:
        """Large signs and names of limits with what stands straight below and above them."""
        for sign in sorted((one for one in atoms if one.operator), key=lambda one: one.x0):
            others = [one for one in atoms if one is not sign]
            below = matrices.band(sign, others, em, 1)
            above = matrices.band(sign, others, em, -1) if not sign.word else []
            if not below and not above:
                continue
            tokens = list(sign.tokens) or list(self._sign(sign))
            tokens += ["_", "{", *self.read(below, SCRIPT * em), "}"] if below else []
            tokens += ["^", "{", *self.read(above, SCRIPT * em), "}"] if above else []
            made = replace(sign, options=(), tokens=tuple(tokens), operator=not sign.word)
            used = [sign, *below, *above]
            x0, _, x1, _ = around(used)
            made = replace(made, x0=min(x0, sign.x0), x1=max(sign.x1, x1))
            atoms = [*(one for one in atoms if not any(one is other for other in used)), made]
        return atoms

    def _sign(self, sign: Atom) -> Sequence[str]:
        self.tally.logarithms.append(max(-6.0, sign.options[0][1]))
        return [sign.name]


def _base_of(atoms: Sequence[Atom], measures: Measures, em: float) -> float | None:
    """The base line of atoms of one line: the lower median of what the large ones say."""
    found = sorted(
        one.base if one.base is not None else one.y1 + measures[one.name][1] * em
        for one in atoms
        if (one.base is not None and (one.em or em) > 0.85 * em)
        or (one.name in measures and one.name not in ("|", "(", ")") and one.height > 0.3 * em)
    )
    return found[len(found) // 2] if found else None


def _over(mark: Atom, atom: Atom, em: float) -> bool:
    """Whether the mark stands straight above the letter, close to it, and is smaller."""
    overlap = min(mark.x1, atom.x1) - max(mark.x0, atom.x0)
    return (
        mark.y1 <= atom.y0 + 0.08 * em and atom.y0 - mark.y1 < 0.3 * em and overlap > 0.6 * mark.width
        and mark.height < 0.36 * em and mark.width < 1.25 * atom.width + 0.1 * em and 0.25 * em < atom.height < 1.3 * em
    )  # fmt: skip


def _within(atom: Atom, bar: Atom) -> float:
    """The share of the narrower one's width that both span."""
    return (min(atom.x1, bar.x1) - max(atom.x0, bar.x0)) / max(1.0, min(atom.width, bar.width))


def _grown(atoms: list[Atom], bar: Atom, em: float, side: int) -> list[Atom]:
    """The atoms that follow each other from the bar without much white: side -1 upwards, 1 downwards."""
    edge = bar.y1 if side > 0 else bar.y0
    found: list[Atom] = []
    gap = GAP * em
    for atom in sorted(atoms, key=lambda one: one.y0 if side > 0 else -one.y1):
        white = atom.y0 - edge if side > 0 else edge - atom.y1
        if white > gap:
            break
        found.append(atom)
        edge = max(edge, atom.y1) if side > 0 else min(edge, atom.y0)
        gap = INNER_GAP * em
    return found
