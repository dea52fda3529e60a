"""Phrases of which a page holds several, for several readers, all hidden: its script would show one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Tag = tuple[str, str, str]
"""A tag's name (with a slash at the end of an element), its attributes, and the text up to the next tag."""

# fmt: off
INLINE_TAGS = (
    "span", "strong", "em", "b", "i", "u", "code", "tt", "kbd", "samp", "var", "small", "big", "font", "s", "strike",
    "del", "ins", "mark", "cite", "dfn", "abbr", "acronym", "q", "label", "bdi", "bdo", "data", "time", "sub", "sup",
    "nobr", "ruby", "rb",
)
"""Elements that only set off a part of a line."""
VOID = frozenset({
    "br", "hr", "img", "input", "wbr", "embed", "col", "area", "link", "meta", "source", "track", "param", "base",
})
# fmt: on
VARIANT = re.compile(r"\shidden(?:[\s=]|$)")
LEAST = 2
_INLINE = frozenset(INLINE_TAGS)


@dataclass(slots=True)
class _Open:
    """An open element: where it begins, whether anything in it shows, and its hidden phrases: how many, the last."""

    name: str
    start: int
    shows: bool
    n_hidden: int = 0
    last: int = 0


def with_a_variant(tags: Sequence[Tag]) -> list[Tag]:
    """The tags, the last phrase shown where all that an inline element in a line holds are phrases with `hidden`.

    The last one is the general case by custom ("default", "others"). Linear in the tags.
    """
    made = list(tags)
    stack = [_Open("", 0, shows=True)]
    for place, (name, attributes, text) in enumerate(tags):
        if name[0] == "/":
            if stack[-1].name == name[1:]:
                one = stack.pop()
                if one.n_hidden >= LEAST and not one.shows and (_is_text(text) or _is_text(tags[one.start - 1][2])):
                    made[one.last] = (made[one.last][0], "", made[one.last][2])
        elif name not in VOID:
            if name in _INLINE and VARIANT.search(attributes):
                stack[-1].n_hidden += 1
                stack[-1].last = place
            else:
                stack[-1].shows = True
            stack.append(_Open(name, place, shows=name not in _INLINE))
        if _is_text(text):
            stack[-1].shows = True
    return made


def _is_text(text: str) -> bool:
    return text != "" and not text.isspace()
