"""What kind of page it is, and what its text layer is worth; thresholds measured on made cases (see the tests)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from neo_assets.documents.model import Box, LayerState, PageKind, Run

COVERING = 0.5
"""Share of the page that pictures cover, from which on they may be the page itself."""
FEW_CHARACTERS = 50
"""A scan with less visible text than this (a stamp, a page number) has no text layer to speak of."""
LATIN_1_SHARE = 0.3
"""Share of letters from U+00A1 to U+00FF in no language's text; Chinese in the wrong encoding is nearly all of it."""
MIN_LETTERS = 20
GRID = 64
_SIGNS = re.compile(
    r"^(cmex|cmsy|cmmi|msam|msbm|stmary|wasy|rsfs|txsy|txex|pxsy|lmmath|symbol|wingding|zapfdingb)|math", re.I
)
"""Fonts of signs: parts of large brackets and the like have no Unicode, and say nothing of the words."""
_CODED = re.compile(r"\(cid:\d+\)")


def judged(
    visible: Sequence[Run],
    invisible: Sequence[Run],
    pictures: Sequence[Box],
    size: tuple[float, float],
    max_strange_share: float,
    is_empty: bool,
) -> tuple[PageKind, LayerState]:
    """The kind of a page and the state of its layer.

    Args:
        size: of the page, in points.
        max_strange_share: of the characters; more make the layer garbled.
        is_empty: nothing is drawn on the page.
    """
    covered = covered_share(pictures, size)
    n_visible, n_invisible = _count(visible), _count(invisible)
    if covered >= COVERING and n_visible < FEW_CHARACTERS:
        return "scanned", "hidden" if n_invisible > n_visible else "missing"
    if not n_visible:
        if is_empty:
            return "blank", "missing"
        return "scanned" if pictures else "born_digital", "missing"
    words = "\n".join(run.text for run in visible if not _SIGNS.search(run.font))
    state: LayerState = "garbled" if is_garbled(words, max_strange_share) else "good"
    if covered >= COVERING:
        # Text drawn below a picture of the page is as good as hidden; but nothing tells which lies on top.
        return "mixed", state
    return "born_digital", state


def is_garbled(text: str, max_strange_share: float) -> bool:
    """Whether a text cannot be what is seen on the page.

    Strange are characters that are private, unassigned, replaced or control characters, but for single ones between
    blanks (marks of lists), and what some programs write for glyphs without Unicode, "(cid:12)".
    """
    codes = len(_CODED.findall(text))
    plain = _CODED.sub("", text)
    n = sum(not one.isspace() for one in plain) + codes
    if not n:
        return False
    strange = codes
    for word in plain.split():
        if len(word) > 1 or word == "\ufffd":
            strange += sum(map(is_strange, word))
    if strange > max_strange_share * n:
        return True
    letters = [one for one in plain if one.isalpha()]
    odd = sum("\u00a1" <= one <= "\u00ff" for one in plain)
    return len(letters) >= MIN_LETTERS and odd > LATIN_1_SHARE * max(len(letters), n)


@lru_cache(maxsize=100_000)
def is_strange(character: str) -> bool:
    """Whether it stands for no character of a script."""
    return character == "\ufffd" or unicodedata.category(character) in ("Co", "Cn", "Cc", "Cs")


def covered_share(boxes: Sequence[Box], size: tuple[float, float]) -> float:
    """The share of the page that boxes cover, overlaps once, to about 1/64 in each direction."""
    width, height = size
    if width <= 0 or height <= 0 or not boxes:
        return 0.0
    cells = [0] * GRID  # a row of cells is the bits of an integer
    for box in boxes:
        left, right = round(GRID * box.x0 / width), round(GRID * box.x1 / width)
        top, bottom = round(GRID * box.y0 / height), round(GRID * box.y1 / height)
        if right > left:
            bits = ((1 << (right - left)) - 1) << max(left, 0)
            for row in range(max(top, 0), min(bottom, GRID)):
                cells[row] |= bits & ((1 << GRID) - 1)
    return sum(row.bit_count() for row in cells) / GRID**2


def _count(runs: Sequence[Run]) -> int:
    return sum(len(run.text) - run.text.count(" ") for run in runs)
