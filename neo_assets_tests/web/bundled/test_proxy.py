"""The proxy of the bundled web: its own hosts only, correct validators, no connection of its own."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from neo_assets.web.bundled.proxy import serve
from neo_assets.web.bundled.site import build_site

LAW = next(url for url in sorted(build_site(0).articles) if "laws.neo.test/law" in url)
POEM = "http://poems.neo.test/qts/001.html"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(0) as address:
        yield address


def ask(address: str, url: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request(method, url, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def page_of(url: str, epoch: int = 0) -> bytes:
    return build_site(epoch).pages[urlsplit(url).netloc, urlsplit(url).path].body


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1/",
        "http://laws.neo.test:8080/",
        "http://laws.neo.test.example.com/",
        "http://user@laws.neo.test/",
        "https://laws.neo.test/",
        "ftp://laws.neo.test/",
        "/robots.txt",
    ],
)
def test_foreign_hosts_ports_and_schemes_are_refused(address: str, url: str) -> None:
    response, _ = ask(address, url)
    assert response.status == 403


@pytest.mark.parametrize("method", ["CONNECT", "POST", "PUT"])
def test_other_methods_are_refused(address: str, method: str) -> None:
    response, _ = ask(address, "laws.neo.test:443" if method == "CONNECT" else LAW, method)
    assert response.status == 501


def test_plain_and_compressed_and_chunked_answers_hold_the_page(address: str) -> None:
    assert ask(address, LAW)[1] == page_of(LAW)
    response, body = ask(address, LAW, Accept_Encoding="gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == page_of(LAW)
    response, body = ask(address, POEM)
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert body == page_of(POEM)


def test_answers_carry_no_clock(address: str) -> None:
    response, _ = ask(address, LAW)
    assert response.headers["Date"] is None
    assert response.headers["Server"] is None
    assert "2024" in response.headers["Last-Modified"]


def test_conditional_requests(address: str) -> None:
    response, _ = ask(address, LAW)
    etag, modified = response.headers["ETag"], response.headers["Last-Modified"]
    assert ask(address, LAW, If_None_Match=etag)[0].status == 304
    assert ask(address, LAW, If_None_Match=etag)[1] == b""
    assert ask(address, LAW, If_None_Match=f'"other", W/{etag.removeprefix("W/")}')[0].status == 304
    assert ask(address, LAW, If_Modified_Since=modified)[0].status == 304
    assert ask(address, LAW, If_Modified_Since="Mon, 01 Jan 2024 00:00:00 GMT")[0].status == 200
    assert ask(address, LAW, If_Modified_Since="no date")[0].status == 200
    # An entity tag decides over a date (RFC 9110, section 13.2.2).
    assert ask(address, LAW, If_None_Match='"other"', If_Modified_Since=modified)[0].status == 200


def test_a_changed_page_is_sent_anew_and_a_gone_one_is_gone() -> None:
    first, second = build_site(0), build_site(1)
    changed = next(key for key in sorted(first.pages) if second.pages[key].etag != first.pages[key].etag)
    gone = next(key for key, page in sorted(second.pages.items()) if page.status == 410)
    with serve(1) as address:
        old = first.pages[changed].etag or ""
        response, body = ask(address, f"http://{changed[0]}{changed[1]}", If_None_Match=old)
        assert (response.status, body) == (200, second.pages[changed].body)
        assert ask(address, f"http://{gone[0]}{gone[1]}")[0].status == 410


def test_missing_moved_and_flaky_pages(address: str) -> None:
    assert ask(address, "http://laws.neo.test/nowhere")[0].status == 404
    response, _ = ask(address, "http://laws.neo.test/old/0")
    assert response.status == 301
    assert response.headers["Location"].startswith("/law/")
    statuses = [ask(address, "http://junk.neo.test/flaky.html")[0].status for _ in range(3)]
    assert statuses == [503, 200, 200]


def test_head_has_no_body(address: str) -> None:
    response, body = ask(address, LAW, "HEAD")
    assert (response.status, body) == (200, b"")


def test_requests_are_logged() -> None:
    log: list[str] = []
    with serve(0, log) as address:
        ask(address, LAW)
    assert log == [LAW]
