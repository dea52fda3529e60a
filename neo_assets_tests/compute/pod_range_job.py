"""A job over a range of partitions: each value is the one before plus one; it waits for leave to make each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa

from neo_assets.jobs.base import open_range_job


def main() -> None:
    """Make the partitions one after the other."""
    folder = Path(os.environ["ACTS"])
    with open_range_job() as job:
        previous = job.inputs["previous"]
        assert len(previous.manifests) <= 1, "only what comes before the range"
        with (folder / "starts").open("a") as starts:
            starts.write(f"{' '.join(job.keys)}\n")
        job.work("chain")
        for key in job.keys:
            print(f"at {key}", flush=True)
            while not (folder / key).exists():
                time.sleep(0.02)
            value = previous.read()["n"][0].as_py() + 1 if previous else 1
            job.observe(key, {"value": value})
            table = pa.table({"n": [value]})
            previous = job.publish(
                key, lambda writer, t=table: writer.table(t), {"previous": previous}, {"value": value}
            )
        while not (folder / "finish").exists():
            time.sleep(0.02)


if __name__ == "__main__":
    main()
