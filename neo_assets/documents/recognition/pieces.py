"""Pieces of a line: runs of a text layer, or what a recogniser read in one box; and how their texts are joined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from neo_assets.documents.model import Box, Line, Run

WORD_GAP = 0.15
"""A gap between two pieces that is a blank, as a share of the font size. Letters stand closer, even when spaced out by
justification; blanks between words are 0.2 to 0.35 wide."""
MIXED_GAP = 0.2
"""The same between a Chinese and another character: printed blanks are .22 at least, justification adds less."""
_CJK = re.compile(
    r"[\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffef"
    r"\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters on one base line, without a large gap. Boxes and sizes in points."""

    text: str
    box: Box
    size: float
    score: float = 1.0
    bold: bool = False
    mono: bool = False
    recognised: bool = False
    """It was read in the picture, not in the text layer."""

    @property
    def upended(self) -> bool:
        """Whether the characters run down or up the page. Two thin letters are higher than wide, but a line high."""
        return len(self.text.strip()) > 1 and self.box.height > 1.6 * max(self.box.width, 0.9 * self.size)


def piece_of(run: Run) -> Piece:
    """A run as a piece. Files give a size of 0 or of hundreds in places: then the box says it."""
    height = min(run.box.width, run.box.height) or run.box.height
    size = run.size if 0.25 * height < run.size < 6 * max(height, 1) else height
    return Piece(run.text, run.box, size or 1.0, 1.0, run.bold, run.mono)


def is_cjk(character: str) -> bool:
    """Whether a character is Chinese writing or its punctuation, which takes no blanks."""
    return bool(_CJK.match(character))


def joined(pieces: Sequence[Piece], upended: bool = False) -> str:
    """The text of pieces that follow each other on a line.

    Between Chinese characters there is no blank; elsewhere there is one where either text has it or the gap says so.
    Beside full-width punctuation a gap says nothing: the white is part of it.
    """
    text = ""
    for piece, before in zip(pieces, [None, *pieces[:-1]], strict=True):
        added = piece.text
        if before is None or not text.strip() or not added.strip():
            text += added
            continue
        left, right = text.rstrip(), added.lstrip()
        written = left != text or right != added
        around = (is_cjk(left[-1]), is_cjk(right[0]))
        gap = _gap(before.box, piece.box, upended)
        if all(around):
            blank = ""
        elif any(around):
            marked = any(is_cjk(one) and not one.isalnum() for one in (left[-1], right[0]))
            blank = " " if written or (not marked and gap > MIXED_GAP * max(before.size, piece.size)) else ""
        else:
            blank = " " if written or gap > WORD_GAP * max(before.size, piece.size) else ""
        text = left + blank + right
    return text.strip()


def line_of(pieces: Sequence[Piece], upended: bool = False) -> Line:
    """One line from its pieces in order."""
    box = pieces[0].box
    for piece in pieces[1:]:
        box = box.union(piece.box)
    weights = [max(1, len(piece.text.strip())) for piece in pieces]
    total = sum(weights)
    return Line(
        text=joined(pieces, upended),
        box=box.rounded(),
        score=round(sum(p.score * w for p, w in zip(pieces, weights, strict=True)) / total, 4),
        size=round(median([p.size for p, w in zip(pieces, weights, strict=True) for _ in range(w)]), 2),
        bold=2 * sum(w for p, w in zip(pieces, weights, strict=True) if p.bold) > total,
        mono=2 * sum(w for p, w in zip(pieces, weights, strict=True) if p.mono) > total,
    )


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box around all; there must be one."""
    first, *others = boxes
    for box in others:
        first = first.union(box)
    return first


def _gap(before: Box, after: Box, upended: bool) -> float:
    if upended:
        return max(after.y0 - before.y1, before.y0 - after.y1)
    return after.x0 - before.x1
