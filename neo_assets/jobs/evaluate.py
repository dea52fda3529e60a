"""All tasks on one checkpoint, in a process of its own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa

from neo_assets.jobs.base import open_job
from neo_assets.ordinals import ordinal_index


def main() -> None:
    """Score the partition's checkpoint; write a row per task and metric, and one per item."""
    from neo_assets.evaluation.harness import evaluate
    from neo_assets.model.inference import open_model

    with open_job() as job:
        settings, training = job.recipe.evaluation, job.recipe.training
        with open_model(job.inputs["checkpoint"].folder(), training.n_threads) as model:
            weights_digest = model.weights_digest
            found = evaluate(
                model.logits,
                job.inputs["tokenizer"].file("tokenizer.model"),
                job.inputs["tasks"].folder(),
                settings.tasks,
                max_length=model.architecture.seq_length,
                eod_id=job.recipe.tokenizer.end_of_document_id,
                seed=job.recipe.seed,
                limit=settings.items_per_task,
                batch_sequences=settings.batch_sequences,
            )
        index = ordinal_index(job.key)
        tokens = training.sequences_before(index + 1) * training.chosen.seq_length
        where = {"checkpoint": job.key, "phase": training.position(index)[0].name, "tokens": tokens}
        job.writer.table(_table([where | asdict(result) for result in found.results]))
        job.writer.table(_table([{"checkpoint": job.key} | asdict(item) for item in found.items]), "items")
        job.metadata["scores"] = [
            {"task": r.task, "metric": r.metric, "value": r.value, "chance": r.baseline, "stderr": r.stderr}
            for r in found.results
        ]
        job.metadata |= {"weights digest": weights_digest, "tasks digest": found.tasks_digest, "tokens": tokens}


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with columns typed by their values; a column of nulls only is numeric."""
    table = pa.Table.from_pylist(rows)
    return table.cast(pa.schema([f.with_type(pa.float64()) if pa.types.is_null(f.type) else f for f in table.schema]))


if __name__ == "__main__":
    main()
