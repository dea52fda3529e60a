"""What a document of known truth is: its blocks in reading order, its running heads, and how its pages look."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

BlockKind = Literal[
    "title", "text", "list_item", "code", "table", "table_caption", "figure", "figure_caption", "equation", "footnote"
]
PROSE = ("title", "text", "list_item", "code", "table_caption", "figure_caption")
"""Kinds whose text and order are judged; footnotes may stand anywhere."""
Mutation = Literal["", "rows", "shuffled"]
"""Order of the text in the file. Rows: across columns, line by line; shuffled: by chance."""


@dataclass(frozen=True)
class Part:
    """What of a block stands on one page: a box a column, in points from the page's upper left corner."""

    page: int
    boxes: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class TruthBlock:
    """A block in reading order.

    `text` is a paragraph in one line without hyphens of line ends; of tables, figures and formulas it is what can be
    seen of them as characters. `level` is of a heading, from 1.
    """

    kind: BlockKind
    text: str
    level: int = 0
    latex: str = ""
    html: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class TruthDocument:
    """A document: `running` has each page's running heads and page number as they are printed."""

    name: str
    language: Literal["zh", "en"]
    template: str
    columns: int
    mutation: Mutation
    n_pages: int
    blocks: tuple[TruthBlock, ...]
    running: tuple[tuple[str, ...], ...] = field(default=())

    def write(self, file: Path) -> None:
        """As JSON."""
        file.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_truth(file: Path) -> TruthDocument:
    """A document's truth from its JSON."""
    row: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    blocks = tuple(
        TruthBlock(
            **{**block, "parts": tuple(Part(one["page"], tuple(map(tuple, one["boxes"]))) for one in block["parts"])}
        )
        for block in row.pop("blocks")
    )
    return TruthDocument(**row | {"blocks": blocks, "running": tuple(map(tuple, row["running"]))})
