"""The parsed page as a flat stream of tags: serialized well-formed, raw text removed, formulas spelled as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from neo_assets.web.content import zones
from neo_assets.web.content.variants import INLINE_TAGS, VARIANT, Tag, with_a_variant

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

TAGS = re.compile(r"<(/?[A-Za-z][^\s>]*)([^>]*)>([^<]*)")
"""Tag name (with a slash at the end of an element), attributes, and the text up to the next tag. The serializer escapes
`<` and `>` in text and in attribute values, so there is no other meaning of these signs."""

RAW = re.compile(r"<!--|<(script|style|template|iframe|xmp|noembed|noframes|plaintext|svg|math)(?=[\s>])([^>]*)>")
ANNOTATION = re.compile(r'<annotation encoding="(?:application/x-|text/)(?:la)?tex"[^>]*>([^<]*)</annotation>')
MATHML_TEXT = re.compile(r"<[^>]*>")
DISPLAY = re.compile(r'mode=display|display="block"')
STYLE_WRAPPER = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle)(?![A-Za-z]) *")
SPACES = re.compile(r"\s+")
INLINE_WITH_ATTRIBUTES = re.compile(rf"<({'|'.join(INLINE_TAGS)})( [^>]*)>")
SILENT_VOID_TAGS = ("input", "wbr", "meta", "link", "source", "track", "param")


def tags(tree: HTMLTree) -> Iterable[Tag]:
    """(tag, attributes, following text) of the page's body, in order; linear in its length, however deeply nested."""
    body = tree.body
    if body is None:
        return ()
    markup, variants = without_inline(without_raw_text(body.html))
    found: list[Tag] = TAGS.findall(markup)
    return with_a_variant(found) if variants else found


def without_raw_text(markup: str) -> str:
    """The markup without comments, scripts, styles, drawings and the like; formulas stay as text.

    What is never closed, which only a broken serialization holds, is left alone.
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    done, match = 0, RAW.search(markup)
    while match:
        end = "-->" if match[1] is None else f"</{match[1]}>"
        close = -1 if end in unclosed else markup.find(end, match.end())
        if close < 0:
            unclosed.add(end)
            match = RAW.search(markup, match.end())
            continue
        parts.append(markup[done : match.start()])
        parts.append(_formula(match, markup[match.end() : close]))
        done = close + len(end)
        match = RAW.search(markup, done)
    return "".join((*parts, markup[done:])) if parts else markup


def without_inline(markup: str) -> tuple[str, bool]:
    """The markup without inline elements that only set off their text, and whether it may hold hidden variants.

    Those of a formula stay; so do all of a tag that is hidden somewhere, as their ends are told apart by nesting. Where
    there may be variants, all stay.
    """
    hidden, formulas, variants = set(), False, False
    for tag, attributes in set(INLINE_WITH_ATTRIBUTES.findall(markup)):
        flag = zones.flags(tag, attributes)
        if flag & zones.HIDDEN:
            hidden.add(tag)
            variants |= VARIANT.search(attributes) is not None
        formulas |= flag & zones.MATH != 0
    kept = frozenset(INLINE_TAGS if variants else hidden)
    return _inline(kept, formulas).sub("", markup), variants


@lru_cache(maxsize=64)
def _inline(kept: frozenset[str], formulas: bool) -> re.Pattern[str]:
    """Tags of inline elements but for those named, and for those that may be of a formula."""
    tags = "|".join((*(tag for tag in INLINE_TAGS if tag not in kept), *SILENT_VOID_TAGS))
    unless = "(?![^>]*(?:[Mm][Aa][Tt][Hh]|[Tt][Ee][Xx]))" if formulas else ""
    return re.compile(rf"</?(?:{tags})(?: {unless}[^>]*)?>")


def _formula(opened: re.Match[str], inside: str) -> str:
    """The element's formula as escaped text between dollar signs; nothing for an element that holds none."""
    name, attributes = opened[1], opened[2] or ""
    if name == "script" and "math/tex" in attributes:
        return latex(escaped(inside), display="mode=display" in attributes)
    if name != "math":
        return ""
    annotation = ANNOTATION.search(inside)
    formula = annotation[1] if annotation else MATHML_TEXT.sub("", inside)
    return latex(formula, display=DISPLAY.search(attributes) is not None)


def latex(formula: str, *, display: bool) -> str:
    """The formula on one line between the dollar signs of LaTeX, inline or displayed; empty if it is empty."""
    formula = SPACES.sub(" ", formula).strip()
    wrapped = (
        STYLE_WRAPPER.sub("", formula[1:-1]).strip() if formula.startswith(("{\\displaystyle", "{\\textstyle")) else ""
    )
    formula = (wrapped or formula).strip("$ ")
    if not formula:
        return ""
    return f"$${formula}$$" if display else f"${formula}$"


def escaped(text: str) -> str:
    """The text as the serializer writes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    """The text that the serializer wrote; a no-break space becomes a plain one."""
    if "&" not in text:
        return text
    text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return text.replace("&amp;", "&")
