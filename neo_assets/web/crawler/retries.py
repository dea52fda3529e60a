"""When a URL is asked for again on the same day, and after which pause (RFC 9110, 10.2.3: Retry-After)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from neo_assets.recipe.crawl import CrawlSection

TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500
PASSING = frozenset({"timeout", "reset", "connection", "truncated"})
"""Reasons of failure that may be gone in a moment. A name without an address or a body over the cap will not."""
SECONDS = re.compile(r"[0-9]{1,9}")


def may_pass(status: int | None, reason: str | None) -> bool:
    """Whether an answer (its status, or the reason why there is none) is worth another try."""
    if status is not None and (status == TOO_MANY_REQUESTS or status >= SERVER_ERROR):
        return True
    return reason in PASSING


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """What a Retry-After header asks for: seconds, or the time until an HTTP date; None without a readable one."""
    text = (value or "").strip()
    if SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - now).total_seconds())


def pause_seconds(settings: CrawlSection, n_tries: int, asked: float | None) -> float:
    """The pause after the `n_tries`-th try: it doubles each time, and is at least what the server `asked` for."""
    return max(settings.retry_seconds * 2.0 ** min(n_tries - 1, 16), asked or 0.0)
