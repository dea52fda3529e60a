"""All tasks on a range of checkpoints, in one process of its own: its imports cost more than a small model's scores."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import RangeJob, open_range_job
from neo_assets.lake.writer import VersionWriter
from neo_assets.ordinals import ordinal_index


def main() -> None:
    """Score each checkpoint; write a row per task and metric, and one per item."""
    with open_range_job() as job:
        for done, key in enumerate(job.keys, start=1):
            _evaluate(job, key)
            report("tasks", done, len(job.keys))


def _evaluate(job: RangeJob, key: str) -> None:
    from neo_assets.evaluation.harness import evaluate
    from neo_assets.model.export.inference import open_model

    recipe = job.recipe
    training = recipe.training
    inputs = {**job.inputs, "checkpoint": job.inputs["checkpoint"].partition(key)}
    with open_model(inputs["checkpoint"].folder(), training.n_threads) as model:
        weights_digest = model.weights_digest
        found = evaluate(
            model.logits,
            inputs["tokenizer"].file("tokenizer.model"),
            inputs["tasks"].folder(),
            recipe.evaluation.tasks,
            max_length=model.architecture.seq_length,
            eod_id=recipe.tokenizer.end_of_document_id,
            seed=recipe.seed,
            limit=recipe.evaluation.items_per_task,
            batch_sequences=recipe.evaluation.batch_sequences,
        )
    index = ordinal_index(key)
    tokens = training.tokens_seen(index)
    where = {"checkpoint": key, "phase": training.position(index)[0].name, "tokens": tokens}

    def write(writer: VersionWriter) -> None:
        writer.table(_table([where | asdict(result) for result in found.results]))
        writer.table(_table([{"checkpoint": key} | asdict(item) for item in found.items]), "items")

    scores = [
        {"task": r.task, "metric": r.metric, "value": r.value, "chance": r.baseline, "stderr": r.stderr}
        for r in found.results
    ]
    digests = {"weights digest": weights_digest, "tasks digest": found.tasks_digest, "tokens": tokens}
    job.publish(key, write, inputs, {"scores": scores, **digests})


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with columns typed by their values; a column of nulls only is numeric."""
    table = pa.Table.from_pylist(rows)
    return table.cast(pa.schema([f.with_type(pa.float64()) if pa.types.is_null(f.type) else f for f in table.schema]))


if __name__ == "__main__":
    main()
