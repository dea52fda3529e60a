"""Of any document: blocks lie where they say, places tile them and hold only what stands in their lines."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.markdown import compose, elements_json
from neo_assets.documents.markdown.characters import clean
from neo_assets.documents.model import ELEMENT_KINDS, RUNNING, Box, Element, Line, PageElements
from neo_assets.recipe.documents import MarkdownSettings
from neo_assets_tests.documents.markdown.pages import block, page

NUMBERS = st.integers(0, 600).map(float)
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["• one", "1. one", "2. two", "第一章 总则", "(1)", "word-", "中文，", "# x", "a*b*c", "of the", "End."]
    ),
)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(NUMBERS), draw(NUMBERS)
    return Box(x, y, x + draw(st.integers(0, 300)), y + draw(st.integers(0, 40)))


@st.composite
def elements(draw: st.DrawFn, number: int) -> Element:
    # Each line stands in a box of its own, so that a place names one line.
    tops = [40.0 * number + 9 * row for row in range(draw(st.integers(0, 4)))]
    lines = tuple(
        Line(
            text=draw(WORDS),
            box=Box(10.0 + draw(st.integers(0, 5)) * 9, top, 300.0, top + 8),
            score=0.5,
            size=draw(st.sampled_from([0.0, 8.0, 12.0])),
            bold=draw(st.booleans()),
            mono=draw(st.booleans()),
        )
        for top in tops
    )
    return Element(
        number, draw(st.sampled_from(sorted(ELEMENT_KINDS))), draw(boxes()), 0.5,
        draw(st.sampled_from(["layer", "ocr", "none"])), lines, draw(st.sampled_from([None, "<table></table>"])),
        draw(st.sampled_from([None, "", "x^{2", "y"])), draw(st.sampled_from([None, "a.png"])),
        draw(st.sampled_from([None, 0, 1])), draw(st.integers(-1, 1)), 0,
    )  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> list[PageElements]:
    counts = draw(st.lists(st.integers(0, 5), max_size=3))
    return [page([draw(elements(n)) for n in range(count)], number + 1) for number, count in enumerate(counts)]


def letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


@settings(max_examples=150, deadline=None)
@given(documents(), st.booleans(), st.booleans())
def test_blocks_and_places(pages: list[PageElements], join: bool, notes: bool) -> None:
    found = compose(pages, MarkdownSettings(join_lines=join, keep_footnotes=notes), "files/")
    lines = {(one.number, line.box.rounded()): line.text for one in pages for e in one.elements for line in e.lines}
    at = 0
    for one in found.blocks:
        assert found.markdown[at : one.start].strip("\n") == ""
        assert one.start < one.end
        at = one.end
        text = found.markdown[one.start : one.end]
        assert [place.start for place in one.places] == [0, *(place.end for place in one.places[:-1])]
        assert one.places[-1].end == len(text)
        if one.kind in ("text", "title", "footnote", "reference", "side_note", "header"):
            for place in one.places:
                own = lines[place.page, place.box]
                assert letters(text[place.start : place.end]) == letters(clean(own))
    assert at == len(found.markdown)
    assert compose(pages, MarkdownSettings(join_lines=join, keep_footnotes=notes), "files/") == found
    found.markdown.encode()


@settings(max_examples=80, deadline=None)
@given(documents())
def test_no_text_is_lost(pages: list[PageElements]) -> None:
    """Reference: every character of a line that is text stands in the Markdown as often as in the lines."""
    kinds = {"text", "title", "list_item", "reference", "footnote", "side_note", "code"}
    kept = [
        PageElements(one.doc_id, one.number, 595, 842, tuple(e for e in one.elements if e.kind in kinds | RUNNING))
        for one in pages
    ]
    found = compose(kept, MarkdownSettings())
    given_text = "".join(clean(line.text) for one in kept for e in one.elements if e.kind in kinds for line in e.lines)
    assert sorted(letters(found.markdown)) == sorted(letters(given_text))


def test_nothing_gives_nothing() -> None:
    assert compose([], MarkdownSettings()).markdown == ""
    assert compose([page([])], MarkdownSettings()).blocks == ()


def test_a_huge_document() -> None:
    texts = ["word " * 15 + "of", "the end of " * 6 + "it."]
    pages = [page([block(n, texts, 40.0 + 40 * n) for n in range(18)], number) for number in range(1, 101)]
    found = compose(pages, MarkdownSettings())
    assert len(found.blocks) == 1800
    assert found.blocks[-1].places[-1].page == 100


def test_the_json_names_page_and_box_of_every_block() -> None:
    found = compose([page([block(0, ["一句话。"], 100)])], MarkdownSettings())
    told = json.loads(elements_json(found))
    assert told["blocks"] == [
        {
            "end": 4, "kind": "text", "level": 0, "score": 1.0, "source": "layer", "start": 0, "text": "一句话。",
            "places": [{"start": 0, "end": 4, "page": 1, "box": [50.0, 100.0, 300.0, 110.0]}],
        }
    ]  # fmt: skip
