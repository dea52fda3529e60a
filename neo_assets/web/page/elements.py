"""Elements of a parsed page by CSS selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree


def select(tree: HTMLTree, query: str) -> list[Any]:
    """The elements that match, in document order; linear in the page.

    The parser's collection is turned into a list at once: each step of iterating over it would walk it from the start.
    """
    document = tree.document
    return [] if document is None else list(document.query_selector_all(query).values())


def first(tree: HTMLTree, query: str) -> Any | None:
    """The first element that matches."""
    document = tree.document
    return None if document is None else document.query_selector(query)
