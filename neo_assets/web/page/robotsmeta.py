"""What a page tells robots: `robots` meta elements and the X-Robots-Tag header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from neo_assets.web.page.elements import select

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

AGENT = "neo-assets"
"""The name by which a page may address this crawler alone."""
WITH_VALUE = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
"""Directives that have a colon of their own; before any other colon stands a robot's name."""
MAX_META = 2_000


def directives(meta: Mapping[str, list[str]], headers: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the page asks not to be kept (noindex), and its links not to be followed (nofollow).

    `meta` is `meta_of`'s, `headers` have names in lower case. Counted is what is said to all robots or to this one.
    """
    words = {
        *(word for name in ("robots", AGENT) for value in meta.get(name, ()) for word in _words(value)),
        *header_words(headers.get("x-robots-tag", "")),
    }
    everything = "none" in words
    return everything or "noindex" in words, everything or "nofollow" in words


def header_words(value: str) -> Iterator[str]:
    """The directives of an X-Robots-Tag header for this crawler; several headers are joined by line breaks or commas.

    A robot's name holds for the directives after it, up to the next name or line.
    """
    for row in value.lower().split("\n"):
        agent = ""
        for part in row.split(","):
            name, colon, rest = part.partition(":")
            if colon and name.strip() not in WITH_VALUE:
                agent, part = name.strip(), rest
            if agent in ("", "*", "robots", AGENT):
                yield from _words(part)


def meta_of(tree: HTMLTree) -> dict[str, list[str]]:
    """The contents of the page's meta elements by name, property, itemprop or http-equiv, in lower case."""
    found: dict[str, list[str]] = {}
    for element in select(tree, "meta[content]")[:MAX_META]:
        content = element.getattr("content")
        for key in ("name", "property", "itemprop", "http-equiv"):
            name = element.getattr(key)
            if name and content:
                found.setdefault(name.strip().lower(), []).append(content)
    return found


def _words(text: str) -> Iterable[str]:
    return text.lower().replace(",", " ").replace(";", " ").split()
