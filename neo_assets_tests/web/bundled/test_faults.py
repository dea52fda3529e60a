"""Broken answers, seen from a plain socket: each breaks in its own way, and costs a bounded number of bytes."""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from neo_assets.web.bundled import faults
from neo_assets.web.bundled.pages import Page
from neo_assets.web.bundled.proxy import serve_site
from neo_assets.web.bundled.site import Site

BODY = b"0123456789" * 100
HOST = "faults.test"
BUSY = Page(b"busy", "text/plain", status=503)
PAGES = {
    "/silent": Page(BODY, fault="silent", seconds=0.3),
    "/reset": Page(BODY, fault="reset"),
    "/torn": Page(BODY, fault="reset within"),
    "/short": Page(BODY, fault="short"),
    "/slow": Page(BODY, fault="slow", seconds=0.4),
    "/endless": Page(BODY, fault="endless"),
    "/headers": Page(BODY, fault="endless headers"),
    "/lie": Page(BODY, headers=(("Content-Encoding", "gzip"), ("X-Robots-Tag", "noindex"))),
    "/busy": Page(BODY, n_failures=2, failing=Page(b"", status=429, headers=(("Retry-After", "7"),))),
    "/dated": Page(BODY, n_failures=1, failing=Page(b"", status=503, retry_in_seconds=60)),
    "/torn-once": Page(BODY, n_failures=1, failing=Page(b"", fault="reset")),
    "/print": Page(b"page"),
    "/print?view=1": Page(b"printed"),
}


def made(target: str) -> Page | None:
    return Page(target.encode()) if target.startswith("/made") else None


@pytest.fixture(scope="module")
def sent() -> dict[str, int]:
    return {}


@pytest.fixture(scope="module")
def address(sent: dict[str, int]) -> Iterator[str]:
    site = Site(0, {(HOST, path): page for path, page in PAGES.items()}, {}, (), {"made.test": made, HOST: made})
    with serve_site(site, None, sent) as address:
        yield address


def raw(address: str, path: str, most: int = 1 << 20, host: str = HOST) -> tuple[bytes, bool]:
    """All that a plain socket reads (up to `most` bytes, then it hangs up), and whether it ended by a reset."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        request = f"GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        received = bytearray()
        try:
            while len(received) < most and (data := connection.recv(65536)):
                received += data
        except ConnectionResetError:
            return bytes(received), True
        return bytes(received), False


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_silence_ends_without_an_answer(address: str) -> None:
    began = time.monotonic()
    assert raw(address, "/silent") == (b"", False)
    assert 0.25 < time.monotonic() - began < 5


def test_resets_come_before_any_byte_or_in_the_middle(address: str) -> None:
    assert raw(address, "/reset") == (b"", True)
    answer, was_reset = raw(address, "/torn")
    assert was_reset
    assert body_of(answer) == BODY[: len(BODY) // 2]
    assert b"Content-Length: 1000" in answer


def test_a_short_body_is_half_of_what_was_promised(address: str) -> None:
    answer, was_reset = raw(address, "/short")
    assert not was_reset
    assert b"Content-Length: 2000" in answer
    assert body_of(answer) == BODY


def test_a_slow_body_is_whole_and_takes_its_time(address: str) -> None:
    began = time.monotonic()
    assert body_of(raw(address, "/slow")[0]) == BODY
    assert 0.35 < time.monotonic() - began < 5


@pytest.mark.parametrize("path", ["/endless", "/headers"])
def test_what_has_no_end_stops_when_the_client_hangs_up(address: str, path: str, sent: dict[str, int]) -> None:
    answer, _ = raw(address, path, most=200_000)
    assert len(answer) >= 200_000
    time.sleep(0.2)
    before = sent[f"http://{HOST}{path}"]
    time.sleep(0.1)
    assert before == sent[f"http://{HOST}{path}"] < 8_000_000


@pytest.mark.parametrize("path", ["/endless", "/headers"])
def test_what_has_no_end_has_one_for_a_client_without_a_bound(address: str, path: str) -> None:
    answer, _ = raw(address, path, most=1 << 40)
    assert 0.9 * faults.MAX_FAULT_BYTES < len(answer) < 1.1 * faults.MAX_FAULT_BYTES
    if path == "/endless":
        first = re.match(rb"3e8\r\n(.*?)\r\n", body_of(answer))
        assert first is not None
        assert first[1] == BODY
        assert not answer.endswith(b"0\r\n\r\n")
    else:
        assert b"\r\n\r\n" not in answer


def test_failures_come_first_and_as_they_are_described(address: str) -> None:
    answers = [raw(address, "/busy")[0] for _ in range(3)]
    assert [answer.split()[1] for answer in answers] == [b"429", b"429", b"200"]
    assert [b"\r\nRetry-After: 7\r\n" in answer for answer in answers] == [True, True, False]
    assert raw(address, "/torn-once") == (b"", True)
    assert body_of(raw(address, "/torn-once")[0]) == BODY


def test_a_date_to_retry_at_lies_ahead(address: str) -> None:
    answer, _ = raw(address, "/dated")
    header = re.search(rb"Retry-After: (.*)\r\n", answer)
    assert header is not None
    ahead = parsedate_to_datetime(header[1].decode()) - datetime.now(UTC)
    assert 50 < ahead.total_seconds() <= 60


def test_further_headers_are_sent_as_they_are(address: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    for method, body in (("GET", BODY), ("HEAD", b"")):
        connection.request(method, f"http://{HOST}/lie")
        response = connection.getresponse()
        assert (response.headers["Content-Encoding"], response.headers["X-Robots-Tag"]) == ("gzip", "noindex")
        assert response.read() == body
    connection.close()


def test_pages_are_found_by_their_query_or_made_when_asked_for(address: str) -> None:
    assert body_of(raw(address, "/print?view=1")[0]) == b"printed"
    assert body_of(raw(address, "/print?view=2")[0]) == b"page"
    assert body_of(raw(address, "/made/a?b=c")[0]) == b"/made/a?b=c"
    assert body_of(raw(address, "/made?x", host="made.test")[0]) == b"/made?x"
    assert raw(address, "/other", host="made.test")[0].split()[1] == b"404"
    assert raw(address, "/made", host="other.test")[0].split()[1] == b"403"
