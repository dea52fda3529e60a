"""WARC files: read back by warcio record for record, bounded, and damage is noticed."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from neo_assets.web.archive.warc import IDENTICAL, NOT_MODIFIED, Exchange, WarcError, WarcFolder, read_payload

WHEN = datetime(2024, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
URL = "http://a.test/%E8%B7%AF?x=1"


def exchange(url: str = URL, body: bytes = b"<p>text</p>", status: int = 200, **headers: str) -> Exchange:
    named = [("Content-Type", "text/html"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Exchange(url, "GET", [("User-Agent", "neo")], status, "HTTP/1.1", named, body, WHEN)


def folder(path: Path, max_bytes: int = 10**9) -> WarcFolder:
    return WarcFolder(path, "crawl", max_bytes, {"software": "neo"})


def test_an_exchange_is_read_back(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(exchange())
    with (tmp_path / place.file).open("rb") as file:
        assert read_payload(file, place.offset, URL, 100) == b"<p>text</p>"
    with (tmp_path / place.file).open("rb") as file:
        found = []
        for record in ArchiveIterator(file, check_digests="raise"):
            assert record.rec_headers.protocol == "WARC/1.1"
            found.append((record.rec_type, record.content_stream().read()))
            if record.rec_type == "request":
                assert record.http_headers.statusline == "/%E8%B7%AF?x=1 HTTP/1.1"
                assert record.http_headers.get_header("Host") == "a.test"
                assert record.rec_headers.get_header("WARC-Concurrent-To")
            if record.rec_type == "response":
                assert record.rec_headers.get_header("WARC-Date") == "2024-11-01T12:00:00.123456Z"
                assert record.http_headers.get_statuscode() == "200"
    assert found == [("warcinfo", b"software: neo\r\n"), ("response", b"<p>text</p>"), ("request", b"")]


def test_headers_are_true_of_the_stored_body(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(exchange(Transfer_Encoding="chunked", Content_Length="999"))
    with (tmp_path / place.file).open("rb") as file:
        (record,) = [record for record in ArchiveIterator(file) if record.rec_type == "response"]
        header = record.http_headers.get_header
        assert header("Transfer-Encoding") is None
        assert header("X-Crawler-Transfer-Encoding") == "chunked"
        assert header("Content-Length") == "11"


def test_headers_beyond_ascii_do_not_stop_the_crawl(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(exchange(Naïve="x", X_Title="caf\xe9"))
    with (tmp_path / place.file).open("rb") as file:
        assert read_payload(file, place.offset, URL, 100) == b"<p>text</p>"


def test_a_compressed_body_is_kept_and_unpacked_on_reading(tmp_path: Path) -> None:
    packed = gzip.compress(b"text" * 50, mtime=0)
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(exchange(body=packed, Content_Encoding="gzip"))
    with (tmp_path / place.file).open("rb") as file:
        assert read_payload(file, place.offset, URL, 1000) == b"text" * 50
        with pytest.raises(WarcError, match="over 100 bytes"):
            read_payload(file, place.offset, URL, 100)


@pytest.mark.parametrize(("status", "body", "profile"), [(304, b"", NOT_MODIFIED), (200, b"same", IDENTICAL)])
def test_revisits(tmp_path: Path, status: int, body: bytes, profile: str) -> None:
    with folder(tmp_path) as warcs:
        place = warcs.write_revisit(exchange(status=status, body=body), WHEN)
    with (tmp_path / place.file).open("rb") as file:
        file.seek(place.offset)
        record = next(iter(ArchiveIterator(file)))
        assert record.rec_type == "revisit"
        assert record.rec_headers.get_header("WARC-Profile") == profile
        assert record.rec_headers.get_header("WARC-Refers-To-Date") == "2024-11-01T12:00:00.123456Z"
        assert bool(record.rec_headers.get_header("WARC-Payload-Digest")) == (status == 200)
        with pytest.raises(WarcError, match="no response record"):
            read_payload(file, place.offset, URL, 100)


def test_files_are_bounded(tmp_path: Path) -> None:
    with folder(tmp_path, max_bytes=5000) as warcs:
        places = [warcs.write_exchange(exchange(f"http://a.test/{n}", bytes(range(256)) * 8)) for n in range(30)]
        names = list(warcs.names)
    assert len(names) > 1
    assert sorted({place.file for place in places}) == names == sorted(path.name for path in tmp_path.iterdir())
    assert all((tmp_path / name).stat().st_size < 5000 + 2000 for name in names)
    for number, place in enumerate(places):
        with (tmp_path / place.file).open("rb") as file:
            assert read_payload(file, place.offset, f"http://a.test/{number}", 10**4) == bytes(range(256)) * 8


def test_damage_is_noticed(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(exchange(body=bytes(range(256)) * 40))
    path, offset = tmp_path / place.file, place.offset
    whole = path.read_bytes()
    with path.open("rb") as file, pytest.raises(WarcError, match="another URL"):
        read_payload(file, place.offset, "http://b.test/", 10**5)
    for damaged in (whole[: offset + 40], whole[:offset] + bytes(200), whole[: offset + 100] + b"\xff" * 500):
        path.write_bytes(damaged)
        with path.open("rb") as file, pytest.raises(WarcError):
            read_payload(file, place.offset, URL, 10**5)


def resumed(path: Path, sizes: dict[str, int], max_bytes: int = 10**9) -> WarcFolder:
    return WarcFolder(path, "crawl", max_bytes, {"software": "neo"}, sizes)


def kinds(path: Path) -> list[tuple[str, str]]:
    with path.open("rb") as file:
        return [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))
            for record in ArchiveIterator(file, check_digests="raise")
            if record.content_stream().read() is not None
        ]


def test_what_a_kill_left_half_written_is_cut_away(tmp_path: Path) -> None:
    moments = random.Random(3)
    sizes: dict[str, int] = {}
    urls = []
    for number in range(12):
        with resumed(tmp_path, sizes, max_bytes=4000) as warcs:
            url = f"http://a.test/{number}"
            warcs.write_exchange(exchange(url, moments.randbytes(700)))
            sizes[warcs.size[0]] = warcs.size[1]
            urls.append(url)
            warcs.write_exchange(exchange("http://a.test/lost", moments.randbytes(700)))
            torn = tmp_path / warcs.size[0]
        if torn.name in sizes:
            torn.write_bytes(torn.read_bytes()[: moments.randint(sizes[torn.name], torn.stat().st_size)])
    with resumed(tmp_path, sizes) as warcs:
        assert warcs.names == sorted(sizes)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(sizes)
    assert len(sizes) > 2
    found = [kind for name in sorted(sizes) for kind in kinds(tmp_path / name)]
    assert [url for kind, url in found if kind == "response"] == urls
    assert [url for kind, url in found if kind == "request"] == urls


def test_a_file_that_lost_bytes_is_an_error(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        warcs.write_exchange(exchange())
        name, size = warcs.size
    with pytest.raises(WarcError, match="holds less than was written"):
        resumed(tmp_path, {name: size + 1})
    (tmp_path / name).unlink()
    with pytest.raises(WarcError, match="holds less than was written"):
        resumed(tmp_path, {name: size})


def test_a_body_that_is_not_whole_says_so(tmp_path: Path) -> None:
    with folder(tmp_path) as warcs:
        cut = replace(exchange(body=b"<p>te", Content_Length="999"), truncated="disconnect", address="192.0.2.1")
        place = warcs.write_exchange(cut)
    with (tmp_path / place.file).open("rb") as file:
        records = {record.rec_type: record.rec_headers for record in ArchiveIterator(file, check_digests="raise")}
    assert records["response"].get_header("WARC-Truncated") == "disconnect"
    assert records["response"].get_header("WARC-IP-Address") == "192.0.2.1"
    assert records["request"].get_header("WARC-Truncated") is None


def test_the_proxys_password_is_not_archived(tmp_path: Path) -> None:
    secret = replace(exchange(), request_headers=[("User-Agent", "neo"), ("Proxy-Authorization", "Basic c2VjcmV0")])
    with folder(tmp_path) as warcs:
        place = warcs.write_exchange(secret)
    data = gzip.decompress((tmp_path / place.file).read_bytes())
    assert b"User-Agent: neo" in data
    assert b"c2VjcmV0" not in data
