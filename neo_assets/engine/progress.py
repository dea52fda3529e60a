"""Where long work says how far it is: one listener per process, silent unless somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neo_assets.engine.protocol import Progress

_listeners: list[Progress] = []


@contextmanager
def listening(listener: Progress) -> Iterator[None]:
    """Send progress to the listener inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def report(what: str, done: int, total: int) -> None:
    """Tell the listeners."""
    for listener in tuple(_listeners):
        listener(what, done, total)
