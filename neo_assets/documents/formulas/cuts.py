"""Pieces of ink cut where glyphs touch: long bars, accents, letters beside each other."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.classifier import Classifier
from neo_assets.documents.formulas.glyphs import ACCENT_MARKS, glyphs
from neo_assets.documents.formulas.picture import Ink, square
from neo_assets.documents.formulas.pieces import DARK, Piece, bar_of_root, certainty, solid, union
from neo_assets.documents.formulas.tokens import GREEK

UNSURE = -0.45
"""Logarithm of the probability below which a piece may be cut."""


def prepared(found: Sequence[Piece], model: Classifier, known: Set[int] = frozenset()) -> list[Piece]:
    """The pieces with bars cut off what touches them, and roots' bars joined to their signs.

    `known` are the numbers of pieces of which the text layer says what they are: they stay whole.
    """
    scores = model.logarithms([square(one.ink) for one in found])
    names = [one.name for one in glyphs()]
    heights = sorted(one.height for one in found if not solid(one))
    letter = heights[len(heights) // 2] if heights else 8
    cut: list[Piece] = []
    for number, (piece, row) in enumerate(zip(found, scores, strict=True)):
        top = names[int(row.argmax())]
        odd = piece.width > 1.8 * letter and "arrow" not in top.lower() and top not in _WIDE
        unsure = (certainty(row, names) < UNSURE or odd) and piece.width >= 12 and not solid(piece)
        unsure = unsure and top not in _LARGE_OR_LIKE and number not in known
        start = bar_of_root(piece, found) if unsure else None
        whole = not unsure or (start is not None and start - piece.x0 <= 0.85 * piece.height)
        cut += [piece] if whole else _without_bar(piece, 1.45 * letter)
    return sorted(_with_bars_of_roots(cut), key=lambda one: (one.x0, one.y0))


_LARGE_OR_LIKE = frozenset(("\\sum", "\\prod", "\\Sigma", "\\Pi", "\\int", "\\oint", "+"))
_WIDE = frozenset(("\\to", "\\mapsto", "\\vec", "\\tilde", "\\hat", "\\sim"))
_LIKE_HATTED = frozenset(("9", "P", "?", "\\dagger", "\\Re", "\\Im"))
"""What letters with a hat that touches them are taken for."""


def _without_bar(piece: Piece, least_width: float) -> list[Piece]:
    """The long bar in a piece and the rest of it; the piece itself where there is none so wide."""
    import cv2

    dark = (piece.ink > DARK).astype(np.uint8)
    kernel = np.ones((1, max(9, round(0.45 * piece.width))), np.uint8)
    opened = cv2.morphologyEx(dark, cv2.MORPH_OPEN, kernel)
    count, marks, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    bars = [
        one
        for one in range(1, count)
        if stats[one][3] <= max(2, 0.28 * piece.height) and stats[one][2] > max(least_width, 3 * stats[one][3])
    ]
    if not bars:
        return [piece]
    mask = np.isin(marks, bars)
    found = [_tight(np.where(marks == one, piece.ink, 0).astype(np.uint8), piece.x0, piece.y0) for one in bars]
    rest = np.where(mask, 0, piece.ink).astype(np.uint8)
    count, marks, stats, _ = cv2.connectedComponentsWithStats((rest > DARK).astype(np.uint8), connectivity=8)
    least = max(6, 0.03 * float(dark.sum()))
    found += [
        _tight(np.where(marks == one, rest, 0).astype(np.uint8), piece.x0, piece.y0)
        for one in range(1, count) if stats[one][4] >= least and stats[one][3] > 3
    ]  # fmt: skip
    return [one for one in found if one is not None]


def _with_bars_of_roots(found: Sequence[Piece]) -> list[Piece]:
    """The pieces with bars joined to the signs of roots that they start at."""
    rest = list(found)
    for bar in [one for one in found if solid(one)]:
        sign = next(
            (
                one for one in rest
                if one is not bar and abs(one.x1 - bar.x0) <= max(3.0, 0.15 * one.height)
                and abs(one.y0 - bar.y0) <= max(2.5, 0.1 * one.height)
                and one.height > 3.5 * bar.height and one.width < 1.5 * one.height
            ),
            None,
        )  # fmt: skip
        if sign is not None and any(
            bar.x0 <= (one.x0 + one.x1) / 2 <= bar.x1 and bar.y1 < (one.y0 + one.y1) / 2 < sign.y1 for one in rest
        ):
            rest = [*(one for one in rest if one is not sign and one is not bar), union([sign, bar])]
    return rest


def parted(
    found: Sequence[tuple[Piece, NDArray[np.float32]]], model: Classifier
) -> list[tuple[Piece, NDArray[np.float32]]]:
    """The pieces, those that no class is sure of cut in two where both halves are surer."""
    names = [one.name for one in glyphs()]
    tries: list[tuple[int, Piece, Piece]] = []
    for number, (piece, row) in enumerate(found):
        if not solid(piece) and max(piece.width, piece.height) >= 12:
            unsure = certainty(row, names) < UNSURE
            hatted = names[int(row.argmax())] in _LIKE_HATTED
            if unsure or hatted:
                tries += [(number, *halves) for halves in _halves(piece) if unsure or halves[0].y1 <= halves[1].y0]
    scores = model.logarithms([square(one.ink) for _, *halves in tries for one in halves])
    best: dict[int, tuple[float, int]] = {}
    for at, (number, _, _) in enumerate(tries):
        pair = scores[2 * at], scores[2 * at + 1]
        worth = min(certainty(one, names) for one in pair)
        surer = worth > float(found[number][1].max()) + 0.25 or tries[at][1].y1 <= tries[at][2].y0
        if worth > -0.25 and surer and _likely(tries[at], pair, names) and worth > best.get(number, (-9.0, 0))[0]:
            best[number] = (worth, at)
    whole: list[tuple[Piece, NDArray[np.float32]]] = []
    for number, one in enumerate(found):
        if number in best:
            at = best[number][1]
            whole += [(tries[at][1], scores[2 * at]), (tries[at][2], scores[2 * at + 1])]
        else:
            whole.append(one)
    return whole


def _likely(
    cut: tuple[int, Piece, Piece], scores: tuple[NDArray[np.float32], NDArray[np.float32]], names: Sequence[str]
) -> bool:
    """Whether the halves stand beside each other, or one is an accent on the other."""
    _, first, second = cut
    if first.x1 <= second.x0:
        return True
    mark = not solid(first) and names[int(scores[0].argmax())] in (*ACCENT_MARKS, "\\wedge", "\\sim", "\\to")
    letter = names[int(scores[1].argmax())].rpartition(" ")[2]
    plain = (len(letter) == 1 and letter.isalpha()) or letter in GREEK
    middle = abs(first.x0 + first.x1 - second.x0 - second.x1) < 0.4 * second.width
    high = 0.2 * second.height < first.height < 0.6 * second.height
    return mark and plain and middle and high and first.width > 0.45 * second.width


def _halves(piece: Piece) -> list[tuple[Piece, Piece]]:
    """The piece cut at its thinnest columns and rows."""
    found = []
    for axis in (0, 1):  # columns, then rows
        profile = (piece.ink > DARK).sum(axis=axis)
        size = len(profile)
        inner = range(max(3, size // 5), size - max(3, size // 5)) if axis == 0 else range(max(3, size // 6), size // 2)
        most = (0.4 if axis == 0 else 0.7) * profile.max()
        cuts = sorted((one for one in inner if profile[one] <= most), key=lambda one: int(profile[one]))
        for cut in cuts[:4]:
            parts = (piece.ink[:, :cut], piece.ink[:, cut:]) if axis == 0 else (piece.ink[:cut], piece.ink[cut:])
            offsets = ((0, 0), (cut, 0)) if axis == 0 else ((0, 0), (0, cut))
            halves = [_tight(part, piece.x0 + dx, piece.y0 + dy) for part, (dx, dy) in zip(parts, offsets, strict=True)]
            if halves[0] is not None and halves[1] is not None:
                found.append((halves[0], halves[1]))
    return found


def _tight(ink: Ink, x: int, y: int) -> Piece | None:
    dark = ink > DARK
    if int(dark.sum()) < 6:
        return None
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Piece(x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1, cut)
