"""How many pages one core scores in a second, beside fastText when it is asked for one page at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.lines import line_of
from neo_assets.retrieval.scoring import load_scorer

N_PAGES = 100
"""As many as show the rate, and take no time worth a mention: some 0.1 s of published settings."""
RUNS = 3
"""The fastest of which counts."""


def speeds(
    model: Path, sha256: str, texts: Sequence[str], language: Line, max_chars: int,
    clock: Callable[[], float] = time.thread_time,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row for fastText's own `predict` and one for ours, over the same lines of these texts; none for no text.

    Both have the model in memory before. `clock`: seconds, of this thread's processor time.

    Raises:
        ScorerError, FastTextFileError: as `load_scorer`.
    """
    import fasttext

    if not texts:
        return []
    scorer, plain = load_scorer(str(model), sha256), fasttext.load_model(str(model))
    lines = [line_of(text, language, max_chars) for text in texts]
    made = _seconds(lambda: [line_of(text, language, max_chars) for text in texts], clock)
    taken = {
        "fastText, one by one": _seconds(lambda: [plain.predict(line, k=-1) for line in lines], clock),
        "scored here": _seconds(lambda: scorer.scores(lines), clock),
    }
    published = taken["fastText, one by one"]
    return [
        {
            "on one core": way,
            "documents per second": round(len(lines) / seconds),
            "times fastText": round(published / seconds, 1),
            "with their lines made": round(len(lines) / (seconds + made)),
        }
        for way, seconds in taken.items()
    ]


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    found = []
    for _ in range(RUNS):
        start = clock()
        work()
        found.append(clock() - start)
    # A clock may be too coarse for a few short texts.
    return max(min(found), 1e-9)
