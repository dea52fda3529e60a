"""Where a paragraph ends: from indents, short lines, leading, marks and sentence ends between two lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neo_assets.documents.markdown.characters import IS_HAN, ends_clause, ends_sentence, starts_small, stays_open
from neo_assets.documents.markdown.lines import Seen
from neo_assets.documents.markdown.marks import Mark, follows, mark_of

INDENT = 0.7
"""Font sizes by which a line must begin further right to be indented. Chinese indents by 2, English by 1 to 1.5."""
ITEM_INDENT = 0.35
"""The same between an item of a list and the paragraph after it: lists are often set in by less than a paragraph."""
ITEM_LEADING = 1.15
"""Times the usual distance of lines that part an item from what stands further left or right than its lines."""
LEADING = 1.35
"""Times the usual distance of lines that part paragraphs."""
LARGER = 1.2
"""Times the size of recognised lines below it that a heading above them has, if there is more white below it, too."""

_ARTICLE = re.compile("第[零〇一二三四五六七八九十百千0-9]{1,7}[条款章节]")
"""How a paragraph of a statute begins."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How the document sets its paragraphs."""

    pitch: float
    """Distance of lines in font sizes."""
    indents: bool
    """Most paragraphs begin with an indented line."""
    spaced: bool
    """There are blanks between Chinese and Latin."""
    bold: bool = False
    """Running text is bold, or its font passes for bold: bold type says nothing."""
    size: float = 10.0
    """Font size of most running text, in points."""


def breaks(
    paragraph: Sequence[Seen], line: Seen, habits: Habits, entries: bool = False, after: Seen | None = None
) -> bool:
    """Whether the line, which stands below the paragraph's last one, begins another paragraph; `after` is the next.

    `entries`: the lines are references or footnotes, whose further lines are indented or begin without a mark.
    """
    first, last = paragraph[0], paragraph[-1]
    mark = mark_of(line.text)
    if mark is not None and begins_item(paragraph, line, mark, entries):
        return True
    open_end = not ends_clause(last.text) and (starts_small(line.text) or last.text.endswith("-"))
    pitch = (line.middle - last.middle) / max(last.size, line.size)
    if open_end or stays_open(last.text):
        return pitch > 2.2 * habits.pitch
    if line.source == "layer" and abs(line.size - last.size) > 0.18 * max(line.size, last.size):
        return True
    if first is last and _is_larger(last, line, habits):
        return True
    if pitch > LEADING * habits.pitch or (line.bold != last.bold and short(last, line)):
        return True
    listed = mark_of(first.text) is not None or entries
    if listed and after is not None and _opens_paragraph(first, line, after):
        return True
    if listed and pitch > ITEM_LEADING * habits.pitch and _elsewhere(line, paragraph, ITEM_INDENT):
        return True
    if listed and first is last and -INDENT < line.indent - first.indent < 4:
        return short(last, line)
    if _indented(paragraph, line):
        return True
    if len(paragraph) > 1 and paragraph[1].indent > first.indent + INDENT and line.indent < last.indent - INDENT:
        return True  # hanging lines end where one begins at the edge again
    return short(last, line)


def _is_larger(last: Seen, line: Seen, habits: Habits) -> bool:
    """Whether a recognised line is larger than the next one and farther from it than lines are: sizes alone may err."""
    apart = (line.middle - last.middle) / line.size
    return line.source == "ocr" and last.size > LARGER * line.size and apart > LEADING * habits.pitch


def begins_item(paragraph: Sequence[Seen], line: Seen, mark: Mark, entries: bool = False) -> bool:
    """Whether the mark at the line's beginning is one, and not a part of the sentence that runs over the line."""
    first, last = paragraph[0], paragraph[-1]
    before = mark_of(first.text)
    if before is not None and follows(mark, before) and abs(line.indent - first.indent) < 1.5:
        return True
    if mark.style == "bullet" and line.text[0] not in "-–—*+·":
        return True
    if before is not None and _elsewhere(line, paragraph) and (mark.value <= 1 or line.indent < first.indent):
        return not stays_open(last.text)  # a list within the list begins, or ends
    if mark.style == "circled":
        return ends_clause(last.text) or short(last, line)
    closed = ends_clause(last.text) or (last.text.endswith(("，", "、", ",")) and short(last, line))
    return closed or (short(last, line) and not stays_open(last.text)) or (entries and ends_sentence(last.text))


def continues(paragraph: Sequence[Seen], line: Seen, habits: Habits) -> bool:
    """Whether the line goes on with the paragraph, though it stands in another column or on another page."""
    last = paragraph[-1]
    sizes = max(last.size, line.size)
    if mark_of(line.text) is not None and not last.text.endswith("-"):
        return False
    if last.source == line.source == "layer" and abs(last.size - line.size) > 0.12 * sizes:
        return False
    if last.text.endswith(("-", "\u00ad")) and line.text[0].isalpha():
        return True
    if ends_clause(last.text):
        ended_by_chance = habits.indents and last.gap < 1 and line.indent < INDENT and not ends_colon(last.text)
        return ended_by_chance and ends_sentence(last.text) and _is_turn(last, line)
    if starts_small(line.text) or stays_open(last.text):
        return True
    if short(last, line) or len(last.text) <= 6:
        return False
    hangs = len(paragraph) > 1 and mark_of(paragraph[0].text) is not None and abs(line.indent - last.indent) < INDENT
    # Chinese prose has a mark at every paragraph's end: a full line without one goes on, whatever the indent.
    unended = len(paragraph) > 1 and IS_HAN.match(last.text[-1]) and IS_HAN.match(line.text) and _is_turn(last, line)
    return line.indent < INDENT or hangs or (bool(unended) and not _ARTICLE.match(line.text))


def adjacent(last: Seen, line: Seen, habits: Habits) -> bool:
    """Whether the line stands right below, in the same column, as the next line of a paragraph would."""
    pitch = (line.middle - last.middle) / max(last.size, line.size)
    shared = min(last.right, line.right) - max(last.left, line.left)
    return (
        last.page == line.page
        and 0.5 < pitch <= 1.25 * habits.pitch
        and shared > 0.5 * min(last.right - last.left, line.right - line.left)
    )


def below(last: Seen, line: Seen) -> bool:
    """Whether the line stands further down in the same column."""
    shared = min(last.box.x1, line.box.x1) - max(last.box.x0, line.box.x0)
    return last.page == line.page and line.middle > last.middle and shared > 0


def short(last: Seen, line: Seen) -> bool:
    """Whether the line ended though what begins the next one had found room: the paragraph's end, not the column's."""
    room = last.gap * last.size
    width = line.box.width / max(1, len(line.text))
    if IS_HAN.match(line.text):
        # A mark that may not begin a line takes one more character with it.
        return room > 2.6 * last.size
    word = line.text.split(" ", 1)[0]
    needed = min(len(word), 30) * width
    slack = 0.8 if ends_sentence(last.text) else 3.0
    return room > needed + slack * last.size


def ends_colon(text: str) -> bool:
    """Whether a list or an example follows."""
    return text.endswith((":", "："))


def _elsewhere(line: Seen, paragraph: Sequence[Seen], apart: float = INDENT) -> bool:
    """Whether the line begins where neither the item nor its further lines do."""
    edges = {round(one.indent, 2) for one in (paragraph[0], paragraph[-1])}
    return all(abs(line.indent - edge) > apart for edge in edges)


def _indented(paragraph: Sequence[Seen], line: Seen) -> bool:
    last = paragraph[-1]
    if line.indent < INDENT or line.indent > 8:
        return False
    # The second line of a block that is indented as a whole begins where the first does.
    return line.indent > last.indent + INDENT or (
        len(paragraph) == 1 and abs(line.indent - last.indent) < 0.3 and last.gap > 1
    )


def _opens_paragraph(first: Seen, line: Seen, after: Seen) -> bool:
    """Whether a line after an item's is the indented first one of a paragraph: the one below it stands at the edge."""
    if after.page != line.page or mark_of(after.text) is not None:
        return False
    return line.indent > first.indent + ITEM_INDENT and after.indent < line.indent - INDENT and after.indent < INDENT


def _is_turn(last: Seen, line: Seen) -> bool:
    """From the foot of a column or page to the head of the next."""
    return last.page != line.page or line.middle < last.middle
