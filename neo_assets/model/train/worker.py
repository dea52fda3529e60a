"""One rank of a training, as a process: `python -m neo_assets.model.train.worker SPEC.json [PARENT_PID]`.

Rank 0 reports on standard output (see `supervisor.EVENT_PREFIX`): `resumed`, `step`, `checkpoint`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.model.train.run import Segment
from neo_assets.model.train.supervisor import EVENT_PREFIX


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
    except (ValueError, OSError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        report("failed", {"rank": rank, "message": f"{message[-1500:]} ({type(error).__name__})"})
        raise


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
