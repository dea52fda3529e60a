"""Whose turn it is: simulated by a clock of numbers, against the rules stated plainly."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.crawler import turns as turns_module
from neo_assets.web.crawler.turns import Turns


def test_hosts_take_turns_and_a_slow_one_holds_up_nobody() -> None:
    turns: Turns[str] = Turns(1.0, 1)
    for name in ("a1", "a2", "b1", "b2"):
        turns.put(name[0], name)
    assert [turns.take(0.0), turns.take(0.0), turns.take(0.0)] == ["a1", "b1", None]
    assert turns.next_at() is None, "both hosts are busy"
    turns.done("a")
    assert (turns.take(0.5), turns.next_at()) == (None, 1.0)
    assert turns.take(1.0) == "a2"
    turns.pause("b", 9.0)
    turns.done("b")
    assert (turns.take(8.9), turns.next_at(), turns.take(9.0)) == (None, 9.0, "b2")
    assert (turns.n_waiting, turns.n_active) == (0, 2)


def test_a_retry_comes_first_and_waits_its_pause() -> None:
    turns: Turns[str] = Turns(0.0, 4)
    turns.put("a", "one")
    turns.put("a", "two")
    assert turns.take(0.0) == "one"
    turns.put("a", "one again", first=True)
    turns.pause("a", 5.0)
    turns.done("a")
    assert [turns.take(4.9), turns.take(5.0), turns.take(5.0)] == [None, "one again", "two"]


def test_a_crawl_delay_counts_from_the_last_start() -> None:
    turns: Turns[int] = Turns(0.0, 8)
    for number in range(3):
        turns.put("a", number)
    assert turns.take(10.0) == 0
    turns.slow_down("a", 2.5)
    assert turns.take(12.4) is None
    turns.done("a")
    assert (turns.take(12.4), turns.take(12.5), turns.take(99.0)) == (None, 1, None)
    turns.done("a")
    turns.slow_down("a", 1.0)
    assert (turns.take(14.9), turns.take(15.0)) == (None, 2)


def test_what_waits_for_a_host_can_be_dropped() -> None:
    turns: Turns[str] = Turns(0.0, 1)
    for name in ("a1", "a2", "b1"):
        turns.put(name[0], name)
    assert turns.drop("a") == ["a1", "a2"]
    assert (turns.take(0.0), turns.take(0.0), turns.n_waiting) == ("b1", None, 0)


@given(
    st.lists(st.sampled_from("abcd"), max_size=40),
    st.floats(0, 3),
    st.integers(1, 3),
    st.lists(st.floats(0.01, 5), min_size=1, max_size=7),
)
def test_everything_is_given_once_in_order_and_politely(
    hosts: list[str], delay: float, concurrency: int, durations: list[float]
) -> None:
    turns: Turns[tuple[str, int]] = Turns(delay, concurrency)
    for number, host in enumerate(hosts):
        turns.put(host, (host, number))
    now = 0.0
    given_at: list[tuple[float, tuple[str, int]]] = []
    ends: list[tuple[float, str]] = []
    while turns.n_waiting or ends:
        while (item := turns.take(now)) is not None:
            given_at.append((now, item))
            ends.append((now + durations[item[1] % len(durations)], item[0]))
            assert Counter(host for _, host in ends)[item[0]] <= concurrency
        upcoming = [at for at in (turns.next_at(), min(ends)[0] if ends else None) if at is not None]
        assert upcoming, "something waits, and nothing would ever happen"
        now = min(upcoming)
        for end in [end for end in ends if end[0] <= now]:
            ends.remove(end)
            turns.done(end[1])
    for host in set(hosts):
        mine = [(at, number) for at, (of, number) in given_at if of == host]
        assert [number for _, number in mine] == [number for number, of in enumerate(hosts) if of == host]
        assert all(later[0] - earlier[0] >= delay - 1e-9 for earlier, later in pairwise(mine))


def test_hosts_with_nothing_to_remember_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "PRUNE_HOSTS", 10)
    turns: Turns[str] = Turns(1.0, 2)
    turns.slow_down("slow", 30.0)
    turns.pause("paused", 400.0)
    turns.put("busy", "under way")
    assert turns.take(0.0) == "under way"
    turns.put("paused", "later")
    most = 0
    for number in range(300):
        turns.put(f"host {number}", "page")
        assert turns.take(float(number)) == "page"
        turns.done(f"host {number}")
        most = max(most, len(turns._hosts))
    assert most < 20
    turns.put("slow", "first")
    turns.put("slow", "second")
    assert (turns.take(300.0), turns.take(329.0)) == ("first", None), "one at a time"
    turns.done("slow")
    assert (turns.take(329.0), turns.take(330.0)) == (None, "second"), "thirty seconds between them"
    assert (turns.take(399.0), turns.take(400.0)) == (None, "later")
    turns.done("busy")
