"""Whose wish it was that ended a run: a user's, or the cluster's that moves its watcher away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg


def is_cancelled(context: dg.AssetExecutionContext) -> bool:
    """Whether a user asked to end the run: the eviction of its watcher leaves the run's status as it is."""
    run = context.instance.get_run_by_id(context.run.run_id)
    return run is not None and run.status in {dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED}


@contextmanager
def noting_keyboard() -> Iterator[list[int]]:
    """Note the signals that came from a keyboard (SIGINT); clusters and init systems end a process by SIGTERM.

    Dagster handles both alike, and does so still.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        noted.append(number)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
