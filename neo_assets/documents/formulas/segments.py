"""Glyphs of a formula's picture: pieces of ink, joined where one glyph has several, with what they may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.atoms import Atom
from neo_assets.documents.formulas.classifier import Classifier
from neo_assets.documents.formulas.cuts import parted
from neo_assets.documents.formulas.glyphs import PARTED, glyphs
from neo_assets.documents.formulas.picture import square
from neo_assets.documents.formulas.pieces import Piece, bar_of_root, solid, union

OPTIONS = 6
DOTTED = -9.0
"""Log probability from which on a dot and a stem are one of them: their places say enough."""
SURE = -0.6
"""Logarithm of the probability that joins pieces."""


def recognised(found: Sequence[Piece], model: Classifier, context: Sequence[Piece] = ()) -> list[Atom]:
    """The glyphs that pieces make, with what they may be. `context` are further pieces, for the contents of roots."""
    bars = {number: start for number, one in enumerate(found) if (start := bar_of_root(one, [*found, *context]))}
    groups = [[number] for number in range(len(found)) if number not in bars]
    stacks = [one for one in _stacks(found) if not bars.keys() & set(one)]
    unions = [union([found[number] for number in one]) for one in stacks]
    scores = model.logarithms([square(one.ink) for one in [*(found[one[0]] for one in groups), *unions]])
    names = [one.name for one in glyphs()]
    chosen: list[tuple[Piece, NDArray[np.float32]]] = []
    taken: set[int] = set()
    ranked = sorted(range(len(stacks)), key=lambda at: (-len(stacks[at]), -float(scores[len(groups) + at].max())))
    for at in ranked:
        row = scores[len(groups) + at]
        best = names[int(row.argmax())]
        if (sign := _of_bars(found, stacks[at])) and not taken & set(stacks[at]):
            best, row = sign, _certain(names, sign)
        elif (dotted := _dotted(found, stacks[at], row, names)) is not None:
            best, row = names[int(dotted.argmax())], dotted
        if best in PARTED and row.max() > SURE and not taken & set(stacks[at]) and _alike(best, found, stacks[at]):
            taken |= set(stacks[at])
            chosen.append((unions[at], row))
    alone = [(found[one[0]], scores[at]) for at, one in enumerate(groups) if one[0] not in taken]
    chosen += [(one, _certain(names, "-") if solid(one) else row) for one, row in parted(alone, model)]
    atoms = [_atom(piece, row, names) for piece, row in chosen]
    atoms += [
        Atom(one.x0, one.y0, one.x1, one.y1, bar_from=start)
        for one, start in ((found[number], start) for number, start in bars.items())
    ]
    return sorted(atoms, key=lambda one: (one.x0, one.y0))


def _atom(piece: Piece, row: NDArray[np.float32], names: Sequence[str]) -> Atom:
    best = np.argsort(-row, kind="stable")[:OPTIONS]
    chances = {names[int(one)]: float(np.exp(row[one])) for one in best}
    for name in list(chances):
        twin = _twin(name)
        if twin != name and twin in names and chances[name] > 0.02:
            own, other = float(np.exp(row[names.index(name)])), float(np.exp(row[names.index(twin)]))
            chances[name], chances[twin] = 0.4 * own + 0.3 * (own + other), 0.4 * other + 0.3 * (own + other)
    ranked = sorted(chances.items(), key=lambda one: -one[1])
    options = tuple((name, float(np.log(max(chance, 1e-9)))) for name, chance in ranked)
    return Atom(piece.x0, piece.y0, piece.x1, piece.y1, options)


def _twin(name: str) -> str:
    """The glyph of the same shape in another size or at another height; itself where there is none."""
    last = name.rpartition(" ")[2]
    if len(last) == 1 and last in "cCoOsSvVwWxXzZ" and not name.startswith("cal"):
        return name[:-1] + last.swapcase()
    pairs = {"\\sum": "\\Sigma", "\\prod": "\\Pi", ".": "\\cdot", ",": "\\prime"}
    return {**pairs, **{value: key for key, value in pairs.items()}}.get(name, name)


def _certain(names: Sequence[str], name: str) -> NDArray[np.float32]:
    row = np.full(len(names), -12.0, np.float32)
    row[names.index(name)] = -0.01
    return row


def _dotted(
    found: Sequence[Piece], stack: Sequence[int], row: NDArray[np.float32], names: Sequence[str]
) -> NDArray[np.float32] | None:
    """The scores of a stem with its dot, among i and j alone, if the classifier thinks that possible at all."""
    upper, lower = found[stack[0]], found[stack[-1]]
    slim = lower.width < 0.75 * lower.height and max(upper.width, upper.height) <= 0.45 * lower.height
    if len(stack) != 2 or not slim:
        return None
    mine = np.array([name.rpartition(" ")[2] in ("i", "j") for name in names])
    total = float(np.logaddexp.reduce(row[mine]))
    return np.where(mine, row - total - 0.1, -12.0).astype(np.float32) if total > DOTTED else None


def _of_bars(found: Sequence[Piece], stack: Sequence[int]) -> str:
    """The sign that bars of one length make above each other."""
    some = [found[number] for number in stack]
    if len(some) == 3 and all(solid(one) for one in some) and some[1].width < 0.86 * some[0].width:
        return "\\Xi" if some[2].width > 0.9 * some[0].width else ""
    if not all(solid(one) for one in some) or min(one.width for one in some) < 0.8 * max(one.width for one in some):
        return ""
    return ("=" if len(some) == 2 else "\\equiv") if some[-1].y1 - some[0].y0 < 1.1 * some[0].width else ""


def _stacks(found: Sequence[Piece]) -> list[list[int]]:
    """Pieces above each other, close enough to be one glyph: pairs and triples."""
    heights = sorted(one.height for one in found)
    letter = heights[(2 * len(heights)) // 3] if heights else 0
    pairs = [
        [a, b]
        for a in range(len(found))
        for b in range(len(found))
        if a != b and _above(found[a], found[b], letter)
    ]  # fmt: skip
    triples = [[*one, other[1]] for one in pairs for other in pairs if one[1] == other[0]]
    return [*pairs, *triples][: 4 * len(found)]


def _above(upper: Piece, lower: Piece, letter: int) -> bool:
    if (upper.y0 + upper.y1, upper.y0) >= (lower.y0 + lower.y1, lower.y0):
        return False
    overlap = min(upper.x1, lower.x1) - max(upper.x0, lower.x0)
    if max(upper.width, upper.height) <= 0.45 * lower.height:  # the dot of a slanted letter stands to the right
        middle = (upper.x0 + upper.x1) / 2
        overlap = min(upper.width, lower.width) if lower.x0 - 1 <= middle <= lower.x1 + 0.25 * lower.height else 0
    high, wide = max(upper.y1, lower.y1) - min(upper.y0, lower.y0), max(upper.width, lower.width)
    tall = max(letter, 8)
    return (
        overlap >= 0.5 * min(upper.width, lower.width)
        and high <= 2.2 * tall and wide <= 3.2 * tall
        and lower.y0 - upper.y1 <= 0.8 * max(letter, 6)
    )  # fmt: skip


def _alike(name: str, found: Sequence[Piece], stack: Sequence[int]) -> bool:
    """Bars of an equals sign are equally long; the dot of an i is small."""
    widths = [found[number].width for number in stack]
    if name in ("=", "\\equiv"):
        return min(widths) > 0.75 * max(widths) and max(found[one].height for one in stack) < 0.5 * max(widths)
    if name in (":", ";"):
        return max(widths) <= 2 * min(widths)
    if name.rpartition(" ")[2] in ("i", "j"):
        return found[stack[0]].width <= 1.9 * found[stack[0]].height + 1
    return True
