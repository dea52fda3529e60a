"""Labels that a layout model gives to text wrongly: references that are none, formulas that are sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from neo_assets.documents.model import Element

_ENTRY = re.compile(
    r"\s*(?:[\[［【(（]\s*(?:\d{1,3}|[A-Z][A-Za-z+]*\d{2}[a-z]?)\s*[\]］】)）]|\d{1,3}[.、．]?\s+\S|[①-⑳*†‡§])"
)
"""How an entry, or the footnote that a reference at the foot of a page may be, begins: [12], (3), [Knu84], 4., *."""
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d[a-z]?(?!\d)")
_SIGNS = re.compile(
    r"\bet al\b|\bdoi\b|\bpp?\. ?\d|\bvol\. ?\d|\bISBN\b|\[[JMDCR]\]|https?://|出版社|学报", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z]{3,}|[\u3400-\u9fff]")
MIN_WORDS = 8
"""A formula has a few words at most, such as "if" and "otherwise"."""
MIN_SHARE = 0.15
"""Entries to lines of a list of references: entries seldom have more than five lines."""


def relabelled_texts(elements: Sequence[Element]) -> list[Element]:
    """The elements; those called references without anything that entries have are text, and so are formulas in words.

    O(characters).
    """
    return [_relabelled(one) for one in elements]


def _relabelled(element: Element) -> Element:
    if element.kind == "equation" and len(_WORD.findall(element.text)) >= MIN_WORDS:
        return element.with_(kind="text", latex=None, image=None)
    return element.with_(kind="text") if element.kind == "reference" and not _is_list(element) else element


def _is_list(element: Element) -> bool:
    signs = sum(
        bool(_ENTRY.match(line.text) or _YEAR.search(line.text) or _SIGNS.search(line.text)) for line in element.lines
    )
    return signs >= max(1.0, MIN_SHARE * len(element.lines))
