"""Whose turn it is: requests wait by host, and each host is asked no faster than it may be.

Scrapy's own queue per host counts a request that waits for its host as one under way, so that a few paused hosts would
hold up all others. Here only requests whose time has come are given out. Time is an argument: nothing here waits.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
PRUNE_HOSTS = 10_000
"""Hosts that are remembered before those with nothing to remember are looked for."""


@dataclass
class _Host(Generic[T]):
    delay: float
    concurrency: int
    ready_at: float = 0.0
    n_active: int = 0
    queued: bool = False
    waiting: deque[T] = field(default_factory=deque)


class Turns(Generic[T]):
    """Items that wait by host. `take` gives the next whose host may be asked; `done` frees its place again.

    Args:
        delay: seconds between the starts of two requests to one host.
        concurrency: requests under way to one host.
    """

    def __init__(self, delay: float, concurrency: int) -> None:
        self._delay = delay
        self._concurrency = concurrency
        self._hosts: dict[str, _Host[T]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._n_queued = 0
        self._n_to_prune = PRUNE_HOSTS
        self.n_waiting = 0
        self.n_active = 0

    def put(self, host: str, item: T, *, first: bool = False) -> None:
        """Let an item wait for its host, before all others of the host if `first`."""
        entry = self._entry(host)
        if first:
            entry.waiting.appendleft(item)
        else:
            entry.waiting.append(item)
        self.n_waiting += 1
        self._queue(host, entry)

    def take(self, now: float) -> T | None:
        """The next item, hosts taking turns in the order in which they became ready; None if none may be asked now."""
        while (at := self.next_at()) is not None and at <= now:
            host = heapq.heappop(self._ready)[2]
            entry = self._hosts[host]
            entry.queued = False
            item = entry.waiting.popleft()
            entry.n_active += 1
            entry.ready_at = now + entry.delay
            self.n_waiting -= 1
            self.n_active += 1
            self._queue(host, entry)
            self._prune(now)
            return item
        return None

    def done(self, host: str) -> None:
        """One request to the host is over."""
        entry = self._hosts[host]
        entry.n_active -= 1
        self.n_active -= 1
        self._queue(host, entry)

    def pause(self, host: str, until: float) -> None:
        """Ask nothing of the host before `until`."""
        entry = self._entry(host)
        entry.ready_at = max(entry.ready_at, until)

    def slow_down(self, host: str, delay: float) -> None:
        """One request at a time to the host, and `delay` seconds between their starts."""
        entry = self._entry(host)
        entry.ready_at = max(entry.ready_at, entry.ready_at - entry.delay + delay)
        entry.delay, entry.concurrency = max(entry.delay, delay), 1

    def drop(self, host: str) -> list[T]:
        """Take away everything that waits for the host."""
        entry = self._entry(host)
        dropped = list(entry.waiting)
        entry.waiting.clear()
        self.n_waiting -= len(dropped)
        return dropped

    def next_at(self) -> float | None:
        """The earliest moment at which `take` may give something without a `done` before it; None if never."""
        while self._ready:
            at, _, host = self._ready[0]
            entry = self._hosts[host]
            if entry.waiting and entry.n_active < entry.concurrency and entry.ready_at <= at:
                return at
            heapq.heappop(self._ready)
            entry.queued = False
            self._queue(host, entry)
        return None

    def _entry(self, host: str) -> _Host[T]:
        return self._hosts.setdefault(host, _Host(self._delay, self._concurrency))

    def _prune(self, now: float) -> None:
        """Forget hosts that would be the same if they were new: their memory is bounded, at O(1) a `take`."""
        if len(self._hosts) < self._n_to_prune:
            return
        fresh = (self._delay, self._concurrency)
        self._hosts = {
            host: of
            for host, of in self._hosts.items()
            if of.waiting or of.n_active or of.queued or of.ready_at > now or (of.delay, of.concurrency) != fresh
        }
        self._n_to_prune = max(PRUNE_HOSTS, 2 * len(self._hosts))

    def _queue(self, host: str, entry: _Host[T]) -> None:
        """Note when the host can be asked next. It is noted once; `next_at` looks whether that still holds."""
        if entry.waiting and entry.n_active < entry.concurrency and not entry.queued:
            entry.queued = True
            self._n_queued += 1
            heapq.heappush(self._ready, (entry.ready_at, self._n_queued, host))
