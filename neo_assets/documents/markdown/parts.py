"""From elements in reading order to the parts of a document: paragraphs whole again, floats, listings, notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from neo_assets.documents.markdown.breaks import INDENT, Habits, adjacent, below, breaks, continues
from neo_assets.documents.markdown.bullets import with_bullets
from neo_assets.documents.markdown.characters import HAN, ends_clause, ends_sentence, starts_small, stays_open
from neo_assets.documents.markdown.floats import FLOATS, attached, float_of, without_labels
from neo_assets.documents.markdown.lines import Seen, body_size, usual_pitch
from neo_assets.documents.markdown.listing import looks_like_code, mono_runs
from neo_assets.documents.markdown.marks import Mark, heading_number, mark_of
from neo_assets.documents.markdown.part import MAX_HEADING, Part
from neo_assets.documents.model import RUNNING, Element, ElementKind, PageElements

JOINED: frozenset[str] = frozenset({"text", "list_item", "reference"})
"""Kinds that go on in another column or on another page."""
MOSTLY_BOLD = 0.4
"""Share of lines of running text from which on bold type is no sign of a heading."""
TITLE_LEADING = 1.8
"""Times the usual distance of lines, in their font size, that parts headings; those of one are set a little wider."""
LARGER = 1.12
"""Times the size of running text that recognised headings have at least: measured sizes err by less."""
MIN_LETTERS = 3
"""Of a heading told by its size: the number of a formula and the marks of a chart have fewer."""
_NOTE = re.compile(r"[\[(（]?(\d{1,3}|[*†‡§¶]|[①-⑳])[\])）]?\s*(?=\S)")
_FORMULA = re.compile("[\U0001d400-\U0001d7ff\u2200-\u22ff]")
"""Letters and operators that only formulas have; fonts for formulas pass for bold."""
_SPACED = re.compile(f"[{HAN}] [A-Za-z0-9]|[A-Za-z0-9] [{HAN}]")
_TOUCHING = re.compile(f"[{HAN}][A-Za-z0-9]|[A-Za-z0-9][{HAN}]")


def habits_of(pages: Iterable[tuple[PageElements, list[list[Seen]]]]) -> Habits:
    """How the document sets its paragraphs. O(n)."""
    groups = [
        lines for page, seen in pages for element, lines in zip(page.elements, seen, strict=True)
        if element.kind in JOINED and lines
    ]  # fmt: skip
    firsts = [lines for lines in groups if len(lines) > 1 and mark_of(lines[0].text) is None]
    indented = sum(lines[0].indent > INDENT and lines[1].indent < INDENT for lines in firsts)
    texts = [line.text for lines in groups for line in lines]
    spaced = sum(len(_SPACED.findall(text)) for text in texts)
    touching = sum(len(_TOUCHING.findall(text)) for text in texts)
    bold = sum(line.bold for lines in groups for line in lines)
    return Habits(
        usual_pitch(groups), indented >= 3 and indented > 0.5 * len(firsts), spaced >= touching,
        bold > MOSTLY_BOLD * max(1, len(texts)), body_size(line for lines in groups for line in lines),
    )  # fmt: skip


def parts_of(pages: Sequence[tuple[PageElements, list[list[Seen]]]], habits: Habits, join: bool) -> list[Part]:
    """The parts in reading order; a paragraph stands where it begins, a page's footnotes at the page's end.

    `join`: paragraphs go on across elements, columns and pages. O(n).
    """
    parts: list[Part] = []
    going: Part | None = None
    for page, seen in pages:
        notes: list[Part] = []
        seen = with_bullets(seen)
        captions, numbers = attached(page, seen)
        for at, (element, lines) in enumerate(zip(page.elements, seen, strict=True)):
            if element.kind in RUNNING or element.number in captions or element.number in numbers.values():
                continue
            if element.kind in FLOATS:
                parts.append(float_of(page, element, lines, seen, captions, numbers, parts))
                going = None if element.kind == "equation" else going
                continue
            following = seen[at + 1][0] if at + 1 < len(seen) and seen[at + 1] else None
            for nth, part in enumerate(_split(element, lines, page.number, habits, following)):
                if part.kind == "footnote":
                    notes.append(part)
                    continue
                if join and nth == 0 and going is not None and _goes_on(going, part, habits, going is parts[-1]):
                    going.lines += part.lines
                    continue
                if part.kind == "code" and parts and parts[-1].kind == "code" and _same_listing(parts[-1], part):
                    parts[-1].lines += part.lines
                    continue
                parts.append(part)
                if part.kind in JOINED:
                    going = part
                elif part.kind in ("title", "code"):
                    going = None
        parts += notes
    return parts


def _goes_on(going: Part, part: Part, habits: Habits, directly: bool) -> bool:
    """Whether the part is the rest of the paragraph; `directly`: nothing stands between."""
    if part.kind not in JOINED or (going.kind == "reference") != (part.kind == "reference"):
        return False
    if part.kind == "list_item" and part.mark is None and going.kind != "list_item":
        return False
    last, line = going.lines[-1], part.lines[0]
    if adjacent(last, line, habits):
        # The layout model saw a border here: a sentence's end confirms it, unless the line goes on by its place.
        ends = ends_clause if going.kind == "list_item" else ends_sentence
        settled = ends(last.text) and (not habits.indents or last.gap > 1 or line.indent > INDENT)
        after = part.lines[1] if len(part.lines) > 1 else None
        return not settled and not breaks(going.lines, line, habits, part.kind == "reference", after)
    if directly and below(last, line) and not (starts_small(line.text) or stays_open(last.text)):
        return False  # white in the column parts paragraphs
    return continues(going.lines, line, habits)


def _split(element: Element, lines: list[Seen], page: int, habits: Habits, following: Seen | None) -> Iterator[Part]:
    """The parts of one element that is text; `following` is the line after its last one."""
    if not lines:
        return
    if element.kind == "code" or (element.kind == "text" and element.source == "ocr" and looks_like_code(lines)):
        yield Part("code", page, lines)
    elif element.kind == "title" and not _is_prose(lines) and not any(_is_bullet(mark_of(line.text)) for line in lines):
        groups = _titles(lines, habits)
        for group, after in zip(groups, [*(group[0] for group in groups[1:]), following], strict=True):
            if len(groups) > 1 and (_is_prose(group) or _is_rest(group, habits)):
                yield from _texts("text", page, group, habits, after)
            else:
                yield Part("title", page, group)
    elif element.kind in ("figure_caption", "table_caption"):
        yield Part(element.kind, page, without_labels(lines))
    else:
        yield from _texts("text" if element.kind == "title" else element.kind, page, lines, habits, following)


def _texts(kind: ElementKind, page: int, lines: list[Seen], habits: Habits, following: Seen | None) -> Iterator[Part]:
    """Paragraphs and listings."""
    for mono, run in mono_runs(lines):
        if mono:
            yield Part("code", page, run)
            continue
        for group in _paragraphs(run, habits, kind, following if run[-1] is lines[-1] else None):
            yield _paragraph(kind, page, group, habits, leads=group[0] is lines[0])


def _paragraph(kind: ElementKind, page: int, group: list[Seen], habits: Habits, leads: bool) -> Part:
    if kind == "text" and _is_heading(group, habits, leads):
        return Part("title", page, group)
    mark = mark_of(group[0].text) if kind in JOINED else None
    # Layout models take lists at a column's foot for references.
    return Part("list_item" if kind == "reference" and _is_bullet(mark) else kind, page, group, mark=mark)


def _is_bullet(mark: Mark | None) -> bool:
    return mark is not None and mark.style == "bullet"


def _paragraphs(lines: Sequence[Seen], habits: Habits, kind: ElementKind, following: Seen | None) -> list[list[Seen]]:
    groups: list[list[Seen]] = []
    for line, after in zip(lines, [*lines[1:], following], strict=True):
        if not groups or (kind in ("footnote", "reference") and _begins_note(groups[-1], line)):
            groups.append([line])
        elif kind == "footnote":
            groups[-1].append(line)
        elif breaks(groups[-1], line, habits, kind == "reference", after):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _begins_note(note: Sequence[Seen], line: Seen) -> bool:
    before, mark = _NOTE.match(note[0].text), _NOTE.match(line.text)
    if mark is None or before is None:
        return False
    if mark.group(1).isdecimal() and before.group(1).isdecimal():
        return int(mark.group(1)) == int(before.group(1)) + 1
    return not mark.group(1).isdecimal() and ends_clause(note[-1].text)


def _titles(lines: Sequence[Seen], habits: Habits) -> list[list[Seen]]:
    """Two headings that the layout model took for one are parted where a number begins, the size changes or white is
    between them."""
    groups: list[list[Seen]] = []
    for line in lines:
        if groups and not _parts_titles(groups[-1][-1], line, habits):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _parts_titles(last: Seen, line: Seen, habits: Habits) -> bool:
    larger = max(last.size, line.size)
    apart = line.middle - last.middle > TITLE_LEADING * habits.pitch * larger
    return apart or heading_number(line.text) is not None or abs(line.size - last.size) > 0.15 * larger


def _is_prose(lines: Sequence[Seen]) -> bool:
    """Whether what the layout model calls a title is a paragraph."""
    text = " ".join(line.text for line in lines)
    sentence = len(lines) > 1 and ends_sentence(text) and text[-1] not in "?？!！"
    return len(text) > 2 * MAX_HEADING or (len(text) > 60 and sentence)


def _is_rest(lines: Sequence[Seen], habits: Habits) -> bool:
    """Whether lines above a heading are the end of a paragraph that the layout model drew its box around, too."""
    return starts_small(lines[0].text) and all(line.size < LARGER * habits.size for line in lines)


def _is_heading(group: Sequence[Seen], habits: Habits, leads: bool) -> bool:
    """Whether a paragraph is a heading that the layout model took for text: short, without an end, and all bold.

    Recognised type is not known to be bold; there a larger size tells, if the region begins with it (`leads`).
    """
    text = " ".join(line.text for line in group)
    if len(group) > 2 or len(text) > MAX_HEADING or _FORMULA.search(text):
        return False
    if _is_bullet(mark_of(text)) or ends_clause(text) or text.endswith((",", "，")):
        return False
    if all(line.source == "layer" for line in group):
        return not habits.bold and all(line.bold for line in group)
    large = all(line.source == "ocr" and line.size >= LARGER * habits.size for line in group)
    return leads and large and sum(sign.isalpha() for sign in text) >= MIN_LETTERS


def _same_listing(before: Part, part: Part) -> bool:
    last, line = before.lines[-1], part.lines[0]
    if last.page != line.page or line.middle < last.middle:
        return True
    return line.middle - last.middle < 3 * max(last.size, line.size)
