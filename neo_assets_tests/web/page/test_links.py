"""Links, also from markup that nobody should write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from neo_assets.web.page import links as links_module
from neo_assets.web.page.links import MAX_LINKS, absolute, base_of, page_links, tree_links

BROKEN = [
    b'<a href="http://[bad">x</a>', b'<base href="http://[x">', b'<a href="\x00">', b'<a href="http://\xff.test/">',
    b"<html>", b"\xff\xfe", b'<meta charset="utf-7">', b"\x1f\x8b", b'<meta charset="idna">', b"<meta charset=hex>",
    b'<a href="http://a:b:c/">', b"&a;", b"\x00", b'<a href=" javascript:x">', b"<a rel=nofollow href=y>", b"<!--",
    b'<meta http-equiv=refresh content="0;url=http://[">', b"<link rel=next href=//>",
    b'<a href="//\xe8\xb7\xaf..test">',
]  # fmt: skip


def links(html: str, url: str = "http://a.test/x/y", charset: str = "utf-8") -> list[str]:
    return [link.url for link in tree_links(HTMLTree.parse(html), url, charset) if link.followed]


def test_links_are_absolute_in_order_and_without_nofollow() -> None:
    page = (
        '<base href="/b/"><a href="c?x=1#f">1</a><a href="//d.test/e">2</a><a href="../g" rel="external NoFollow">3</a>'
        '<area href="h"><img src="i.png"><link rel="stylesheet" href="k.css"><a>none</a>'
    )
    assert page_links("http://a.test/x/y", page.encode(), None) == [
        "http://a.test/b/c?x=1#f",
        "http://d.test/e",
        "http://a.test/b/h",
    ]


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("../g", "http://a.test/g"),
        ("../../../g", "http://a.test/g"),
        (".", "http://a.test/x/"),
        ("?q=1", "http://a.test/x/y?q=1"),
        ("//h.test/", "http://h.test/"),
        ("HTTP://A.test:80/", "http://a.test:80/"),
        (" \n/a\tb\r\nc ", "http://a.test/abc"),
        ("/a b", "http://a.test/a%20b"),
        ("\\\\h.test\\a?b\\c", "http://h.test/a?b%5Cc"),
        ("http://例子.测试/路", "http://xn--fsqu00a.xn--0zwm56d/%E8%B7%AF"),
        ("/%e8%b7%af", "http://a.test/%e8%b7%af"),
        ("/100%", "http://a.test/100%"),
        ("#top", None),
        ("", None),
        ("   ", None),
        ("javascript:void(0)", None),
        ("JavaScript:x", None),
        ("mailto:a@b.test", None),
        ("data:text/html,x", None),
        ("tel:1", None),
        ("ftp://a.test/x", None),
        ("http://[bad", None),
        ("http://a.test:x/", None),
        ("x" * 10_001, None),
    ],
)
def test_addresses_as_browsers_read_them(href: str, address: str | None) -> None:
    assert absolute(href, "http://a.test/x/y") == address


def test_queries_are_in_the_pages_encoding_and_paths_in_utf8() -> None:
    # URL Standard: percent-encode the query with the document's encoding, e.g. 路 in GBK is C2 B7.
    assert absolute("/路?q=路", "http://a.test/", "gb18030") == "http://a.test/%E8%B7%AF?q=%C2%B7"
    assert absolute("/?q=路", "http://a.test/", "utf-16-le") == "http://a.test/?q=%E8%B7%AF"
    page = '<meta charset=gbk><p>中华人民共和国的法律和小说</p><a href="/s?w=法律">路</a>'.encode("gbk")
    assert page_links("http://a.test/", page, "gbk") == ["http://a.test/s?w=%B7%A8%C2%C9"]


def test_characters_that_the_encoding_lacks_are_references_as_in_a_form() -> None:
    # URL Standard, "percent-encode after encoding": an unencodable code point becomes %26%23...%3B.
    assert absolute("/?q=路", "http://a.test/", "cp1252") == "http://a.test/?q=%26%2336335%3B"


def test_refresh_frames_and_named_neighbours_are_links_but_no_style_sheets_or_feeds() -> None:
    page = (
        "<meta http-equiv=Refresh content=\"5; URL='/r'\"><link rel=canonical href=/c><link rel='next' href=/n>"
        "<link rel=prev href=/p><link rel=icon href=/i><link rel='alternate' href=/feed><frame src=/nof>"
    )
    assert links(page) == [f"http://a.test/{name}" for name in ("r", "c", "n", "p")]
    assert links("<frameset><frame src='/f'></frameset>") == ["http://a.test/f"]


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("0;url=/r", "http://a.test/r"),
        ('0; url="/r" x', "http://a.test/r"),
        ("0.5,/r", "http://a.test/r"),
        ("30", None),
        ("0; url=", None),
        ("x;url=/r", None),
    ],
)
def test_refresh(content: str, address: str | None) -> None:
    found = links(f"<meta http-equiv=refresh content='{content}'>")
    assert found == ([address] if address else [])


def test_an_address_given_twice_counts_once_and_is_followed_if_one_of_them_may_be() -> None:
    assert links("<a rel=nofollow href=/a>1</a><a href=/b>2</a><a href=/a>3</a>") == [
        "http://a.test/a",
        "http://a.test/b",
    ]
    assert links("<a rel=nofollow href=/a>1</a><a rel=nofollow href=/a>3</a>") == []


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("/b/", "http://a.test/b/"),
        ("http://c.test", "http://c.test"),
        ("javascript:x", "http://a.test/x"),
        ("data:,", "http://a.test/x"),
        ("http://[", "http://a.test/x"),
        ("", "http://a.test/x"),
    ],
)
def test_base(base: str, expected: str) -> None:
    assert base_of(HTMLTree.parse(f"<base href='{base}'><base href='/second/'>"), "http://a.test/x") == expected


def test_a_page_of_nothing_but_links_is_cut() -> None:
    page = "".join(f"<a href=/{number}>" for number in range(MAX_LINKS + 10))
    found = links(page)
    assert len(found) == MAX_LINKS
    assert found[-1] == f"http://a.test/{MAX_LINKS - 1}"


@given(
    st.lists(st.sampled_from(BROKEN), max_size=6).map(b"".join), st.sampled_from([None, "gbk", "idna", "utf-7", "x"])
)
def test_broken_markup_never_raises(data: bytes, charset: str | None) -> None:
    assert all(url.isascii() for url in page_links("http://a.test/", data, charset))


@given(st.text(), st.sampled_from(["utf-8", "gb18030", "cp1252", "iso2022_jp", "utf-16", "cp874"]))
def test_any_address_gives_ascii_http_or_nothing(href: str, charset: str) -> None:
    address = absolute(href, "http://a.test/x/", charset)
    assert address is None or (address.isascii() and address.startswith(("http://", "https://")))


SEGMENT = st.sampled_from(["a", "b.html", "..", ".", "", "c%20d", ".x", "é", "x:y", ";p"])
SEGMENTS = st.lists(SEGMENT, max_size=4).map("/".join)
TAILS = st.sampled_from(["", "?", "?q=1&r=/x", "#", "#f", "?a#b", "?é", "#?x"])


@given(
    st.sampled_from(["http://h.test", "https://h.test:8080", "http://h", "HTTP://H.test", "ftp://h.test"]),
    st.sampled_from(["", "/"]).flatmap(lambda slash: st.tuples(st.just(slash), SEGMENTS, TAILS)),
    st.tuples(st.sampled_from(["", "/", "//"]), SEGMENTS, TAILS).map("".join),
)
def test_simple_addresses_are_resolved_as_all_others(site: str, path: tuple[str, str, str], href: str) -> None:
    base = site + (path[0] and "/" + path[1]) + path[2]
    quick = absolute(href, base)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links_module, "_place", lambda base: None)
        assert quick == absolute(href, base)
