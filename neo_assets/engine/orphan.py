"""A child process that does not outlive its parent, even one killed without notice."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


def exit_with_parent(parent: int, interval_seconds: float = 0.5) -> None:
    """Watch the parent from a thread and exit at once when this process has been re-parented."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()


@contextmanager
def stopped_with_us(process: subprocess.Popen[str], grace_seconds: float) -> Iterator[None]:
    """When the block is interrupted, ask the process to end, and end it if it has not after `grace_seconds`."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
