"""Programs and what is printed like them: lines kept, indentation and blank lines told from their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median

from neo_assets.documents.markdown.characters import IS_HAN
from neo_assets.documents.markdown.escape import fence
from neo_assets.documents.markdown.lines import Seen
from neo_assets.documents.markdown.strand import Origin, Strand

_SIGNS = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|if|elif|else|for|while|return|import|from|try|except|with|#include|\$|fi|done)\b.*[:(;\])]?$"
    r"|^[\w.\[\]]+ ?[-+*]?= ?\S|\w\([^)]*\):?;?$|==|!=|\+=|->|&&|\|\|"
)
_PROSE = re.compile(r"[a-z]{2,}[.,] [A-Za-z]{2,} [a-z]{2,} |\b(?:the|that|which|have|were) [a-z]+ [a-z]+")
MAX_INDENT = 80
"""Columns; what begins further right stands there by accident."""


def mono_runs(lines: Sequence[Seen]) -> list[tuple[bool, list[Seen]]]:
    """Stretches of lines in a typewriter font and of others. A lone such line within a paragraph belongs to it."""
    runs = [(mono, list(group)) for mono, group in groupby(lines, key=lambda line: line.mono)]
    kept: list[tuple[bool, list[Seen]]] = []
    for number, (mono, group) in enumerate(runs):
        inside = 0 < number < len(runs) - 1 and len(group) == 1
        lone = mono and inside and runs[number - 1][1][-1].gap < 2
        code = mono and not lone
        if kept and kept[-1][0] == code:
            kept[-1][1].extend(group)
        else:
            kept.append((code, group))
    return kept


def looks_like_code(lines: Sequence[Seen]) -> bool:
    """Whether recognised lines, of which no font is known, are a program: signs of one in most of them."""
    if len(lines) < 2 or any(IS_HAN.match(line.text) for line in lines):
        return False
    signs = sum(_SIGNS.search(line.text) is not None for line in lines)
    return signs >= 0.6 * len(lines) and not any(_PROSE.search(line.text) for line in lines)


def fenced(lines: Sequence[Seen]) -> Strand:
    """The lines as a fenced block, each at the column where it stands. O(n)."""
    texts = indented(lines)
    mark = fence(texts)
    pieces = [
        (f"{text}\n", Origin(line.page, line.box)) for text, line in zip(_spread(lines, texts), lines, strict=True)
    ]
    return Strand.of(pieces).wrapped(f"{mark}\n", mark)


def indented(lines: Sequence[Seen]) -> list[str]:
    """The lines, each with as many blanks before it as characters would fit between the left edge and it."""
    widths = [line.box.width / len(line.text.strip()) for line in lines if line.box.width > 0 and line.text.strip()]
    width = median(widths) if widths else 0.0
    edges: dict[int, float] = {}
    for line in lines:
        edges[line.page] = min(edges.get(line.page, line.box.x0), line.box.x0)
    found = []
    for line in lines:
        blanks = round((line.box.x0 - edges[line.page]) / width) if width > 0 else 0
        own = len(line.text) - len(line.text.lstrip(" "))
        found.append(" " * min(max(0, blanks, own), MAX_INDENT) + line.text.strip(" "))
    return found


def _spread(lines: Sequence[Seen], texts: Sequence[str]) -> list[str]:
    """A blank line where the distance to the next line is that of two."""
    steps = [below.middle - above.middle for above, below in pairwise(lines)]
    usual = median([step for step in steps if step > 0] or [0.0])
    empty = [usual > 0 and step > 1.6 * usual for step in steps]
    return [text + ("\n" if gap else "") for text, gap in zip(texts, [*empty, False], strict=True)]
