"""Calls under way at once, their results in order, with a bound on how many wait to be taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ahead(pool: Executor, call: Callable[[A], B], items: Iterable[A], limit: int) -> Iterator[B]:
    """`call` of each item, in order; at most `limit` are under way or wait, so that memory is bounded."""
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            if len(waiting) >= limit:
                yield waiting.popleft().result()
            waiting.append(pool.submit(call, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
