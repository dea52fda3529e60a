"""When a page is asked for again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.crawl import RevisitSettings
from neo_assets.web.crawler.revisit import Seen, next_visit

DAY = date(2024, 2, 28)
SETTINGS = RevisitSettings(first_days=2, min_days=1, max_days=30)


@pytest.mark.parametrize(
    ("seen", "before", "failures", "interval", "n_failures", "due"),
    [
        ("first", None, 0, 2, 0, "2024-03-01"),
        ("first", 20, 3, 2, 0, "2024-03-01"),
        ("same", None, 0, 2, 0, "2024-03-01"),
        ("same", 2, 0, 3, 0, "2024-03-02"),
        ("same", 3, 1, 5, 0, "2024-03-04"),
        ("same", 27, 0, 30, 0, "2024-03-29"),
        ("changed", 30, 0, 15, 0, "2024-03-14"),
        ("changed", 3, 0, 1, 0, "2024-02-29"),
        ("changed", 1, 0, 1, 0, "2024-02-29"),
        ("changed", None, 0, 2, 0, "2024-03-01"),
        ("gone", 8, 2, 8, 0, None),
        ("gone", None, 0, 2, 0, None),
        ("failed", None, 0, None, 1, "2024-02-29"),
        ("failed", 8, 1, 8, 2, "2024-03-01"),
        ("failed", 8, 2, 8, 3, "2024-03-03"),
        ("failed", 8, 5, 8, 6, "2024-03-29"),
        ("failed", 8, 10**9, 8, 10**9 + 1, "2024-03-29"),
    ],
)
def test_intervals(
    seen: Seen, before: int | None, failures: int, interval: int | None, n_failures: int, due: str | None
) -> None:
    visit = next_visit(seen, DAY, before, failures, SETTINGS)
    assert (visit.interval_days, visit.n_failures, visit.next_due) == (interval, n_failures, due)


def test_factors_are_decimal() -> None:
    assert next_visit("same", DAY, 10, 0, RevisitSettings(grow=1.1)).interval_days == 11  # 10 * 1.1 > 11 in binary
    assert next_visit("changed", DAY, 10, 0, RevisitSettings(shrink=0.7)).interval_days == 7
    assert next_visit("same", DAY, 10, 0, RevisitSettings(grow=1.0)).interval_days == 10


DAYS = st.integers(1, 60)
FACTORS = {"grow": st.floats(1, 10), "shrink": st.floats(0.01, 1)}


@st.composite
def revisits(draw: Any) -> RevisitSettings:
    low, first, high = sorted(draw(st.tuples(DAYS, DAYS, DAYS)))
    return RevisitSettings(
        first_days=first, min_days=low, max_days=high, **{name: draw(values) for name, values in FACTORS.items()}
    )


@given(revisits(), st.sampled_from(["first", "changed", "same", "gone"]), st.one_of(st.none(), DAYS), DAYS)
def test_intervals_are_bounded_and_monotone(settings: RevisitSettings, seen: Seen, before: int, more: int) -> None:
    visit = next_visit(seen, DAY, before, 0, settings)
    assert visit.interval_days is not None and settings.min_days <= visit.interval_days <= settings.max_days
    expected = None if seen == "gone" else (DAY + timedelta(days=visit.interval_days)).isoformat()
    assert visit.next_due == expected
    if before is not None:
        longer = next_visit(seen, DAY, before + more, 0, settings)
        assert longer.interval_days is not None and longer.interval_days >= visit.interval_days
        within = settings.min_days <= before <= settings.max_days
        assert not within or seen != "same" or visit.interval_days >= before
        assert not within or seen != "changed" or visit.interval_days <= before


@given(revisits(), st.integers(0, 100))
def test_pauses_after_failures_grow_up_to_the_longest_interval(settings: RevisitSettings, n_failures: int) -> None:
    one, other = (next_visit("failed", DAY, 3, n, settings) for n in (n_failures, n_failures + 1))
    assert one.next_due is not None and other.next_due is not None
    assert DAY.isoformat() < one.next_due <= other.next_due <= (DAY + timedelta(settings.max_days)).isoformat()
