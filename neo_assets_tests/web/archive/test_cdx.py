"""The index of WARC files: keys, order, and every record found at its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from neo_assets.web.archive.cdx import surt, write_index
from neo_assets.web.archive.warc import Exchange, Place, WarcFolder

WHEN = datetime(2024, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        # All but the IPv6 one are what the surt package gives (PyPI surt 0.3.1); the first is its README's example.
        ("http://archive.org/goo/?a=2&b&a=1", "org,archive)/goo?a=1&a=2&b"),
        ("http://www.archive.org/", "org,archive)/"),
        ("http://www2.example.com:8080/A/B/", "com,example:8080)/a/b"),
        ("http://192.168.1.254/info/", "254,1,168,192)/info"),
        ("https://example.com:443/x?", "com,example)/x"),
        ("http://a.test/a//b/?A=B&a=", "test,a)/a/b?a=&a=b"),
        ("http://laws.neo.test", "test,neo,laws)/"),
        ("http://[2606:4700::1111]/a", "2606:4700::1111)/a"),
        ("http://a.test/%E8%B7%AF", "test,a)/%e8%b7%af"),
    ],
)
def test_keys(url: str, key: str) -> None:
    assert surt(url) == key


def written(folder: Path) -> dict[tuple[str, int], tuple[str, Place, str]]:
    found = {}
    with WarcFolder(folder, "crawl", 3000, {"software": "neo"}) as warcs:
        for number in range(24):
            url, body = f"http://h{number % 5}.test/{number}?x", bytes(range(256)) * (number % 3)
            headers = [("Content-Type", "Text/HTML; charset=gbk")]
            truncated = "length" if number == 3 else None
            when = WHEN + timedelta(seconds=number)
            exchange = Exchange(url, "GET", [], 200, "HTTP/1.1", headers, body, when, truncated)
            is_revisit = number % 4 == 1
            place = warcs.write_revisit(exchange, WHEN) if is_revisit else warcs.write_exchange(exchange)
            found[place.file, place.offset] = (url, place, "revisit" if is_revisit else "response")
    return found


def test_every_record_is_found_at_its_place(tmp_path: Path) -> None:
    records = written(tmp_path)
    names = sorted({name for name, _ in records})
    assert len(names) > 2
    index = write_index(tmp_path, names)
    lines = index.read_text().splitlines()
    assert lines == sorted(lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "index.cdxj"])
    seen = set()
    for line in lines:
        key, timestamp, text = line.split(" ", 2)
        fields = json.loads(text)
        url, place, kind = records[fields["filename"], int(fields["offset"])]
        seen.add((fields["filename"], int(fields["offset"])))
        assert (fields["url"], key, fields["length"]) == (url, surt(url), str(place.length))
        assert timestamp == (WHEN + timedelta(seconds=int(url.split("/")[-1][:-2]))).strftime("%Y%m%d%H%M%S")
        assert fields["status"] == "200"
        assert fields["mime"] == ("warc/revisit" if kind == "revisit" else "text/html")
        assert fields.get("truncated") == ("length" if "/3?" in url else None)
        with (tmp_path / fields["filename"]).open("rb") as file:
            file.seek(place.offset)
            member = file.read(place.length)
        (tmp_path / "one.warc.gz").write_bytes(member)
        with (tmp_path / "one.warc.gz").open("rb") as file:
            (record,) = ArchiveIterator(file)
            assert record.rec_headers.get_header("WARC-Target-URI") == url
            assert record.rec_headers.get_header("WARC-Payload-Digest") == f"sha1:{fields['digest']}"
    assert seen == set(records)


def test_nothing_crawled_gives_an_empty_index(tmp_path: Path) -> None:
    assert write_index(tmp_path, []).read_text() == ""
