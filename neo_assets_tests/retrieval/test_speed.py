from __future__ import annotations

import hashlib
from itertools import accumulate
from pathlib import Path

import pytest

from neo_assets.retrieval.scoring import ScorerError
from neo_assets.retrieval.speed import N_PAGES, RUNS, speeds
from neo_assets_tests.retrieval.fasttext_models import WORDS, train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    file = train(tmp_path_factory.mktemp("models"), "cut")
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


def test_rates_are_of_the_fastest_run_of_each_way(model: tuple[Path, str]) -> None:
    texts = [" ".join(WORDS[n : n + 9]) for n in range(20)]
    # Seconds between readings: within a run, then up to the next; lines, fastText, ours, three runs each.
    took = [*(4, 2, 3), *(8, 9, 10), *(7, 1, 5)]
    ticks = iter(accumulate([0, *(step for seconds in took for step in (seconds, 100))]))
    rows = speeds(*model, texts, "english", 10_000, clock=lambda: float(next(ticks)))
    assert len(took) == 3 * RUNS
    assert rows == [
        {
            "on one core": "fastText, one by one", "documents per second": round(20 / 8), "times fastText": 1.0,
            "with their lines made": 2,
        },
        {
            "on one core": "scored here", "documents per second": 20, "times fastText": 8.0,
            "with their lines made": round(20 / 3),
        },
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_any_texts_are_measured(model: tuple[Path, str], language: str) -> None:
    texts = ["", "第一条 为了规范", "__label__1 a\nb </s>", "x" * 50_000] * (N_PAGES // 4)
    rows = speeds(*model, texts, language, 1_000)  # type: ignore[arg-type]
    assert rows[0]["times fastText"] == 1.0
    assert all(row["documents per second"] >= row["with their lines made"] > 0 for row in rows)


def test_a_clock_that_stands_still_divides_by_nothing(model: tuple[Path, str]) -> None:
    assert [row["times fastText"] for row in speeds(*model, ["a b"], "english", 10, clock=lambda: 0.0)] == [1.0, 1.0]


def test_no_text_has_no_speed_and_another_model_is_refused(model: tuple[Path, str]) -> None:
    assert speeds(*model, [], "english", 10) == []
    with pytest.raises(ScorerError, match="is not the model asked for"):
        speeds(model[0], "0" * 64, ["a"], "english", 10)
