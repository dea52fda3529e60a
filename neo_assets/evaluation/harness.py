"""Evaluation of a model with lm-evaluation-harness: local items, any function from ids to logits, no network."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neo_assets.evaluation.tasks import tasks_digest

if TYPE_CHECKING:
    from neo_assets.evaluation.language_model import Logits

DATA_FILES = ("suite/*.yaml", "suite/*.py")
"""What the results depend on beside this code."""

SUITE = Path(__file__).with_name("suite")
"""The task definitions."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
"""The harness' libraries ask no server, start no threads and draw no progress bars."""


class EvaluationError(ValueError):
    """The request cannot be evaluated."""


@dataclass(frozen=True)
class Result:
    """One metric of one task. `baseline` is what a model without knowledge gets (chance, or uniform bytes)."""

    task: str
    language: str
    metric: str
    value: float
    stderr: float | None
    higher_is_better: bool
    baseline: float
    baseline_of: str
    training_overlap: str
    n_items: int
    task_version: str
    harness: str


@dataclass(frozen=True)
class ItemResult:
    """One metric of one item."""

    task: str
    item: str
    metric: str
    value: float


@dataclass(frozen=True)
class EvalReport:
    """All results of a model, and the digest of the items they come from."""

    results: tuple[Result, ...]
    items: tuple[ItemResult, ...]
    tasks_digest: str


def evaluate(
    logits: Logits,
    tokenizer_model: Path,
    items_folder: Path,
    tasks: Sequence[str],
    *,
    max_length: int,
    eod_id: int,
    seed: int,
    limit: int | None = None,
    batch_sequences: int = 16,
) -> EvalReport:
    """Score a model on tasks whose items lie in `items_folder` (written by `neo_assets.evaluation.tasks`).

    Args:
        logits: ids [batch, sequence] to logits [batch, sequence, rows], causal.
        max_length: its context, in tokens.
        eod_id: the end-of-document id; it precedes every text, as in training.
        limit: at most so many items of each task; None for all.

    Raises:
        EvaluationError: an unknown task, or items that are missing.

    Equal inputs give equal reports, to the last bit if `logits` does.
    """
    for task in tasks:
        if not (SUITE / f"{task}.yaml").is_file():
            raise EvaluationError(f"no definition of task {task} in {SUITE}; known: {known_tasks()}")
        if not (items_folder / f"{task}.jsonl").is_file():
            raise EvaluationError(f"{items_folder} has no items of {task}; build the tasks first")
    with _environment(OFFLINE):
        import lm_eval
        from lm_eval.tasks import TaskManager
        from sentencepiece import SentencePieceProcessor

        from neo_assets.evaluation.language_model import LogitsLM

        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        pieces = SentencePieceProcessor(model_file=str(tokenizer_model))
        folder = {"items_folder": str(items_folder.absolute())}
        output = lm_eval.simple_evaluate(
            model=LogitsLM(logits, pieces, eod_id, max_length, batch_sequences),
            tasks=list(tasks),
            task_manager=TaskManager(include_path=str(SUITE), include_defaults=False, metadata=folder),
            limit=limit,
            bootstrap_iters=1,  # 0 would drop the standard errors of means, which need no bootstrap
            log_samples=True,
            random_seed=seed,
            numpy_random_seed=seed,
            torch_random_seed=seed,
            fewshot_random_seed=seed,
        )
    harness = f"lm_eval {lm_eval.__version__}"
    return EvalReport(
        results=tuple(result for task in sorted(tasks) for result in _results(task, output, harness)),
        items=tuple(item for task in sorted(tasks) for item in _items(task, output)),
        tasks_digest=tasks_digest(items_folder, tasks),
    )


def known_tasks() -> list[str]:
    """Names of all task definitions."""
    return sorted(path.stem for path in SUITE.glob("*.yaml"))


def _results(task: str, output: Mapping[str, Any], harness: str) -> Iterator[Result]:
    scores, config = output["results"][task], output["configs"][task]
    about = config["metadata"]
    for entry in config["metric_list"]:
        metric = entry["metric"]
        stderr = scores.get(f"{metric}_stderr,none")
        yield Result(
            task=task,
            language=about["language"],
            metric=metric,
            value=float(scores[f"{metric},none"]),
            stderr=float(stderr) if isinstance(stderr, int | float) else None,
            higher_is_better=bool(entry["higher_is_better"]),
            baseline=float(about["baseline"]),
            baseline_of=about["baseline_of"],
            training_overlap=about["training_overlap"],
            n_items=int(output["n-samples"][task]["effective"]),
            task_version=str(output["versions"][task]),
            harness=harness,
        )


def _items(task: str, output: Mapping[str, Any]) -> Iterator[ItemResult]:
    metrics = [entry["metric"] for entry in output["configs"][task]["metric_list"]]
    for sample in sorted(output["samples"][task], key=lambda sample: int(sample["doc_id"])):
        for metric in metrics:
            value = sample[metric]
            if isinstance(value, tuple | list):  # (log-likelihood in nats, bytes)
                value = -value[0] / value[1] / math.log(2)
            yield ItemResult(task, sample["doc"]["id"], metric, float(value))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
