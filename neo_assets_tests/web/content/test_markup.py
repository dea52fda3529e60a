"""The stream of tags that structure is read from, and what attributes say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from neo_assets.web.content.blocks import rendered
from neo_assets.web.content.markup import TAGS, escaped, latex, tags, unescaped, without_raw_text
from neo_assets.web.content.structure import Reader
from neo_assets.web.content.variants import with_a_variant
from neo_assets.web.content.zones import BOILERPLATE, COMMENTS, HIDDEN, MAIN, MATH, SUSPECT, flags


def test_signs_in_text_and_attributes_do_not_look_like_tags() -> None:
    tree = HTMLTree.parse("""<p title='a>b "<c>'>1 < 2 > 0 &amp; &nbsp;<br class=x>end</p>""")
    assert tags(tree) == [
        ("body", "", ""),
        ("p", ' title="a&gt;b &quot;&lt;c&gt;"', "1 &lt; 2 &gt; 0 &amp; &nbsp;"),
        ("br", ' class="x"', "end"),
        ("/p", "", ""),
        ("/body", "", ""),
    ]


def test_raw_text_goes_and_what_is_never_closed_stays() -> None:
    assert without_raw_text("a<!-- <p> -->b<script>if (x<y) {}</script>c<style>p>a{}</style>d") == "abcd"
    assert without_raw_text("a<svg><b></svg>b<template><p>x</p></template>c") == "abc"
    assert without_raw_text("<script>a") == "<script>a"
    assert without_raw_text("<scripted>a</scripted>") == "<scripted>a</scripted>"
    assert without_raw_text("<!--a<!--b" * 3) == "<!--a<!--b" * 3


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u00a0\x00\r")))
def test_text_survives_the_serializer(text: str) -> None:
    assert unescaped(escaped(text)) == text
    body = HTMLTree.parse(f"<textarea>x{escaped(text)}</textarea>").body
    assert body is not None
    assert body.html == f"<body><textarea>x{escaped(text)}</textarea></body>"


def test_formulas_on_one_line_between_dollar_signs() -> None:
    assert latex("  a\n + b ", display=False) == "$a + b$"
    assert latex("{\\displaystyle x}", display=True) == "$$x$$"
    assert latex("$x$", display=False) == "$x$"
    assert latex(" ", display=True) == ""


@pytest.mark.parametrize(
    ("tag", "attributes", "expected"),
    [
        ("div", "", 0),
        ("nav", "", BOILERPLATE),
        ("div", ' role="navigation"', BOILERPLATE),
        ("div", ' id="footer"', BOILERPLATE),
        ("div", ' class="siteFooter"', BOILERPLATE),
        ("div", ' class="pagefooter"', SUSPECT),
        ("div", ' class="left-sidebar2"', SUSPECT),
        ("div", ' class="has-sidebar"', 0),
        ("div", ' class="entry-header"', 0),
        ("header", "", SUSPECT),
        ("aside", ' class="admonition note"', 0),
        ("aside", "", BOILERPLATE),
        ("ol", ' class="commentlist"', COMMENTS),
        ("body", ' class="no-comments menu"', 0),
        ("section", ' id="comments"', 0),
        ("main", ' class="menu"', MAIN),
        ("span", ' class="math inline"', MATH),
        ("p", ' style="color: red; display: none"', HIDDEN),
        ("p", " hidden", HIDDEN),
        ("p", ' data-hidden="1"', 0),
        ("p", ' hidden=""', HIDDEN),
    ],
)
def test_flags(tag: str, attributes: str, expected: int) -> None:
    assert flags(tag, attributes) == expected


INLINE = [
    "<b>", "</b>", "<span class=x>", "<span class=math>", "<i hidden>", "</i>", "</span>",
    "<p>", "</p>", "<li>", "<br>", "<pre>", "</pre>", "<a href=x>",
    "</a>", "\\(x\\)", "word ", " ", "\n", "&lt;", "<input>",
    "<div hidden>", "</div>", "<span hidden>", "<span class=sr-only>", "<sup class=reference>", "</sup>", "<td>",
    "<tr>", "<table>", "</table>",
]  # fmt: skip


@given(st.lists(st.sampled_from(INLINE), max_size=40).map("".join))
def test_a_page_reads_the_same_without_its_inline_elements(page: str) -> None:
    tree = HTMLTree.parse(page)
    all_tags = TAGS.findall(without_raw_text(tree.body.html))
    assert rendered(Reader().read(with_a_variant(all_tags)).blocks) == rendered(Reader().read(tags(tree)).blocks)
