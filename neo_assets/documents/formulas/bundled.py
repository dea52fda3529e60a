"""The reader of our own: glyphs by the text layer or by a small classifier, put together by their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from neo_assets.documents.formulas.atoms import Atom, Measures
from neo_assets.documents.formulas.classifier import Classifier, classifier
from neo_assets.documents.formulas.cuts import prepared
from neo_assets.documents.formulas.fences import joined
from neo_assets.documents.formulas.glyphs import glyphs
from neo_assets.documents.formulas.picture import ink_of
from neo_assets.documents.formulas.pieces import MOST_PIECES, pieces
from neo_assets.documents.formulas.printed import from_layer
from neo_assets.documents.formulas.segments import recognised
from neo_assets.documents.formulas.structure import parsed
from neo_assets.documents.formulas.tokens import canonical
from neo_assets.documents.model import Line

GAP_LETTERS = 2.6
"""White before the last glyphs of a line, in heights of letters, that sets its number apart."""
_NUMBER = re.compile(r"\([0-9A-Za-z.]{1,6}\)")


def read(crop: NDArray[Any], runs: Sequence[Line] | None = None) -> tuple[str, float] | None:
    """LaTeX and confidence of a crop; null for an empty one, or one that is no formula.

    A number at the right is left out: it stands in the lines of the element.

    Args:
        runs: characters of the page's text layer, boxes and sizes in the crop's pixels.

    Raises:
        WeightsError: the bundled weights are missing or damaged.
    """
    model = classifier()
    measures = usual(model)
    atoms = _atoms(crop, runs or (), model, measures)
    if not atoms:
        return None
    body, number = _parted(atoms)
    if number and not _is_number(number, measures):
        body = atoms
    tokens, score = parsed(body, measures)
    return joined(canonical(" ".join(tokens))), score


def _is_number(atoms: Sequence[Atom], measures: Measures) -> bool:
    """Whether what stands apart is a number: as it is read, or by its brackets alone."""
    brackets = "(" in dict(atoms[0].options) or ")" in dict(atoms[-1].options)
    return (len(atoms) > 1 and brackets) or bool(_NUMBER.fullmatch("".join(parsed(atoms, measures)[0])))


def usual(model: Classifier) -> Measures:
    """The measures of glyphs by name."""
    return {
        one.name: (float(row[0]), float(row[1]), float(row[2]))
        for one, row in zip(glyphs(), model.measures, strict=True)
        if row[2] > 0
    }


def _atoms(crop: NDArray[Any], runs: Sequence[Line], model: Classifier, measures: Measures) -> list[Atom]:
    found = pieces(ink_of(crop))
    if not found or len(found) > MOST_PIECES:
        return []
    characters = [one for one in runs if one.size > 0 and one.text]
    _, known = from_layer(characters, found, measures)
    found = prepared(found, model, known)
    layered, taken = from_layer(characters, found, measures)
    rest = [one for number, one in enumerate(found) if number not in taken]
    atoms = recognised(rest, model, context=[one for number, one in enumerate(found) if number in taken])
    return sorted([*(one for one, _ in layered), *atoms], key=lambda one: (one.x0, one.y0))


def _parted(atoms: Sequence[Atom]) -> tuple[list[Atom], list[Atom]]:
    """The formula and what stands apart at its right, if it is small enough to be a number."""
    heights = sorted(one.height for one in atoms if one.height >= 4 and one.width < 5 * one.height)
    letter = heights[len(heights) // 2] if heights else 0.0
    ordered = sorted(atoms, key=lambda one: one.x0)
    right, cut = ordered[0].x1, 0
    for number, atom in enumerate(ordered[1:], 1):
        if atom.x0 - right >= GAP_LETTERS * letter:
            cut = number
        right = max(right, atom.x1)
    tail = ordered[cut:]
    wide = tail[-1].x1 - tail[0].x0 > 6 * letter
    return (ordered, []) if not cut or wide or len(tail) > 8 else (ordered[:cut], tail)
