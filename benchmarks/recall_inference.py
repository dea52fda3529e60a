"""Confidence of recall: our reading of a fastText classifier against fastText's own predictions, on the same lines.

    python -m benchmarks.recall_inference [--quick] [--documents N] [--output FOLDER]

A classifier of two labels with MAP-Neo's settings (256 dimensions, word trigrams in 2,000,000 buckets) is trained for
one epoch on documents made from the seed (see `benchmarks.corpora`), half of which are the positives; `.ftz` is it
quantised with norms and cut to 100,000 rows. Every way scores the same prepared lines of at most 10,000 characters in
memory: fastText one line at a time, fastText a list of all, ours in one process and in two, each of which has loaded
the model before. Times are of the processor in one process, and by the clock in two; the best of five runs. *With
preparation* adds the time that makes lines of texts, measured once, half of it where two processes share it.
Differences are those of probabilities: fastText adds 0.00001 to each, and adds rows in 32 bits.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.corpora import MATERIALS, documents
from benchmarks.report import RESULTS, write_report
from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.lines import line_of
from neo_assets.retrieval.scoring import load_scorer

LANGUAGES: tuple[Line, ...] = ("english", "chinese")
COLUMNS = ("corpus", "model", "MB", "way", "documents/s", "with preparation", "times `predict`", "largest difference")
WAYS = ("fastText: predict(line)", "fastText: predict(list)", "ours, 1 process", "ours, 2 processes")
MAX_CHARS = 10_000
WORKERS, PART, RUNS = 2, 50, 5


class Size(NamedTuple):
    """How much is measured."""

    documents: int
    dim: int
    buckets: int
    kept_rows: int


FULL = Size(4_000, 256, 2_000_000, 100_000)
QUICK = Size(100, 16, 20_000, 2_000)


class Measured(NamedTuple):
    """One way's seconds and the largest difference of its probabilities from fastText's."""

    seconds: float
    difference: float | None


def main() -> None:
    """Runs the comparison, prints its table and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few documents: shows that it runs, proves nothing")
    parser.add_argument("--documents", type=int, default=FULL.documents, help="of each language")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    size = QUICK if chosen.quick else FULL._replace(documents=chosen.documents)
    rows, said = [], [(__doc__ or "").split("\n\n")[-1].strip()]
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        for language in LANGUAGES:
            found, note = measure(language, size, Path(folder), pool)
            rows += found
            said.append(note)
    said += ["**Quick run: not a measurement.**"] if chosen.quick else []
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(18) for cell in row))
    print(write_report("recall_inference", "Confidence of recall", COLUMNS, rows, "\n\n".join(said), chosen.output))


def measure(language: Line, size: Size, folder: Path, pool: ProcessPoolExecutor) -> tuple[list[tuple[str, ...]], str]:
    """The rows of a language, and what its documents were."""
    texts = list(_first(language, size.documents))
    line_of(texts[0], language, MAX_CHARS)  # loads the dictionary of words
    start = time.process_time()
    lines = [line_of(text, language, MAX_CHARS) for text in texts]
    preparation = time.process_time() - start
    rows: list[tuple[str, ...]] = []
    for file in models(lines, size, folder / language):
        answers = ways(file, lines, pool)
        plain = answers[WAYS[0]].seconds
        for way, (seconds, difference) in answers.items():
            shared = WORKERS if way == WAYS[3] else 1
            rows.append(
                (
                    language,
                    file.suffix,
                    f"{file.stat().st_size / 1e6:,.1f}",
                    way,
                    f"{len(lines) / seconds:,.0f}",
                    f"{len(lines) / (seconds + preparation / shared):,.0f}",
                    f"{plain / seconds:.1f}x",
                    "" if difference is None else f"{difference:.1e}",
                )
            )
        file.unlink()
    characters = sum(map(len, lines)) / len(lines)
    note = (
        f"{language.capitalize()}: {len(lines):,} documents, lines of {characters:,.0f} characters on average; their "
        f"preparation alone makes {len(lines) / preparation:,.0f} lines/s."
    )
    return rows, note


def models(lines: Sequence[str], size: Size, stem: Path) -> tuple[Path, Path]:
    """The classifier's files, as trained and quantised."""
    import fasttext

    material = stem.with_suffix(".txt")
    label = [int(hashlib.sha256(line.encode()).digest()[0] < 128) for line in lines]
    marked = zip(label, lines, strict=True)
    material.write_text("\n".join(f"__label__{one} {line}" for one, line in marked) + "\n", encoding="utf-8")
    settings = {"dim": size.dim, "wordNgrams": 3, "bucket": size.buckets, "minCount": 3}
    model = fasttext.train_supervised(str(material), epoch=1, lr=0.1, thread=1, verbose=0, **settings)
    files = stem.with_suffix(".bin"), stem.with_suffix(".ftz")
    model.save_model(str(files[0]))
    model.quantize(input=str(material), cutoff=size.kept_rows, qnorm=True, thread=1, verbose=0)
    model.save_model(str(files[1]))
    return files


def ways(file: Path, lines: list[str], pool: ProcessPoolExecutor) -> dict[str, Measured]:
    """Seconds of each way, the best of two runs, with the model loaded and the first lines scored before."""
    expected, answers = _theirs(file, lines)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    scorer = load_scorer(str(file), digest)
    difference = float(np.abs(scorer.scores(lines) - np.array(expected)).max())
    answers[WAYS[2]] = Measured(_seconds(lambda: scorer.scores(lines)), difference)
    tasks = [(str(file), digest, lines[start : start + PART]) for start in range(0, len(lines), PART)]
    list(pool.map(_score, tasks))
    answers[WAYS[3]] = Measured(_seconds(lambda: list(pool.map(_score, tasks)), time.perf_counter), difference)
    return answers


def _theirs(file: Path, lines: list[str]) -> tuple[list[float], dict[str, Measured]]:
    """fastText's probabilities, and the seconds of both ways to ask it."""
    import fasttext

    model = fasttext.load_model(str(file))
    expected = [_chance(*model.predict(line, k=-1)) for line in lines]
    single = _seconds(lambda: [model.predict(line, k=-1) for line in lines])
    together = _seconds(lambda: model.predict(lines, k=-1))
    return expected, {WAYS[0]: Measured(single, None), WAYS[1]: Measured(together, None)}


def _score(task: tuple[str, str, list[str]]) -> list[float]:
    path, digest, lines = task
    found: list[float] = load_scorer(path, digest).scores(lines).tolist()
    return found


def _chance(labels: Sequence[str], chances: Any) -> float:
    return float(dict(zip(labels, chances, strict=True)).get("__label__1", 1e-5)) - 1e-5


def _seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    best = float("inf")
    for _ in range(RUNS):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best


def _first(language: Line, n: int) -> Sequence[str]:
    """The first n documents that are made from the seed."""
    made = documents(language, n * 4 * MATERIALS[language].mean_chars)
    return [text for _, text in zip(range(n), made, strict=False)]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
