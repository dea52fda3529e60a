"""Links and sitemap entries, also from markup that nobody should write."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.links import page_links, sitemap_entries

BROKEN = [
    b'<a href="http://[bad">x</a>', b'<base href="http://[x">', b'<a href="\x00">', b"<loc>http://[</loc>", b"<urlset>",
    b"<url>", b"</url>", b'<?xml version="1.0"?>', b"<html>", b"\xff\xfe", b'<meta charset="utf-7">', b"\x1f\x8b",
    b'<meta charset="idna">', b"<meta charset=hex>", b'<a href="http://a:b:c/">', b"<sitemapindex>", b"&a;", b"\x00",
    b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<a href=" javascript:x">', b"<a rel=nofollow href=y>", b"<!--",
]  # fmt: skip


def test_links_are_absolute_in_order_and_without_nofollow() -> None:
    page = (
        '<base href="/b/"><a href="c?x=1#f">1</a><a href="//d.test/e">2</a><a href="../g" rel="nofollow">3</a>'
        '<area href="h"><img src="i.png"><link href="k.css"><a>none</a>'
    )
    assert page_links("http://a.test/x/y", page.encode(), None) == [
        "http://a.test/b/c?x=1#f",
        "http://d.test/e",
        "http://a.test/b/h",
    ]


def test_links_of_a_gbk_page_are_read_in_its_encoding() -> None:
    page = '<p>中华人民共和国的法律和小说</p><a href="/路">路</a>'.encode("gbk")
    assert page_links("http://a.test/", page, "gbk") == ["http://a.test/%E8%B7%AF"]


def test_sitemaps_plain_compressed_and_index() -> None:
    plain = b'<?xml version="1.0"?><urlset><url><loc> http://a.test/1 </loc></url><url><loc>http://a.test/2</loc></url></urlset>'
    assert sitemap_entries(plain, 1000) == ("page", ["http://a.test/1", "http://a.test/2"])
    assert sitemap_entries(gzip.compress(plain), 1000) == ("page", ["http://a.test/1", "http://a.test/2"])
    index = b"<sitemapindex><sitemap><loc>http://a.test/s.gz</loc></sitemap></sitemapindex>"
    assert sitemap_entries(index, 1000) == ("sitemap", ["http://a.test/s.gz"])


def test_a_compressed_sitemap_over_the_cap_gives_nothing() -> None:
    assert sitemap_entries(gzip.compress(b" " * 2000), 1000) == ("page", [])


def test_entities_of_a_sitemap_are_not_resolved() -> None:
    hostile = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><urlset><url><loc>http://a.test/&e;</loc></url></urlset>'
    assert all("etc" not in url and url.rstrip("/") == "http://a.test" for url in sitemap_entries(hostile, 1000)[1])


@given(
    st.lists(st.sampled_from(BROKEN), max_size=6).map(b"".join), st.sampled_from([None, "gbk", "idna", "utf-7", "x"])
)
def test_broken_markup_never_raises(data: bytes, charset: str | None) -> None:
    assert all(isinstance(url, str) for url in page_links("http://a.test/", data, charset))
    assert sitemap_entries(data, 1000)[0] in ("page", "sitemap")
