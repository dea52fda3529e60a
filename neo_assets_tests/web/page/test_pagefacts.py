"""Facts of pages: each source of them, which one wins, and what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from neo_assets.web.page.linkeddata import MAX_SCRIPT_CHARS, statements
from neo_assets.web.page.pagefacts import Facts, page_facts, sane_name

URL = "http://a.test/x/y"


def facts(html: str, url: str = URL, **headers: str) -> Facts:
    return page_facts(HTMLTree.parse(html), url, {name.replace("_", "-"): value for name, value in headers.items()})


def meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{content}">'


def linked(*objects: Any) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(one)}</script>' for one in objects)


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title> A\n title </title>", "A title"),
        ("<h1>Only <i>head</i></h1><h1>two</h1>", "Only head"),
        ("<p>none</p>", ""),
        ("<title>论语_学而_国学网</title><h1>论语</h1>", "论语"),
        (
            "<title>argparse — Parser — Python 3.11 documentation</title><h1>argparse — Parser¶</h1>",
            "argparse — Parser",
        ),
        ("<title>Article - Site</title><h1>Site</h1>", "Article - Site"),
        ("<title>Headline</title><h1>Head</h1>", "Headline"),
        ("<title>Article - Site</title><meta property='og:site_name' content='Site'>", "Article"),
        ("<title>Well-known Site</title><meta property='og:site_name' content='Site'>", "Well-known Site"),
        ("<title>Site</title><meta property='og:site_name' content='Site'>", "Site"),
        ("<title>Long | Site</title><meta property='og:title' content='Short &amp; good'>", "Short & good"),
        ("<title>a&#0;b\ud83d</title>".replace("\ud83d", ""), "a\ufffdb"),
        (f"<title>{'x' * 900}</title>", "x" * 300),
        ("<svg><title>icon</title></svg><title>Page</title>", "Page"),
    ],
)
def test_title(html: str, title: str) -> None:
    assert facts(html).title == title


@pytest.mark.parametrize(
    ("html", "day"),
    [
        (meta("article:published_time", "2024-11-01T08:00:00+08:00"), "2024-11-01"),
        ("<meta property='article:published_time' content='2024-11-01'>", "2024-11-01"),
        (meta("DC.date", "2024-11-01"), "2024-11-01"),
        (meta("PubDate", "2024年11月01日"), "2024-11-01"),
        (meta("parsely-pub-date", "2024-11-01T00:00:00Z"), "2024-11-01"),
        ("<meta itemprop='datePublished' content='20241101'>", "2024-11-01"),
        (linked({"@type": "NewsArticle", "datePublished": "2024-11-01"}), "2024-11-01"),
        (linked({"@graph": [{"@type": "WebSite"}, {"datePublished": "2024-11-01"}]}), "2024-11-01"),
        (linked({"datePublished": "2024-12-12"}, {"@type": "Article", "datePublished": "2024-11-01"}), "2024-11-01"),
        (linked({"dateModified": "2024-12-01"}) + meta("date", "2024-11-01"), "2024-11-01"),
        (linked({"dateModified": "2024-11-01"}), "2024-11-01"),
        (meta("article:modified_time", "2024-11-01"), "2024-11-01"),
        ("<article><time datetime='2024-11-01T10:00'>yesterday</time></article>", "2024-11-01"),
        ("<ul><li><time datetime='2024-12-12'></time></li></ul><p><time>1 November 2024</time></p>", "2024-11-01"),
        ("<p>来源：新华网　发布时间：2024年11月1日 08:00</p>", "2024-11-01"),
        ("<div class=info>2024-11-01 10:22</div><p>正文 2020-01-01</p>", "2024-11-01"),
        ("<p>Published on November 1, 2024 by X</p>", "2024-11-01"),
        ("<p>The war ended on November 11, 1998.</p>", None),
        (meta("date", "2101-01-01") + meta("pubdate", "0000-00-00"), None),
        (meta("date", "2101-01-01") + "<p>日期：2024-11-01</p>", "2024-11-01"),
        (f"<p>{'文' * 5000}发布时间：2024年11月1日</p>", None),
    ],
)  # fmt: skip
def test_date(html: str, day: str | None) -> None:
    assert facts(html).date == day


def test_the_day_in_the_address_counts_where_the_page_gives_none() -> None:
    assert facts("", "http://a.test/news/2024/11/01/x.html").date == "2024-11-01"
    assert facts("", "http://a.test/20241101/x.html").date == "2024-11-01"
    assert facts(meta("date", "2023-01-01"), "http://a.test/2024/11/01/").date == "2023-01-01"
    assert facts("", "http://a.test/1234/56/78/").date is None


@pytest.mark.parametrize(
    ("html", "author"),
    [
        (linked({"@type": "Article", "author": {"@type": "Person", "name": "Lu Xun"}}), "Lu Xun"),
        (linked({"@type": "Article", "author": [{"name": "鲁迅"}, {"name": "B"}]}), "鲁迅"),
        (linked({"@type": "Article", "author": "Lu Xun"}), "Lu Xun"),
        (meta("author", "鲁迅"), "鲁迅"),
        (meta("article:author", "https://facebook.com/x") + meta("byl", "By Jane Austen"), "Jane Austen"),
        ("<a rel='author' href=/x>Jane Austen</a>", "Jane Austen"),
        ("<div class='post byline'>by  Jane\nAusten</div>", "Jane Austen"),
        ("<p><span>作者：鲁迅</span><span>来源：新青年</span></p>", "鲁迅"),
        ("<p>作者: 鲁迅　发布时间：2024-11-01</p>", "鲁迅"),
        (meta("author", "webmaster@a.test"), None),
        (meta("author", "x" * 61), None),
        (meta("author", "12345"), None),
        ("<p class=author>A long sentence that is about the author and is no name at all</p>", None),
        ("<p>nobody</p>", None),
    ],
)
def test_author(html: str, author: str | None) -> None:
    assert facts(html).author == author


@pytest.mark.parametrize(
    ("html", "canonical"),
    [
        ("<link rel=canonical href='../c?a=1'>", "http://a.test/c?a=1"),
        ("<base href='http://b.test/z/'><link rel='Canonical' href='c'>", "http://b.test/z/c"),
        ("<link rel=canonical href='javascript:x'>", None),
        ("<link rel=canonical href='http://['>", None),
        ("<link rel=alternate href='/c'>", None),
    ],
)
def test_canonical(html: str, canonical: str | None) -> None:
    assert facts(html).canonical == canonical


def test_canonical_by_header() -> None:
    header = '<http://a.test/s.css>; rel="preload", <http://a.test/c>; rel="canonical"'
    assert facts("", link=header).canonical == "http://a.test/c"
    assert facts("<link rel=canonical href=/d>", link=header).canonical == "http://a.test/d"


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<html lang=zh_cn>", "zh-CN"),
        ("<html xml:lang='ZH-hant-tw'>", "zh-Hant-TW"),
        ("<html lang=''><meta http-equiv=Content-Language content=en>", "en"),
        ("<html lang='not a tag'>", None),
        ("<p lang=fr>", None),
    ],
)
def test_declared_language(html: str, language: str | None) -> None:
    assert facts(html).declared_language == language


def test_the_language_header_is_the_last_resort_and_useless_if_it_names_several() -> None:
    assert facts("<p>", content_language="fr").declared_language == "fr"
    assert facts("<html lang=de>", content_language="fr").declared_language == "de"
    assert facts("<p>", content_language="fr, en").declared_language is None


@pytest.mark.parametrize(
    "source",
    [
        "{",
        "[" * 100_000,
        '{"author": ' * 5000,
        "9" * 5000,
        "null",
        '"x"',
        "",
        "x" * (MAX_SCRIPT_CHARS + 1),
        '{"@type": {"a": 1}}',
    ],
)
def test_odd_linked_data_is_passed_over(source: str) -> None:
    good = linked({"@type": "Article", "datePublished": "2024-11-01"})
    page = f'<script type="application/ld+json">{source}</script>{good}'
    assert facts(page).date == "2024-11-01"


def test_linked_data_with_comment_marks_and_lone_surrogates() -> None:
    script = '<script type="application/ld+json">'
    page = script + '<!-- {"@type": "Article", "author": "a\\ud800b", "n": "line\nbreak"} --></script>'
    assert facts(page).author == "a?b"
    cdata = '<script type="application/ld+json">//<![CDATA[\n{"author": "ab"}\n//]]></script>'
    assert [one["author"] for one in statements(HTMLTree.parse(cdata))] == ["ab"]


@given(st.text())
def test_a_name_is_short_and_no_address(text: str) -> None:
    name = sane_name(text)
    assert name is None or (0 < len(name) <= 60 and "@" not in name and name == " ".join(name.split()))


PIECES = [
    "<title>", "</title>", "<h1>", "作者：", "<meta name=date content='2024-", "2024-11-01", "'>", "<time datetime=",
    "<link rel=canonical href=", '<script type="application/ld+json">{"author":', '"x"}</script>', "<html lang=",
    "\x00", "&#xd800;", "<p>", "发布时间：",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_any_page_has_facts_that_can_be_stored(html: str) -> None:
    found = facts(html)
    for value in (found.title, found.author, found.canonical, found.declared_language):
        if value is not None:
            value.encode("utf-8")
