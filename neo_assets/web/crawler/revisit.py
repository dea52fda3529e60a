"""When a page is asked for again: sooner if its main text changes often, later if it stays the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from neo_assets.recipe.crawl import RevisitSettings

Seen = Literal["first", "changed", "same", "failed", "gone"]
"""What a visit found: the page for the first time, a changed main text, the same (also a redirect, or a page that is
missing), no whole answer, or a page that is gone for good (410)."""

PRECISION = 9
"""Decimals of an interval before it is rounded to days: 10 days · 1.1 are 11, not 12."""


@dataclass(frozen=True)
class Visit:
    """What is kept after a visit: the interval in days, failures in a row, and the ISO day of the next one, if any."""

    interval_days: int | None
    n_failures: int
    next_due: str | None


def next_visit(seen: Seen, day: date, interval_days: int | None, n_failures: int, settings: RevisitSettings) -> Visit:
    """The visit after one on `day`, given the interval before it (None: the page was never answered) and its failures.

    A failure leaves the interval as it is: the page is tried again on the next day, then after 2, 4, … days.
    """
    if seen == "failed":
        pause = min(2 ** min(n_failures, 30), settings.max_days)
        return Visit(interval_days, n_failures + 1, _later(day, pause))
    interval = _interval(seen, interval_days, settings)
    return Visit(interval, 0, None if seen == "gone" else _later(day, interval))


def _interval(seen: Seen, before: int | None, settings: RevisitSettings) -> int:
    days = settings.first_days
    if before is not None and seen != "first":
        days = before
        if seen == "changed":
            days = math.floor(round(before * settings.shrink, PRECISION))
        elif seen == "same":
            days = math.ceil(round(before * settings.grow, PRECISION))
    return min(max(days, settings.min_days), settings.max_days)


def _later(day: date, days: int) -> str:
    return (day + timedelta(days=days)).isoformat()
