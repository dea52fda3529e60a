"""Evaluation: local tasks in Chinese and English, scored with lm-eval on every checkpoint, beside chance."""

from pathlib import Path
from tempfile import TemporaryDirectory

from neo_assets.asset import Compute, Context, Dataset, Draft, Engine, Recipe, Result, asset
from neo_assets.evaluation.curves import held_out_curves, score_curves
from neo_assets.evaluation.overlap import before_and_after, seen_table
from neo_assets.evaluation.tasks import build_tasks, items_table, read_tasks, write_tasks
from neo_assets.partitions import ALL, checkpoints
from neo_assets.plots import bar_chart
from neo_assets.seed import SEED_FOLDER
from neo_assets.tokens.stages import files_below


@asset(kinds={"json", "parquet"})
def tasks(recipe: Recipe) -> Draft:
    """Items of every local task, which the corpus is then kept clear of."""
    scratch = TemporaryDirectory()
    built = build_tasks(SEED_FOLDER, recipe.evaluation.tasks, recipe.evaluation.items_per_task, recipe.seed)
    write_tasks(built, Path(scratch.name))
    return Draft(tables={"rows": items_table(built)}, files=files_below(scratch.name), scratch=scratch)


@asset(
    kinds={"parquet", "matplotlib"},
    inputs={"before": ("corpus/redacted", ALL), "after": ("corpus/decontaminated", ALL)},
)
def overlap(tasks: Dataset, before: Dataset, after: Dataset) -> Draft:
    """The share of every task's items whose text is also in the corpus, before and after it was decontaminated."""
    texts, texts_before = (
        (text for batch in dataset.batches(["text"]) for text in batch["text"].to_pylist())
        for dataset in (after, before)
    )
    table = seen_table(read_tasks(tasks.folder()), texts, texts_before)
    chart = bar_chart(before_and_after(table), "task", "seen_share", "corpus")
    return Draft(tables={"rows": table}, files={"overlap.png": chart})


@asset(
    kinds={"torch", "lm-eval"},
    partitions_def=checkpoints,
    inputs={"checkpoint": "training/checkpoint", "tokenizer": "tokenizer/tokenizer"},
    ranges=True,
)
def report(context: Context, checkpoint: Dataset, tokenizer: Dataset, tasks: Dataset, compute: Compute) -> Result:
    """Scores of one checkpoint on every task, each beside its chance level and standard error."""
    return compute.run(
        context, "neo_assets.jobs.evaluate", profile="gpu", checkpoint=checkpoint, tokenizer=tokenizer, tasks=tasks
    )


@asset(
    kinds={"torch"},
    partitions_def=checkpoints,
    inputs={
        "checkpoint": "training/checkpoint",
        "documents": ("corpus/held_out", ALL),
        "tokenizer": "tokenizer/tokenizer",
    },
    ranges=True,
)
def held_out(context: Context, checkpoint: Dataset, documents: Dataset, tokenizer: Dataset, compute: Compute) -> Result:
    """Loss of one checkpoint on documents of every subset that no training has read, in nats a token, bits a byte."""
    job = "neo_assets.jobs.held_out"
    return compute.run(context, job, profile="gpu", checkpoint=checkpoint, held_out=documents, tokenizer=tokenizer)


@asset(
    kinds={"parquet", "matplotlib"},
    inputs={"report": ("evaluation/report", ALL), "held_out": ("evaluation/held_out", ALL)},
)
def curves(report: Dataset, held_out: Dataset, engine: Engine) -> Draft:
    """Scores of all checkpoints in order of training, and their held-out losses, plotted over the tokens seen."""
    scores, losses = report.read(), held_out.read()
    files = {"scores.png": score_curves(scores), "held_out.png": held_out_curves(losses)}
    return Draft(tables={"rows": scores, "held_out": losses}, files=files)
