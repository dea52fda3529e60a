"""One rank of a training, as a process: `python -m neo_assets.model.train.worker SPEC.json [PARENT_PID]`.

Rank 0 reports on standard output (see `processes.EVENT_PREFIX`): `resumed`, `step`, `checkpoint`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.model.train.processes import EVENT_PREFIX
from neo_assets.model.train.run import Segment

PEER_GONE = re.compile(r"[Cc]onnection (closed|reset|refused)|[Bb]roken pipe|gloo|NCCL|[Tt]imed out waiting")


def report(event: str, values: Mapping[str, Any]) -> None:
    """Write one event as one line, in one call: lines of several ranks do not mix."""
    sys.stdout.flush()
    os.write(1, f"{EVENT_PREFIX}{json.dumps({'event': event, **values})}\n".encode())


def main() -> None:
    """Train the segment of the specification."""
    arguments = sys.argv[1:]
    exit_with_parent(int(arguments[1]) if len(arguments) > 1 else os.getppid())
    segment = Segment.from_spec(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    rank = int(os.environ.get("RANK", "0"))
    try:
        _train(segment, rank)
    except (ValueError, OSError, RuntimeError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        told = {"rank": rank, "message": f"{message[-1500:]} ({type(error).__name__})"}
        report("failed", {**told, "of_others": is_of_others(error)})
        raise


def is_of_others(error: Exception) -> bool:
    """Whether an error says only that another rank is gone, which has its own reason."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or bool(isinstance(error, RuntimeError) and PEER_GONE.search(str(error)))


def _train(segment: Segment, rank: int) -> None:
    from neo_assets.model.train.trainer import train

    if rank != 0:
        train(segment, lambda event, values: None)
        return
    from neo_assets.model.metrics.tracking import sinks_of

    sinks = sinks_of(segment.tracking)

    def emit(event: str, values: Mapping[str, Any]) -> None:
        if event == "step":
            sinks.step(values)
        report(event, values)

    try:
        train(segment, emit)
    finally:
        sinks.close()


if __name__ == "__main__":
    main()
