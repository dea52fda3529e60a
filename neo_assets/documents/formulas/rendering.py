"""Pictures of formulas by Matplotlib's mathtext, with matrices, cases and aligned lines set around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.fences import joined, pairs, stretched
from neo_assets.documents.formulas.tokens import LARGE, LIMITS

Picture = NDArray[np.uint8]
"""Ink on nothing: 0 is paper, 255 is black."""

FAMILIES = ("cm", "stix", "dejavuserif", "stixsans", "dejavusans")
_PROTRUDING = frozenset((*LARGE, *LIMITS, "\\frac", "\\dfrac"))
"""What mathtext cuts off on the left when it stands first and its limits are wide."""
_ENVIRONMENTS = ("\\begin{matrix}", "\\begin{cases}", "\\begin{aligned}")


class RenderingError(ValueError):
    """A formula that cannot be rendered."""


@dataclass(frozen=True)
class Style:
    """How a formula is set."""

    family: str = "cm"
    dpi: float = 200.0
    size: float = 10.0
    """Points."""
    display: bool = True
    """Outer fractions in full size."""
    stretch: bool = True
    """Brackets grow with what they enclose."""


@dataclass(frozen=True)
class _Piece:
    ink: Picture
    depth: int
    """Rows below the base line."""


def style(rng: Random) -> Style:
    """A style as books, papers and slides have them."""
    family = rng.choices(FAMILIES, (5, 3, 1, 0.7, 0.7))[0]
    return Style(family, rng.uniform(110, 230), 10.0, rng.random() < 0.85, rng.random() < 0.9)


def render(tokens: Sequence[str], style: Style) -> Picture:
    """The picture of canonical tokens, cut to its ink.

    Raises:
        RenderingError: mathtext cannot set them, or nothing is seen.
    """
    ink = _render(list(tokens), style, style.display).ink
    rows, columns = np.flatnonzero(ink.max(1) > 60), np.flatnonzero(ink.max(0) > 60)
    if not len(rows):
        raise RenderingError("the formula has no ink")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def source(tokens: Sequence[str], display: bool, stretch: bool) -> str:
    """The tokens as mathtext reads them."""
    found: list[str] = []
    stack: list[bool] = []
    small = not display
    previous = ""
    for token in stretched(tokens) if stretch else tokens:
        if token == "{":  # noqa: S105 - a brace
            stack.append(small)
            small = small or previous not in ("\\mathrm",)
        elif token == "}":  # noqa: S105 - a brace
            small = stack.pop() if stack else small
        found.append({"\\frac": "\\dfrac"}.get(token, token) if not small else token)
        previous = token
    room = "\\quad" if found and found[0] in _PROTRUDING else ""
    return f"${joined([room, *found] if room else found)}$"


def typeset(text: str, style: Style) -> Picture:
    """The picture of mathtext's own source with its `$`.

    Raises:
        RenderingError: mathtext cannot set it.
    """
    return _mathtext(text, style).ink


def _render(tokens: list[str], style: Style, display: bool) -> _Piece:
    begin = next((at for at, token in enumerate(tokens) if token in _ENVIRONMENTS), None)
    if begin is None:
        return _mathtext(source(tokens, display, style.stretch), style)
    if tokens[:begin].count("{") != tokens[:begin].count("}"):
        raise RenderingError("an environment inside a group")
    end = tokens.index(tokens[begin].replace("begin", "end"), begin)
    middle = _environment(tokens[begin], tokens[begin + 1 : end], style)
    before, after = tokens[:begin], tokens[end + 1 :]
    if (begin - 1, end + 1) in pairs(tokens):
        middle = _beside(_fence(tokens[begin - 1], middle, style), middle, _fence(tokens[end + 1], middle, style))
        before, after = before[:-1], after[1:]
    pieces = [_render(before, style, display)] if before else []
    pieces.append(middle)
    if after:
        piece = _render(after, style, display)
        if after[0] in ("^", "_"):
            up = (
                len(middle.ink) - middle.depth - _em(style) // 2 if after[0] == "^" else -middle.depth + _em(style) // 3
            )
            piece = _Piece(piece.ink, piece.depth - up)
        pieces.append(piece)
    return _beside(*pieces)


def _environment(name: str, body: list[str], style: Style) -> _Piece:
    rows = [_cut(row, "&") for row in _cut(body, "\\\\")]
    pieces = [
        [_render(cell, style, "aligned" in name and style.display) if cell else _blank() for cell in row]
        for row in rows
    ]
    em = _em(style)
    gap = 0 if "aligned" in name else em
    widths = [
        max(row[column].ink.shape[1] if column < len(row) else 0 for row in pieces)
        for column in range(max(map(len, pieces)))
    ]
    lines = []
    for row in pieces:
        padded = []
        for piece, width in zip(row, widths, strict=False):
            left = 0 if "matrix" not in name else (width - piece.ink.shape[1]) // 2
            right = width - piece.ink.shape[1] - left
            padded.append(_Piece(np.pad(piece.ink, ((0, 0), (left, right + gap))), piece.depth))
        lines.append(_beside(*padded, gap=0))
    width = max(line.ink.shape[1] for line in lines)
    least = int(em * (0.9 if "aligned" not in name else 0.5))
    stacked: list[Picture] = []
    for line in lines:
        ink = np.pad(line.ink, ((0, 0), (0, width - line.ink.shape[1])))
        up, down = max(0, int(0.75 * em) - (len(ink) - line.depth)), max(0, int(0.25 * em) - line.depth)
        stacked += [np.pad(ink, ((up, down), (0, 0))), np.zeros((least // 2, width), np.uint8)]
    ink = np.concatenate(stacked[:-1])
    ink = ink[:, : max(1, width - gap)]
    found = _Piece(ink, len(ink) // 2 - em // 4)
    return _beside(_fence("\\{", found, style), found) if "cases" in name else found


def _fence(token: str, around: _Piece, style: Style) -> _Piece:
    """A bracket as high as what it encloses."""
    import cv2

    glyph = _trimmed(_mathtext(f"${token}$", Style(style.family, style.dpi * 1.6, style.size)).ink)
    height = len(around.ink) + _em(style) // 4
    width = max(2, round(glyph.shape[1] * (1.0 if "|" in token else 0.95)))
    ink = cv2.resize(glyph, (width, height), interpolation=cv2.INTER_AREA if height < len(glyph) else cv2.INTER_LINEAR)
    return _Piece(ink.astype(np.uint8), around.depth + _em(style) // 8)


def _beside(*pieces: _Piece, gap: int = 3) -> _Piece:
    """Pieces in a row, on one base line."""
    depth = max(piece.depth for piece in pieces)
    height = max(len(piece.ink) - piece.depth for piece in pieces)
    parts = []
    for piece in pieces:
        up, down = height - (len(piece.ink) - piece.depth), depth - piece.depth
        parts += [np.pad(piece.ink, ((up, down), (0, 0))), np.zeros((height + depth, gap), np.uint8)]
    return _Piece(np.concatenate(parts[: -1 if gap else None], axis=1), depth)


def _em(style: Style) -> int:
    return round(style.size * style.dpi / 72)


def _blank() -> _Piece:
    return _Piece(np.zeros((1, 1), np.uint8), 0)


def _trimmed(ink: Picture) -> Picture:
    rows, columns = np.flatnonzero(ink.max(1) > 60), np.flatnonzero(ink.max(0) > 60)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink


def _cut(tokens: list[str], separator: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")  # noqa: S105 - braces
        if token == separator and not depth:
            found.append([])
        else:
            found[-1].append(token)
    return found


@lru_cache(maxsize=1)
def _parser() -> Any:
    from matplotlib.mathtext import MathTextParser

    return MathTextParser("agg")


def _mathtext(text: str, style: Style) -> _Piece:
    from matplotlib.font_manager import FontProperties

    try:
        found = _parser().parse(text, dpi=style.dpi, prop=FontProperties(math_fontfamily=style.family, size=style.size))
    except (ValueError, RuntimeError) as fault:
        raise RenderingError(f"mathtext cannot set {text!r}") from fault
    ink = np.asarray(found.image, dtype=np.uint8)
    return _Piece(ink, min(max(0, round(found.depth)), len(ink)))
