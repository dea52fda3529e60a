"""datatrove: its MinHash pipeline of four stages with its defaults, 14 x 8 over 5-grams of words.

It has no character shingles and does not verify; of each connected component one document stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from benchmarks.peers.dedup_protocol import Clock, Task, answer, task

LANGUAGES = {"english": "eng", "chinese": "cmn_Hani"}


def run(asked: Task) -> None:
    """The four stages, in this process when there is one core."""
    shutil.rmtree(asked.work)  # finished stages of a former run would be skipped
    source = asked.work / "source"
    _split(asked.input, source, asked.cores)
    with Clock() as clock:
        for index, (steps, tasks) in enumerate(_stages(source, asked)):
            workers = min(asked.cores, tasks)
            folder = str(asked.work / f"log-{index}")
            LocalPipelineExecutor(steps, tasks=tasks, workers=workers, logging_dir=folder).run()
    answer(clock, asked.work, _kept(asked.work / "kept"))


def _stages(source: Path, asked: Task) -> list[tuple[list[PipelineStep], int]]:
    config, work = MinhashConfig(), asked.work
    signatures, buckets, remove = (str(work / name) for name in ("signatures", "buckets", "remove"))

    def reader() -> JsonlReader:
        return JsonlReader(str(source), text_key="text", id_key="id")

    signing = MinhashDedupSignature(signatures, config=config, language=LANGUAGES[asked.language])
    return [
        ([reader(), signing], asked.cores),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, remove, config=config)], 1),
        (
            [reader(), MinhashDedupFilter(remove), JsonlWriter(str(work / "kept"), compression=None)],
            asked.cores,
        ),
    ]


def _split(file: Path, folder: Path, parts: int) -> None:
    """A file for each task: files are its unit of work."""
    folder.mkdir(parents=True)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    size = -(-len(lines) // parts)
    for part in range(parts):
        some = lines[part * size : (part + 1) * size]
        (folder / f"{part:03}.jsonl").write_text("".join(some), encoding="utf-8")


def _kept(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["id"]


if __name__ == "__main__":
    run(task(__doc__))
