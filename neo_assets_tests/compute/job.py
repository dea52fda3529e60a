"""A job that does what the environment variable `ACT` says."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import Job, open_job


def main() -> None:
    """Open the job, act, and let it commit."""
    act = os.environ["ACT"]
    if act == "exit before opening":
        print("\n".join(f"line {i}" for i in range(40)))
        print()
        raise SystemExit(3)
    if act == "say nothing":
        os._exit(0)
    if act == "die mute":
        os._exit(7)
    with open_job() as job:
        if act == "write":
            _write(job)
        job.writer.table(pa.table({"n": [0]}), "draft")
        if act == "raise":
            raise ValueError("no such | page\nsecond line")
        if act == "kill itself":
            print("so far so good", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "wait":
            Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
            time.sleep(60)


def _write(job: Job) -> None:
    given = job.inputs["given"].read()["n"].to_pylist()
    print("::progress looks like progress, but is not")
    for i, n in enumerate(given):
        report(f"number {n}", i + 1, len(given))
    job.writer.table(pa.table({"n": [2 * n for n in given]}))
    job.writer.file("log.txt", b"one line", content=False)
    (job.scratch / "scratch.txt").write_text("removed at the end")
    job.metadata |= {
        "answer": 42,
        "scores": [{"task": "a|b", "value": 0.5}],
        "report": {"pages": 3},
        "partition": job.partition,
        "seed": job.recipe.seed,
        "empty input": not job.inputs["nothing"],
        "scratch": str(job.scratch),
    }
    print("written", flush=True)


if __name__ == "__main__":
    main()
