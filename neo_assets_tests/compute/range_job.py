"""A job over a range of partitions: each value is the one before plus one; it stops where it is told to fail."""

from __future__ import annotations

import os

import pyarrow as pa

from neo_assets.jobs.base import open_range_job


def main() -> None:
    """Make the partitions one after the other."""
    with open_range_job() as job:
        previous = job.inputs["previous"]
        assert len(previous.manifests) <= 1, "only what comes before the range"
        folder = job.work("chain")
        (folder / "seen").open("a").write("started\n")
        for key in job.keys:
            if key == os.environ.get("FAIL_AT"):
                raise ValueError(f"told to fail at {key} after {len((folder / 'seen').read_text().split())} starts")
            value = previous.read()["n"][0].as_py() + 1 if previous else 1
            table = pa.table({"n": [value]})
            job.observe(key, {"value": value})
            previous = job.publish(
                key, lambda writer, t=table: writer.table(t), {"previous": previous}, {"value": value}
            )


if __name__ == "__main__":
    main()
