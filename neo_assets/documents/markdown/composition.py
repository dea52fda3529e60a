"""A document composed: its Markdown, its text, and the blocks by which every sentence is found on its page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neo_assets.documents.markdown.chinese import MIN_ARTICLES, is_article
from neo_assets.documents.markdown.headings import join_titles, set_levels
from neo_assets.documents.markdown.hyphens import Vocabulary
from neo_assets.documents.markdown.lines import seen
from neo_assets.documents.markdown.lists import settle_lists
from neo_assets.documents.markdown.part import Part
from neo_assets.documents.markdown.parts import habits_of, parts_of
from neo_assets.documents.markdown.render import Rendered, Renderer
from neo_assets.documents.markdown.tables import join_tables
from neo_assets.documents.model import Block, PageElements, plain
from neo_assets.recipe.documents import MarkdownSettings


@dataclass(frozen=True, slots=True)
class Composition:
    """A document in Markdown. `blocks` are in its order; `markdown[start:end]` is a block, its places tile it.

    `text` is what models learn from: as `markdown`, but a picture is only its caption, or what was read in it.
    """

    title: str
    """The heading of level 1; empty if there is none."""
    markdown: str
    text: str
    blocks: tuple[Block, ...]


def compose(pages: Sequence[PageElements], settings: MarkdownSettings, images: str = "") -> Composition:
    """Compose a document from its pages' elements, which are in reading order.

    `images` stands before the names of pictures in links. Running heads are left out. O(n) in characters, and in the
    square of a page's elements.
    """
    read = [(page, seen(page, settings.full_width)) for page in pages]
    habits = habits_of(read)
    parts = parts_of(read, habits, join=settings.join_lines)
    if not settings.keep_footnotes:
        parts = [part for part in parts if part.kind != "footnote"]
    parts = join_tables(join_titles(parts))
    heading = set_levels(parts)
    settle_lists(parts)
    vocabulary = Vocabulary.of(line.text for _, groups in read for lines in groups for line in lines)
    renderer = Renderer(vocabulary, habits, settings.join_lines, images, is_statute(parts))
    title = renderer.flow(heading.lines, one_line=True).text if heading is not None else ""
    return _composed(title, _rendered(parts, renderer))


def is_statute(parts: Sequence[Part]) -> bool:
    """Whether several paragraphs begin with the numbers of articles."""
    return sum(part.kind == "text" and is_article(part.lines[0].text) for part in parts if part.lines) >= MIN_ARTICLES


def elements_json(composition: Composition) -> bytes:
    """The blocks of a document with their texts and places, as JSON; the same bytes for the same document."""
    blocks = [{**plain(block), "text": composition.markdown[block.start : block.end]} for block in composition.blocks]
    told = {"title": composition.title, "blocks": blocks}
    return (json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def _rendered(parts: Sequence[Part], renderer: Renderer) -> Iterator[Rendered]:
    pads: list[int] = []
    """Blanks before the items of each level of the list at hand: where the texts of the items above begin."""
    for part in parts:
        pad = 0
        if part.kind == "list_item":
            del pads[part.level - 1 :]
            pad = pads[-1] if pads else 0
            prefix = renderer.prefix(part)
            pads.append(pad + (2 if prefix.startswith("- ") else len(prefix)))
        else:
            pads = []
        yield from renderer.blocks(part, pad)


def _composed(title: str, rendered: Iterator[Rendered]) -> Composition:
    markdown: list[str] = []
    text: list[str] = []
    blocks: list[Block] = []
    at, before, before_text = 0, "", ""
    for one in rendered:
        gap = _gap(before, one.kind)
        at += len(gap)
        markdown += [gap, one.strand.text]
        end = at + len(one.strand.text)
        blocks.append(Block(one.kind, one.level, at, end, one.source, round(one.score, 4), one.strand.places()))
        at, before = end, one.kind
        if one.text.strip():
            text += [_gap(before_text, one.kind), one.text]
            before_text = one.kind
    return Composition(title, "".join(markdown), "".join(text), tuple(blocks))


def _gap(before: str, kind: str) -> str:
    if not before:
        return ""
    return "\n" if before == kind == "list_item" else "\n\n"
