"""When a URL is asked for again, and how long a host is left in peace before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neo_assets.web.crawler.retries import may_pass, pause_seconds, retry_after_seconds
from neo_assets_tests.web.crawls import settings

NOW = datetime(2024, 11, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Fri, 01 Nov 2024 12:01:30 GMT", 90.0),
        ("Friday, 01-Nov-24 12:00:10 GMT", 10.0),
        ("Fri Nov  1 12:00:05 2024", 5.0),
        ("Fri, 01 Nov 2024 13:00:00 +0100", 0.0),
        ("Thu, 31 Oct 2024 12:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9999999999999999999999", None),
        ("Fri, 99 Nov 99999 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


def test_what_may_pass_is_tried_again() -> None:
    assert all(may_pass(status, None) for status in (429, 500, 502, 503, 504))
    assert not any(may_pass(status, None) for status in (200, 301, 304, 400, 403, 404, 410, 451))
    assert all(may_pass(None, reason) for reason in ("timeout", "reset", "connection"))
    assert may_pass(200, "truncated")
    assert not any(may_pass(None, reason) for reason in ("name", "address", "scheme"))
    assert not any(may_pass(200, reason) for reason in ("size", "encoding", None))


def test_pauses_double_and_obey_the_server() -> None:
    values = settings(retry_seconds=5)
    assert [pause_seconds(values, n, None) for n in (1, 2, 3)] == [5, 10, 20]
    assert pause_seconds(values, 1, 60.0) == 60
    assert pause_seconds(values, 3, 1.0) == 20
    assert pause_seconds(values, 10_000, None) < 1e6
