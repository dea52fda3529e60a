"""A child process that does not outlive its parent, even one killed without notice."""

from __future__ import annotations

import os
import threading
import time


def exit_with_parent(parent: int, interval_seconds: float = 0.5) -> None:
    """Watch the parent from a thread and exit at once when this process has been re-parented."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()
