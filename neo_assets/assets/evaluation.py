"""Evaluation: local tasks in Chinese and English, scored with lm-eval on every checkpoint, beside chance."""

from pathlib import Path
from tempfile import TemporaryDirectory

from neo_assets.asset import Compute, Context, Dataset, Draft, Engine, Recipe, Result, asset
from neo_assets.evaluation.curves import score_curves
from neo_assets.evaluation.overlap import seen_table
from neo_assets.evaluation.tasks import build_tasks, write_tasks
from neo_assets.partitions import ALL, checkpoints
from neo_assets.seed import SEED_FOLDER
from neo_assets.tokens.stages import files_below


@asset(kinds={"json", "parquet"}, inputs={"subset": ("corpus/subset", ALL)})
def tasks(subset: Dataset, recipe: Recipe) -> Draft:
    """Items of every local task, and the share of them whose text is also in the corpus."""
    scratch = TemporaryDirectory()
    built = build_tasks(SEED_FOLDER, recipe.evaluation.tasks, recipe.evaluation.items_per_task, recipe.seed)
    write_tasks(built, Path(scratch.name))
    texts = (text for batch in subset.batches(["text"]) for text in batch["text"].to_pylist())
    return Draft(tables={"rows": seen_table(built, texts)}, files=files_below(scratch.name), scratch=scratch)


@asset(
    kinds={"torch", "lm-eval"},
    partitions_def=checkpoints,
    inputs={"checkpoint": "training/checkpoint", "tokenizer": "tokenizer/tokenizer"},
)
def report(context: Context, checkpoint: Dataset, tokenizer: Dataset, tasks: Dataset, compute: Compute) -> Result:
    """Scores of one checkpoint on every task, each beside its chance level and standard error."""
    return compute.run(
        context, "neo_assets.jobs.evaluate", profile="gpu", checkpoint=checkpoint, tokenizer=tokenizer, tasks=tasks
    )


@asset(kinds={"parquet", "matplotlib"}, inputs={"report": ("evaluation/report", ALL)})
def curves(report: Dataset, engine: Engine) -> Draft:
    """Scores of all checkpoints in order of training, plotted over the tokens they have seen."""
    return Draft(tables={"rows": report.read()}, files={"scores.png": score_curves(report.read())})
