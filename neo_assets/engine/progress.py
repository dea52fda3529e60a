"""Where long work says how far it is: one listener per process, silent unless somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neo_assets.engine.protocol import Progress

PROGRESS_PREFIX = "::progress "
"""A job's way to say how far it is: a line of its output with this, what is being done, units done, units in all."""

OBSERVATION_PREFIX = "::observation "
"""A job's way to tell of a partition while it is made: a line of its output with this and a JSON object."""

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


def relay(line: str) -> bool:
    """Report a job's progress line; False if the line is none."""
    if not line.startswith(PROGRESS_PREFIX):
        return False
    what, *numbers = line.removeprefix(PROGRESS_PREFIX).rstrip("\n").rsplit("\t", 2)
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return False
    report(what, int(numbers[0]), int(numbers[1]))
    return True
