"""Tables of a document: captions out of their cells, and parts on following pages put together."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from neo_assets.documents.markdown.part import Part
from neo_assets.documents.ordering.captions import caption_kind

SAME_WIDTH = 0.06
"""Share by which the widths of a table's parts on two pages may differ."""
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.S | re.I)
_CELL = re.compile(r"<t[dh]([^>]*)>(.*?)</t[dh]>", re.S | re.I)
_SPAN = re.compile(r"colspan\s*=\s*[\"']?(\d{1,3})", re.I)
_TAG = re.compile(r"<[^>]*>")
_EMPTY = re.compile(r"<(thead|tbody)>\s*</\1>", re.I)
_OPENING = re.compile(r"^\s*<table[^>]*>", re.I)
_END = re.compile(r"</table>\s*$", re.I)


def without_caption(table: str) -> tuple[str, str]:
    """The caption that stands in a table's first row, alone over all columns, and the table without it. O(n).

    Layout models draw the box of a table around its caption, too.
    """
    row = _ROW.search(table)
    if row is None:
        return "", table
    cells = _CELL.findall(row.group(1))
    texts = [one for one in (_plain(cell) for _, cell in cells) if one]
    if len(texts) != 1 or caption_kind(texts[0]) != "table_caption" or len(_ROW.findall(table)) < 3:
        return "", table
    return texts[0], _EMPTY.sub("", table[: row.start()] + table[row.end() :])


def is_no_table(table: str) -> bool:
    """Whether every row is one cell: a text in a frame that was taken for a table."""
    return all(len(_CELL.findall(row)) <= 1 for row in _ROW.findall(table))


def join_tables(parts: Sequence[Part]) -> list[Part]:
    """The parts, with what goes on of a table on the next page put to it.

    That is a table without caption, first on its page, of as many columns and as wide as the one that is last on the
    page before. A head that is repeated is left out. Footnotes may stand between. O(n).
    """
    found: list[Part] = []
    for part in parts:
        before = next((one for one in reversed(found) if one.kind != "footnote"), None)
        if before is not None and _goes_on(before, part):
            before.more.append(part)
        else:
            found.append(part)
    return found


def body(table: str, head: str = "", last: bool = True) -> str:
    """The table's HTML for its place among the parts of one: `head` is the row that a later part may repeat.

    A first part has no head and keeps its beginning; only the last one keeps its end.
    """
    found = " ".join(table.split())
    if head:
        found = _OPENING.sub("", found)
        row = _ROW.search(found)
        if row is not None and _texts(row.group(1)) == _texts(head):
            found = _EMPTY.sub("", found[: row.start()] + found[row.end() :])
    return found if last else _END.sub("", found)


def first_row(table: str) -> str:
    """The inside of a table's first row."""
    row = _ROW.search(table)
    return row.group(1) if row else ""


def _goes_on(before: Part, part: Part) -> bool:
    if before.kind != "table" or part.kind != "table" or before.element is None or part.element is None:
        return False
    last = before.more[-1] if before.more else before
    above, below = last.element, part.element
    if above is None or not above.html or not below.html or part.page != last.page + 1 or part.caption:
        return False
    if abs(above.box.width - below.box.width) > SAME_WIDTH * max(above.box.width, below.box.width):
        return False
    columns = _columns(above.html)
    return columns > 1 and columns == _columns(below.html) and not without_caption(below.html)[0]


def _columns(table: str) -> int:
    cells = _CELL.findall(first_row(table))
    return sum(int(span.group(1)) if (span := _SPAN.search(attributes)) else 1 for attributes, _ in cells)


def _texts(row: str) -> list[str]:
    return ["".join(_plain(cell).split()) for _, cell in _CELL.findall(row)]


def _plain(cell: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", cell)).split())
