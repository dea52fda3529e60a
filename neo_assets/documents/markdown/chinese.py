"""Chinese text: wrong blanks closed, half-width punctuation of recognised text made full-width."""

from __future__ import annotations

import re

from neo_assets.documents.markdown.characters import HAN, WIDE
from neo_assets.documents.markdown.strand import Strand

_SPACED = re.compile(f"(?<=[{HAN}]) (?=[{HAN}{WIDE}])|(?<=[{WIDE}])[ \u3000]+|[ \u3000]+(?=[{WIDE}])")
_GAP = re.compile("\u3000")
_FORMS = dict(zip(",;:?!().", "，；：？！（）。", strict=True))
_PAIR = re.compile(f"(?<=[{HAN}{WIDE}]) ?\\((?=[^()]*[{HAN}])|(?<=[{HAN}{WIDE}])\\) ?(?=[{HAN}{WIDE}]|$)")
_INNER = re.compile(f"(?<=[{HAN}）】》”]) ?([,;:?!]) ?(?=[{HAN}（《【“]|$)")
_STOP = re.compile(f"(?<=[{HAN}）】》”])\\. ?(?=[{HAN}《“]|$)")
_BRACKETS = re.compile(r"[()（）]")


_ARTICLE = re.compile(
    r"^(第[零〇一二三四五六七八九十百千]{1,7}条(?:之[一二三四五六七八九十]{1,3})?)"
    rf"[ \u3000]*(?=[{HAN}“《（])(?!规定|所|第|至|的|和|或|及|与|之|款|（|中(?:的|所|规定))"
)
"""The number of an article at a paragraph's beginning, and not as the first words of a sentence."""
_OPENING = re.compile(r"^[(（]([零〇一二三四五六七八九十百]{1,5})[)）] ?")
"""(一) at a paragraph's beginning."""
MIN_ARTICLES = 3


def is_article(text: str) -> bool:
    """Whether a paragraph begins with the number of an article."""
    return _ARTICLE.match(text) is not None


def space_article(strand: Strand) -> Strand:
    """A wide blank after an article's number, as statutes are set; recognition does not see it. O(n)."""
    return strand.sub(_ARTICLE, lambda found: found.group(1) + "\u3000")


def even_mark(mark: str, wide: bool) -> str:
    """A mark in brackets, (一) or (1), with both brackets of one width: wide ones if told so or if they are mixed."""
    if not wide and ("(" in mark) != ("（" in mark) and (")" in mark) == ("(" in mark):
        return mark
    return mark.translate({ord("("): "（", ord(")"): "）"}).rstrip()


def close_blanks(strand: Strand) -> Strand:
    """Blanks between Chinese characters and beside full-width punctuation go; between Chinese and Latin they stay.

    A wide gap between Chinese characters, as between names, stays as one blank. O(n).
    """
    return strand.sub(_SPACED, lambda found: "").sub(_GAP, lambda found: " ")


def repair_punctuation(strand: Strand) -> Strand:
    """The marks , ; : ? ! . ( ) become full-width where both neighbours are Chinese or the text ends there.

    Recognition confuses the widths. A bracket follows its partner, so that no pair is mixed. O(n).
    """
    strand = strand.sub(_OPENING, lambda found: f"（{found.group(1)}）")
    for pattern in (_INNER, _STOP, _PAIR):
        strand = strand.sub(pattern, lambda found: _FORMS[found.group().strip()])
    return _even_brackets(strand)


def _even_brackets(strand: Strand) -> Strand:
    wide: dict[int, str] = {}
    opened: list[tuple[int, str]] = []
    for found in _BRACKETS.finditer(strand.text):
        mark = found.group()
        if mark in "(（":
            opened.append((found.start(), mark))
        elif opened:
            at, partner = opened.pop()
            if mark == "）" and partner == "(":
                wide[at] = "（"
            elif mark == ")" and partner == "（":
                wide[found.start()] = "）"
    return strand.sub(_BRACKETS, lambda found: wide.get(found.start(), found.group())) if wide else strand
