"""What stands in rows: matrices and cases between tall brackets, several lines, limits above and below a sign."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from neo_assets.documents.formulas.atoms import FENCE_SIGNS, Atom, around

Reader = Callable[[Sequence[Atom]], list[str]]
TALL = 1.75
"""Ems from which on a bracket may hold rows."""
COLUMN_GAP = 0.55
_OPENING = frozenset(("(", "[", "\\{", "|", "\\lfloor", "\\lceil", "\\langle"))
_CLOSING = frozenset((")", "]", "\\}", "|", "\\rfloor", "\\rceil", "\\rangle"))


def fenced(atoms: Sequence[Atom], em: float, read: Reader) -> list[Atom]:
    """The atoms with matrices and cases as one atom each; the innermost brackets first."""
    found = sorted(atoms, key=lambda one: (one.x0, one.y0))
    at = len(found) - 1
    while at >= 0:
        opening = found[at]
        if _tall(opening, em) and opening.name in _OPENING:
            made = _between(found, at, em, read)
            if made is not None:
                used, atom = made
                found = [one for one in found if not any(one is other for other in used)]
                found.insert(min(at, len(found)), atom)
        at -= 1
    return found


def _between(atoms: Sequence[Atom], at: int, em: float, read: Reader) -> tuple[list[Atom], Atom] | None:
    opening = atoms[at]
    closing = next(
        (one for one in atoms[at + 1 :] if _tall(one, em) and one.name in _CLOSING and _level(one, opening)), None
    )
    end = closing.x0 if closing is not None else 1e9
    inside = [
        one for one in atoms[at + 1 :]
        if one is not closing and opening.x1 - 0.2 * em <= one.x < end
        and opening.y0 - 0.4 * em < one.y < opening.y1 + 0.4 * em
    ]  # fmt: skip
    lines = split_rows(inside, 0.04 * em)
    if len(lines) < 2 or any(_height(one) < 0.15 * em for one in lines):
        return None
    cells = _cells(lines, COLUMN_GAP * em if closing is not None else 0.9 * em)
    if closing is None:
        cells = [_two(row, em) for row in lines]
    body: list[str] = []
    for number, row in enumerate(cells):
        body += ["\\\\"] if number else []
        for column, cell in enumerate(row):
            body += [*(["&"] if column else []), *read(cell)]
    kind = "matrix" if closing is not None else "cases"
    tokens = [f"\\begin{{{kind}}}", *body, f"\\end{{{kind}}}"]
    if closing is not None:
        tokens = [opening.name, *tokens, closing.name]
    used = [opening, *inside, *([closing] if closing is not None else [])]
    return used, Atom(*around(used), (), tuple(tokens))


def rows(atoms: Sequence[Atom], em: float) -> list[list[Atom]]:
    """Lines of a formula that has several, each as wide as a formula is; empty for a single one."""
    found = split_rows(atoms, 0.1 * em)
    wide = all(around(one)[2] - around(one)[0] > 2.5 * em and _height(one) > 0.55 * em for one in found)
    return found if len(found) > 1 and wide else []


def split_rows(atoms: Sequence[Atom], gap: float) -> list[list[Atom]]:
    """Atoms parted where a horizontal strip of white of that height crosses all of them."""
    found: list[list[Atom]] = []
    edge = -1e9
    for atom in sorted(atoms, key=lambda one: (one.y0, one.x0)):
        if atom.y0 > edge + gap or not found:
            found.append([])
        found[-1].append(atom)
        edge = max(edge, atom.y1)
    return found


def band(sign: Atom, atoms: Sequence[Atom], em: float, side: int) -> list[Atom]:
    """What stands straight below (side 1) or above (-1) a sign, close to it: its limit."""

    def white(one: Atom) -> float:
        return one.y0 - sign.y1 if side > 0 else sign.y0 - one.y1

    close = [one for one in atoms if -0.12 * em <= white(one) <= 0.95 * em and not one.operator]
    seeds = [one for one in close if min(one.x1, sign.x1) - max(one.x0, sign.x0) > 0.35 * min(one.width, sign.width)
             and white(one) <= 0.6 * em and (one.height < 0.85 * em or one.tokens)]  # fmt: skip
    if not seeds:
        return []
    found = list(seeds)
    _, top, _, bottom = around(found)
    grown = True
    while grown:
        grown = False
        x0, _, x1, _ = around(found)
        for one in close:
            if any(one is other for other in found) or one.height > 1.0 * em:
                continue
            if one.x0 - x1 < 0.42 * em and x0 - one.x1 < 0.42 * em and top - 0.35 * em < one.y < bottom + 0.35 * em:
                found.append(one)
                grown = True
                break
    return found


def _cells(lines: Sequence[Sequence[Atom]], gap: float) -> list[list[list[Atom]]]:
    """Rows cut at vertical strips of white that cross all rows."""
    edges: list[float] = []
    right = None
    for atom in sorted((one for row in lines for one in row), key=lambda one: one.x0):
        if right is not None and atom.x0 - right > gap:
            edges.append((right + atom.x0) / 2)
        right = max(right or atom.x1, atom.x1)
    bounds = [-1e9, *edges, 1e9]
    return [
        [[one for one in row if low <= one.x < high] for low, high in itertools.pairwise(bounds)] for row in lines
    ]  # fmt: skip


def _two(row: Sequence[Atom], em: float) -> list[list[Atom]]:
    """A row of cases: the value and its condition, parted at the widest white."""
    ordered = sorted(row, key=lambda one: one.x0)
    best, at, right = 0.6 * em, 0, ordered[0].x1
    for number, atom in enumerate(ordered[1:], 1):
        if atom.x0 - right > best:
            best, at = atom.x0 - right, number
        right = max(right, atom.x1)
    return [ordered[:at], ordered[at:]] if at else [ordered]


def _tall(atom: Atom, em: float) -> bool:
    return atom.name in FENCE_SIGNS and atom.height > TALL * em


def _level(one: Atom, other: Atom) -> bool:
    return abs(one.y - other.y) < 0.25 * other.height and 0.7 < one.height / other.height < 1.4


def _height(atoms: Sequence[Atom]) -> float:
    _, top, _, bottom = around(atoms)
    return bottom - top
