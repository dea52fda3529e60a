"""One checkpoint, in a process of its own: from the one before, over its chunk."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import open_job
from neo_assets.ordinals import ordinal_index

STEP_SCHEMA = pa.schema(
    [
        ("phase", pa.string()), ("step", pa.int64()), ("lr", pa.float64()), ("loss", pa.float64()),
        ("grad_norm", pa.float64()), ("tokens_read", pa.int64()), ("tokens_masked", pa.int64()),
        ("tokens_applied", pa.int64()), ("skipped", pa.string()),
    ]
)  # fmt: skip


def main() -> None:
    """Train the partition's checkpoint; write weights, optimiser state, position and the ledger of steps."""
    from neo_assets.model.trainer import train_chunk

    with open_job() as job:
        index, training = ordinal_index(job.key), job.recipe.training
        phase, chunk_of_phase = training.position(index)
        first, n_steps = chunk_of_phase * phase.steps_per_chunk, phase.steps_in_chunk(chunk_of_phase)
        previous, out = job.inputs["previous"], job.scratch / "checkpoint"
        trained = train_chunk(
            training,
            index,
            np.load(job.inputs["chunk"].file("chunk.npy"), mmap_mode="r"),
            previous.folder() if previous else None,
            out,
            seed=job.recipe.seed,
            eod_id=job.recipe.tokenizer.end_of_document_id,
            progress=lambda step: report(f"{job.key} loss {step.loss:.3f}", step.step - first + 1, n_steps),
        )
        job.writer.folder_of_files(out)
        job.writer.table(pa.Table.from_pylist([asdict(step) for step in trained.steps], schema=STEP_SCHEMA))
        job.metadata |= {
            "phase": trained.phase,
            "mean loss": trained.mean_loss,
            "last loss": trained.steps[-1].loss,
            "tokens planned": trained.tokens_planned,
            "tokens read": trained.tokens_read,
            "tokens applied": trained.tokens_applied,
            "steps skipped": trained.n_skipped,
            "weights digest": trained.weights_digest,
            "tokens per second": round(trained.tokens_read / trained.wall_seconds),
        }


if __name__ == "__main__":
    main()
