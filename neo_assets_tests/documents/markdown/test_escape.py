"""Escaped text is shown as it is by a CommonMark reader, and few backslashes are needed for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from neo_assets.documents.markdown.escape import escaped, fence
from neo_assets.documents.markdown.strand import Origin, Strand
from neo_assets.documents.model import Box

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
SIGNS = "#-+*_`<>|$[]()!\\~&;:=1.2 ab中。\"'/^{}"


def shown(text: str) -> str | None:
    """What a reader shows if the text is one paragraph of nothing but text; else null."""
    tokens = READER.parse(text)
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        return None
    children = tokens[1].children or []
    if any(token.type not in ("text", "softbreak", "text_special") for token in children):
        return None
    return "".join("\n" if token.type == "softbreak" else token.content for token in children)


def escape(text: str, start: bool = True) -> str:
    return escaped(Strand.of([(text, Origin(1, Box(0, 0, 1, 1)))]), start).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# not a heading", "\\# not a heading"),
        ("#hashtag", "#hashtag"),
        ("- no item", "\\- no item"),
        ("-p1 patches", "-p1 patches"),
        ("1999. A year", "1999\\. A year"),
        ("3.14 is", "3.14 is"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("*x* and", "\\*x\\* and"),
        ("a footnote*", "a footnote*"),
        ("snake_case_name", "snake_case_name"),
        ("_x_", "\\_x\\_"),
        ("a < b", "a < b"),
        ("<b>", "\\<b>"),
        ("costs $5", "costs $5"),
        ("from $5 to $6", "from \\$5 to \\$6"),
        ("[1] says", "[1] says"),
        ("[a](b)", "\\[a\\](b)"),
        ("C:\\dir", "C:\\dir"),
        ("a \\* b", "a \\\\* b"),
        ("AT&T", "AT&T"),
        ("&amp;", "\\&amp;"),
        ("a | b", "a | b"),
        ("纯中文，没有标记。", "纯中文，没有标记。"),
    ],
)
def test_as_much_as_is_needed(text: str, expected: str) -> None:
    assert escape(text) == expected


@settings(max_examples=400)
@given(st.text(alphabet=SIGNS, min_size=1, max_size=24).map(lambda text: " ".join(text.split())).filter(bool))
def test_a_reader_shows_the_text(text: str) -> None:
    assert shown(escape(text)) == text


@settings(max_examples=200)
@given(
    st.lists(
        st.text(alphabet=SIGNS, min_size=1, max_size=10).map(lambda text: " ".join(text.split())).filter(bool),
        min_size=2, max_size=4,
    )
)  # fmt: skip
def test_a_reader_shows_the_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert shown(escape(text)) == text


def test_a_fence_is_longer_than_any_within() -> None:
    assert fence(["x"]) == "```"
    assert fence(["a ```` b"]) == "`````"
