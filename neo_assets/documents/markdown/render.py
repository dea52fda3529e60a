"""A part of a document as Markdown and as plain reading text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from neo_assets.documents.markdown.breaks import Habits
from neo_assets.documents.markdown.chinese import close_blanks, even_mark, repair_punctuation, space_article
from neo_assets.documents.markdown.escape import escaped, link_text
from neo_assets.documents.markdown.formulas import numbered, sound
from neo_assets.documents.markdown.hyphens import Vocabulary, glue
from neo_assets.documents.markdown.lines import Seen
from neo_assets.documents.markdown.listing import fenced
from neo_assets.documents.markdown.part import Part
from neo_assets.documents.markdown.strand import Origin, Strand
from neo_assets.documents.markdown.tables import body, first_row, is_no_table, without_caption
from neo_assets.documents.model import ElementKind, TextSource

_TITLE = {ord(sign): f"&#{ord(sign)};" for sign in '"&()<>\\'} | {ord("\n"): " "}
"""Characters that could end the title of a link."""
_CLOSING = re.compile(r"(?:(?<= )|^)#+$")


@dataclass(frozen=True)
class Rendered:
    """A block before it has its place in the document. `text` is what `text` of the document has in its stead."""

    kind: ElementKind
    level: int
    strand: Strand
    text: str
    source: TextSource
    score: float


@dataclass(frozen=True)
class Renderer:
    """Renders parts with what is known of the whole document."""

    vocabulary: Vocabulary
    habits: Habits
    join_lines: bool
    images: str
    statute: bool = False
    """Its paragraphs are articles of a law."""

    def blocks(self, part: Part, pad: int = 0) -> list[Rendered]:
        """The part as blocks: one, or none if it is empty; a table's caption is a block of its own.

        `pad`: blanks before a list item that lies within another.
        """
        if part.kind == "figure":
            return self._figure(part)
        if part.kind == "table":
            return self._table(part)
        if part.kind == "equation":
            return self._equation(part)
        if part.kind == "code":
            return _some(part.kind, 0, fenced(part.lines), part.lines)
        if part.kind == "title":
            heading = escaped(self.flow(part.lines, one_line=True), start=False).sub(_CLOSING, _escape_closing)
            return _some(part.kind, part.level, heading.wrapped("#" * part.level + " "), part.lines)
        if part.kind == "list_item":
            return _some(part.kind, part.level, self._item(part, pad), part.lines)
        flow = self.flow(part.lines)
        return _some(part.kind, 0, escaped(space_article(flow) if self.statute else flow), part.lines)

    def flow(self, lines: Sequence[Seen], one_line: bool = False) -> Strand:
        """Lines as one paragraph: words whole again, blanks only where the script has them. O(n)."""
        pieces: list[tuple[str, Origin]] = []
        for number, line in enumerate(lines):
            following = lines[number + 1].text if number + 1 < len(lines) else ""
            drop, blank = 0, "\n" if following else ""
            if self.join_lines or one_line:
                drop, blank = glue(line.text, following, self.vocabulary, self.habits.spaced)
            text = line.text[: len(line.text) - drop] if drop else line.text
            blank = "" if text.endswith(" ") and blank == " " else blank
            pieces.append((text.replace("\u00ad", "") + blank, Origin(line.page, line.box)))
        strand = close_blanks(Strand.of(pieces))
        return repair_punctuation(strand) if lines and _source(lines) == "ocr" else strand

    def prefix(self, part: Part) -> str:
        """What stands before an item: its mark where Markdown knows it, else a hyphen and the mark."""
        mark = part.mark
        if mark is None or mark.style == "bullet":
            return "- "
        if mark.style in ("decimal.", "decimal)"):
            return f"{mark.value}{mark.style[-1]} "
        own = part.lines[0].text[: mark.start]
        if mark.style in ("(han)", "(decimal)"):
            own = even_mark(own, mark.style == "(han)" and part.lines[0].source == "ocr")
        tight = own[-1].isascii() and not own.endswith(" ") and part.lines[0].text[mark.start :][:1].isascii()
        return f"- {own} " if tight else f"- {own}"

    def _item(self, part: Part, pad: int) -> Strand:
        first, *rest = part.lines
        if part.mark is not None:
            first = replace(first, text=first.text[part.mark.start :])
        return escaped(self.flow([first, *rest])).wrapped(" " * pad + self.prefix(part))

    def _figure(self, part: Part) -> list[Rendered]:
        name = part.element.image if part.element is not None else None
        caption = self.flow(part.caption, one_line=True)
        if not name or part.element is None:
            return _some("figure_caption", 0, escaped(caption), part.caption)
        strand = self._picture(part, name, caption)
        source, score = (_source(part.caption), _score(part.caption)) if part.caption else ("none", part.element.score)
        return [Rendered(part.kind, 0, strand, escaped(caption).text, source, score)]

    def _table(self, part: Part) -> list[Rendered]:
        found = _some("table_caption", 0, escaped(self.flow(part.caption)), part.caption)
        element = part.element
        if element is None:
            return found
        if element.html:
            if part.lines and is_no_table(element.html):
                return found + _some("text", 0, escaped(self.flow(part.lines)), part.lines)
            caption, html = without_caption(element.html)
            origin = Origin(part.page, element.box)
            if caption and not found:
                strand = escaped(Strand.of([(caption, origin)]))
                found = [Rendered("table_caption", 0, strand, strand.text, element.source, element.score)]
            strand = Strand.of([(body(html, last=not part.more), origin), *self._further(part, first_row(html))])
            return [*found, Rendered(part.kind, 0, strand, strand.text, element.source, element.score)]
        if element.image:
            read = "\n\n".join(escaped(self.flow([line])).text for line in part.lines)
            strand = self._picture(part, element.image, Strand())
            return [*found, Rendered(part.kind, 0, strand, read, element.source, element.score)]
        return found + [one for line in part.lines for one in _some(part.kind, 0, escaped(self.flow([line])), [line])]

    def _further(self, part: Part, head: str) -> list[tuple[str, Origin]]:
        """The rest of a table on the pages that follow."""
        return [
            (body(one.element.html, head, last=one is part.more[-1]), Origin(one.page, one.element.box))
            for one in part.more
            if one.element is not None and one.element.html
        ]

    def _equation(self, part: Part) -> list[Rendered]:
        element = part.element
        if element is None:
            return []
        latex = sound(element.latex or "")
        if latex:
            text = f"$$\n{numbered(latex, part.number)}\n$$"
            strand = Strand.of([(text, Origin(part.page, element.box))])
            return [Rendered(part.kind, 0, strand, text, element.source, element.score)]
        read = self.flow(part.lines, one_line=True)
        if not element.image:
            return _some(part.kind, 0, escaped(read), part.lines)
        strand = self._picture(part, element.image, Strand.of([("formula", Origin(part.page, element.box))]), read.text)
        return [Rendered(part.kind, 0, strand, "", element.source, element.score)]

    def _picture(self, part: Part, name: str, alternative: Strand, title: str = "") -> Strand:
        box = part.element.box if part.element is not None else part.lines[0].box
        origin = Origin(part.page, box)
        address = quote(self.images + name, safe="/:#?&=+,;@~._-")
        shown = f' "{title.translate(_TITLE)}"' if title else ""
        return Strand.of([("![", origin)]) + link_text(alternative) + Strand.of([(f"]({address}{shown})", origin)])


def _some(kind: ElementKind, level: int, strand: Strand, lines: Sequence[Seen]) -> list[Rendered]:
    if not strand.text.strip():
        return []
    return [Rendered(kind, level, strand, strand.text, _source(lines), _score(lines))]


def _source(lines: Sequence[Seen]) -> TextSource:
    """Where most characters come from."""
    counts: Counter[TextSource] = Counter()
    for line in lines:
        counts[line.source] += len(line.text)
    return max(sorted(counts), key=lambda source: counts[source]) if counts else "none"


def _score(lines: Sequence[Seen]) -> float:
    """The mean score, each line weighing as many characters as it has."""
    total = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / total if total else 1.0


def _escape_closing(found: re.Match[str]) -> str:
    return "\\" + found.group()
