"""Sitemap entries, from whole, broken and hostile files."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.page.links import sitemap_entries as of_links
from neo_assets.web.page.sitemaps import MAX_ENTRIES, SitemapEntry, iso_day, sitemap_entries

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
BROKEN = [
    b"<loc>http://[</loc>", b"<urlset>", b"<url>", b"</url>", b'<?xml version="1.0"?>', b"\xff\xfe", b"<sitemapindex>",
    b"&a;", b"\x00", b'<!DOCTYPE x [<!ENTITY a "b">]>', b"<!--", b"\x1f\x8b", b"http://a.test/\n", b"<![CDATA[",
    b"<loc>http://a.test/</loc>", b"<lastmod>x</lastmod>", b"\xe8\xb7",
]  # fmt: skip


def urls(payload: bytes, max_bytes: int = 10**6) -> list[str]:
    return [entry.url for entry in sitemap_entries(payload, max_bytes)[1]]


def urlset(*entries: str) -> bytes:
    inner = "".join(f"<url>{entry}</url>" for entry in entries)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {NAMESPACE}>{inner}</urlset>'.encode()


def test_entries_with_their_days() -> None:
    payload = urlset(
        "<loc> http://a.test/1 </loc><lastmod>2024-11-01</lastmod>",
        "<lastmod>2024-11-01T23:30:00-05:00</lastmod><loc>http://a.test/?a=1&amp;b=2</loc><priority>0.5</priority>",
        "<loc><![CDATA[http://a.test/3]]></loc><lastmod>yesterday</lastmod>",
        "<priority>1</priority>",
    )
    assert sitemap_entries(payload, 10**6) == (
        "page",
        [
            SitemapEntry("http://a.test/1", "2024-11-01"),
            SitemapEntry("http://a.test/?a=1&b=2", "2024-11-02"),
            SitemapEntry("http://a.test/3", None),
        ],
    )
    assert of_links is sitemap_entries


def test_an_index_and_compressed_files_of_several_members() -> None:
    index = (
        b"<sitemapindex><sitemap><loc>http://a.test/s.gz</loc><lastmod>2024-11-01</lastmod></sitemap></sitemapindex>"
    )
    assert sitemap_entries(index, 1000) == ("sitemap", [SitemapEntry("http://a.test/s.gz", "2024-11-01")])
    assert sitemap_entries(gzip.compress(index[:40]) + gzip.compress(index[40:]), 1000)[0] == "sitemap"


@pytest.mark.parametrize(
    "payload",
    [
        b"<urlset><url><loc>http://a.test/1</loc></url></urlset>",
        b"<sm:urlset><sm:url><sm:loc>http://a.test/1</sm:loc></sm:url></sm:urlset>",
        f"<URLSET {NAMESPACE}><Url><Loc>http://a.test/1</Loc></Url></URLSET>".encode(),
        b"\xef\xbb\xbf\n<urlset><url><loc>http://a.test/1</loc></url></urlset>",
        "<urlset><url><loc>http://a.test/1</loc></url></urlset>".encode("utf-16"),
        b"<urlset><url><loc>http://a.test/1</loc><img:image xmlns:img='x'><img:loc>http://b.test/i</img:loc></img:image>"
        b"</url></urlset>",
    ],
)
def test_namespaces_case_and_encoding_do_not_matter(payload: bytes) -> None:
    assert urls(payload) == ["http://a.test/1"]


def test_a_text_file_lists_a_url_a_line() -> None:
    text = "\ufeffhttp://a.test/1\r\n\n# no\nftp://a.test/\n https://a.test/路 \n".encode()
    assert urls(text) == ["http://a.test/1", "https://a.test/路"]
    assert urls(gzip.compress(text)) == urls(text)


@pytest.mark.parametrize("cut", [60, 95, 150, 185, 200, 250, 275])
def test_what_is_cut_off_gives_the_entries_before(cut: int) -> None:
    payload = urlset(*(f"<loc>http://a.test/{number}</loc>" for number in range(5)))
    whole = payload[:cut].count(b"</url>")
    assert len(payload) > cut
    assert urls(payload[:cut]) == [f"http://a.test/{number}" for number in range(whole)]


def test_a_damaged_archive_gives_what_it_holds_and_a_bomb_no_more_than_the_cap() -> None:
    payload = urlset(*(f"<loc>http://a.test/{number * 7919 % 10007}</loc>" for number in range(3000)))
    packed = gzip.compress(payload)
    found = urls(packed[: len(packed) // 2])
    assert 100 < len(found) < 3000
    assert found == urls(payload)[: len(found)]
    assert urls(gzip.compress(b" " * 2000), 1000) == []
    assert urls(b"http://a.test/1\nhttp://a.test/23", 30) == ["http://a.test/1"]
    bomb = gzip.compress(b"http://a.test/\n" * 10**6)
    assert len(urls(bomb, 15_000)) == 1000


def test_no_more_entries_than_the_protocol_allows() -> None:
    line = b"http://a.test/\n"
    assert len(urls(line * (MAX_ENTRIES + 5))) == MAX_ENTRIES
    xml = b"<urlset>" + b"<url><loc>http://a.test/</loc></url>" * (MAX_ENTRIES + 5)
    assert len(urls(xml, 10**7)) == MAX_ENTRIES


def test_entities_are_not_expanded() -> None:
    local = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><urlset><url><loc>http://a.test/&e;</loc></url></urlset>'
    assert urls(local) == []
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><urlset><url><loc>http://a.test/&l9;</loc></url><url><loc>http://a.test/2</loc></url></urlset>'
    assert urls(bomb.encode()) in ([], ["http://a.test/2"])


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-11-01", "2024-11-01"),
        (" 2024-11-01T00:30:00+08:00\n", "2024-10-31"),
        ("2024-11-01T12:00:00Z", "2024-11-01"),
        ("2024-11-01T12:00:00.123456", "2024-11-01"),
        ("2024-11", None),
        ("2024-13-01", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("", None),
    ],
)
def test_days(text: str, day: str | None) -> None:
    assert iso_day(text) == day


@given(st.lists(st.sampled_from(BROKEN), max_size=8).map(b"".join))
def test_broken_files_never_raise(data: bytes) -> None:
    kind, entries = sitemap_entries(data, 1000)
    assert kind in ("page", "sitemap")
    assert all(entry.url for entry in entries)


@given(st.binary())
def test_any_bytes_never_raise(data: bytes) -> None:
    sitemap_entries(data, 1000)
    sitemap_entries(b"\x1f\x8b" + data, 1000)
    sitemap_entries(b"<" + data, 1000)
