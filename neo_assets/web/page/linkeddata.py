"""JSON-LD: what a page states about itself for machines (schema.org)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from neo_assets.web.page.elements import select

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

MAX_SCRIPTS = 20
MAX_SCRIPT_CHARS = 1 << 18
MAX_NODES = 5_000
SCRIPTS = "script[type='application/ld+json']"
CREATIVE = ("Article", "Posting", "Report", "Book", "Chapter", "Poem", "Legislation", "Thesis", "CreativeWork")
"""Ends of the names of types that are a text; a statement about one of them goes before any other."""

Statement = dict[str, Any]


def statements(tree: HTMLTree) -> list[Statement]:
    """The page's JSON-LD objects, those about a text first, otherwise outer before inner in document order.

    Scripts that are no JSON, too long or too deeply nested are passed over.
    """
    found: list[Statement] = []
    for script in select(tree, SCRIPTS)[:MAX_SCRIPTS]:
        found += _objects(_loaded(script.text))
    return sorted(found, key=lambda statement: not _is_text(statement))


def texts(value: Any, key: str = "name") -> Iterator[str]:
    """The strings of a value that may be a string, an object that has one under `key`, or a list of either."""
    for one in value[:10] if isinstance(value, list) else [value]:
        text = one.get(key) if isinstance(one, dict) else one
        if isinstance(text, str):
            yield text


def _loaded(source: str) -> Any:
    if len(source) > MAX_SCRIPT_CHARS:
        return None
    source = source.strip().removeprefix("<!--").removesuffix("-->").strip()
    source = source.removeprefix("//").removeprefix("<![CDATA[").removesuffix("]]>").removesuffix("//").strip()
    try:
        return json.loads(source, strict=False)
    except (ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[Statement]:
    """All objects in a JSON value, breadth first."""
    waiting = deque([value])
    for _ in range(MAX_NODES):
        if not waiting:
            return
        value = waiting.popleft()
        if isinstance(value, dict):
            yield value
            waiting.extend(inner for inner in value.values() if isinstance(inner, dict | list))
        elif isinstance(value, list):
            waiting.extend(inner for inner in value if isinstance(inner, dict | list))


def _is_text(statement: Statement) -> bool:
    return any(name.endswith(CREATIVE) for name in texts(statement.get("@type")))
