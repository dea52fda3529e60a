"""Replaces a checkpoint and is killed in the middle, once at each of four moments. Run by `test_checkpoint.py`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from neo_assets.model.files import checkpoint, publish
from neo_assets_tests.model.memory_stack import make_checkpoint
from neo_assets_tests.model.settings import tiny_training

MOMENTS = ((publish, "write_tensors"), (checkpoint, "finish_folder"), (publish, "_sync"), (Path, "rename"))


def die(*arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(out: Path) -> None:
    """Prints every moment, and the signal that ended the writer."""
    tiny = tiny_training().chosen
    for owner, moment in MOMENTS:
        child = os.fork()  # before any tensor: threads do not survive it
        if not child:
            make_checkpoint(out / moment / "a", tiny, seed=1)
            setattr(owner, moment, die)
            make_checkpoint(out / moment / "a", tiny, seed=2)
            os._exit(0)
        print(moment, os.WTERMSIG(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
