"""A job that prints numbered lines and does what the file `ACT` names tells it, step by step."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import open_job


def main() -> None:
    """Print a line a step until told to go on to the end."""
    folder = Path(os.environ["ACTS"])
    if (folder / "broken").exists():
        raise SystemExit("broken before it began")
    with open_job() as job:
        given = job.inputs["given"].read()["n"].to_pylist()
        kept = job.work() / "steps"
        step = int(kept.read_text()) if kept.exists() else 0
        with (folder / "starts").open("a") as starts:
            starts.write(f"{step}\n")
        while not (folder / "finish").exists() or step < 5:
            step += 1
            assert step < 2000, "nobody let it finish"
            kept.write_text(str(step))
            print(f"step {step} é", flush=True)
            if (folder / "raise").exists():
                raise ValueError("no such page")
            report("steps", step, 100)
            time.sleep(0.05)
        print("last", flush=True)
        job.writer.table(pa.table({"n": [2 * n for n in given]}))
        job.metadata |= {"answer": 42, "scores": [{"task": "a|b", "value": 0.5}], "report": {"pages": 3}}


if __name__ == "__main__":
    main()
