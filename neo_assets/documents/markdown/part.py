"""A part of a document: what becomes a block of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from neo_assets.documents.markdown.lines import Seen
from neo_assets.documents.markdown.marks import Mark
from neo_assets.documents.model import Element, ElementKind

MAX_HEADING = 120
"""Characters; longer headings are paragraphs."""


@dataclass(slots=True)
class Part:
    """What becomes a block of the document."""

    kind: ElementKind
    page: int
    lines: list[Seen] = field(default_factory=list)
    element: Element | None = None
    """Of a figure, table or formula."""
    caption: list[Seen] = field(default_factory=list)
    mark: Mark | None = None
    level: int = 0
    number: str | None = None
    """Of an equation."""
    more: list[Part] = field(default_factory=list)
    """What of a table stands on the next pages."""

    @property
    def plain(self) -> str:
        return " ".join(line.text for line in self.lines)
