"""Pictures of single glyphs to train on: as mathtext sets them in each of its families, and as pages wear them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.glyphs import FENCES, Glyph, glyphs
from neo_assets.documents.formulas.picture import Ink, square
from neo_assets.documents.formulas.rendering import FAMILIES, RenderingError, Style, typeset

EM = 64
"""Pixels of an em of the templates."""


@dataclass(frozen=True)
class Template:
    """A glyph in one family, cut to its ink."""

    number: int
    """Its class."""
    ink: Ink
    top: float
    """Ems above the base line; `bottom` too."""
    bottom: float
    width: float
    """Ems."""


def templates() -> list[Template]:
    """Every class in every family that has it, in class order."""
    found = []
    for number, glyph in enumerate(glyphs()):
        for family in FAMILIES:
            one = _template(number, glyph, family)
            if one is not None:
                found.append(one)
    return found


def _template(number: int, glyph: Glyph, family: str) -> Template | None:
    if glyph.name == "\\sqrt":
        return None
    try:
        ink = typeset(f"$\\mathrm{{H}}\\quad {glyph.source}$", Style(family, 72 * EM / 10, 10.0))
    except RenderingError:
        return None
    columns = np.flatnonzero(ink.max(0) > 60)
    gaps = np.flatnonzero(np.diff(columns) > EM * 0.4)
    if not len(gaps):
        return None
    base = int(np.flatnonzero(ink[:, : columns[gaps[0]] + 1].max(1) > 60)[-1]) + 1
    ink = ink[:, columns[gaps[0] + 1] : columns[-1] + 1]
    rows = np.flatnonzero(ink.max(1) > 60)
    cut = ink[rows[0] : rows[-1] + 1]
    return Template(number, cut, (base - rows[0]) / EM, (base - rows[-1] - 1) / EM, cut.shape[1] / EM)


def measures(found: list[Template]) -> NDArray[np.float32]:
    """(classes, 3): mean top, bottom and width in ems over the families; zeros for a class nobody has."""
    table = np.zeros((len(glyphs()), 3), np.float32)
    for number in range(len(glyphs())):
        mine = [(one.top, one.bottom, one.width) for one in found if one.number == number]
        if mine:
            table[number] = np.mean(mine, axis=0)
    return table


def sample(template: Template, rng: Random) -> Ink | None:
    """The template as a page might show it, as the classifier sees it; null where nothing is left."""
    import cv2

    name = glyphs()[template.number].name
    em = rng.choice((rng.uniform(11, 22), rng.uniform(14, 34)))
    scale = em / EM
    across, down = scale * rng.uniform(0.9, 1.1), scale * rng.uniform(0.92, 1.08)
    if name in FENCES and rng.random() < 0.6:
        down *= rng.uniform(1.0, 4.5)
        across *= rng.uniform(1.0, 1.6)
    if name in ("-", "\\tilde", "\\hat", "\\to", "\\vec") and rng.random() < 0.4:
        across *= rng.uniform(0.5, 2.5)
    ink: Any = template.ink.astype(np.float32)
    if rng.random() < 0.5:
        size = rng.randrange(2, 6)
        kernel = np.ones((size, size), np.uint8)
        thin = rng.random() < 0.35 and min(ink.shape) > 12
        ink = cv2.erode(ink, kernel[:3, :3]) if thin else cv2.dilate(np.pad(ink, 6), kernel)
    height, width = ink.shape
    shear, turn = rng.gauss(0, 0.05), rng.gauss(0, 0.015)
    room = 6
    matrix: Any = np.array([[across, shear * scale, 0], [turn * scale, down, 0]], np.float32)
    corners = matrix[:, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]], np.float32)
    low = corners.min(axis=1)
    matrix[:, 2] = room - low + np.array([rng.random(), rng.random()])
    extent = [int(one) + 2 * room + 1 for one in corners.max(axis=1) - low]
    if scale < 1:
        ink = cv2.GaussianBlur(ink, (0, 0), 0.38 / min(across, down, 1.0))
    page: Any = cv2.warpAffine(ink, matrix, extent, flags=cv2.INTER_LINEAR)
    if rng.random() < 0.6:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 0.05 * em + 0.15))
    page *= 255 / max(40.0, float(page.max()))
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(0, 14), page.shape)
    page = np.clip(page + noise, 0, 255)
    mask = page > rng.uniform(75, 115)
    if not mask.any():
        return None
    count, marks, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = [one for one in range(1, count) if stats[one][4] >= 0.06 * mask.sum()]
    mask = np.isin(marks, kept)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return square(page.astype(np.uint8)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
