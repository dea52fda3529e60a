from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lm_eval")

import sentencepiece  # noqa: E402

from neo_assets.evaluation.harness import SUITE, EvalReport, EvaluationError, evaluate, known_tasks  # noqa: E402
from neo_assets.evaluation.tasks import BUILDERS  # noqa: E402

ROWS, EOD, CONTEXT = 280, 278, 24


@pytest.fixture(scope="module")
def tokenizer_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abcdefghij" * 3] * 20),
        model_prefix=str(folder / "sp"),
        model_type="bpe",
        vocab_size=276,
        byte_fallback=True,
        add_dummy_prefix=False,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
        num_threads=1,
    )
    return folder / "sp.model"


def choice_items(n: int) -> list[dict[str, Any]]:
    return [
        {"id": f"i{k}", "context": "x" * (k + 1), "choices": ["qq", "rr", "ss", "tt"], "answer": k % 4, "probe": ""}
        for k in range(n)
    ]


def write(folder: Path, **tasks: list[dict[str, Any]]) -> Path:
    for name, items in tasks.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return folder


def uniform(ids: torch.Tensor) -> torch.Tensor:
    return torch.zeros(*ids.shape, ROWS)


def run(logits: Any, tokenizer: Path, folder: Path, tasks: list[str], **settings: Any) -> EvalReport:
    return evaluate(logits, tokenizer, folder, tasks, max_length=CONTEXT, eod_id=EOD, seed=1, **settings)


def test_a_model_that_prefers_a_letter_is_right_where_it_is_the_answer(tmp_path: Path, tokenizer_model: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    favourite = pieces.encode("r")[-1]

    def logits(ids: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(*ids.shape, ROWS)
        out[..., favourite] = 5.0
        return out

    folder = write(tmp_path, zh_xiehouyu=choice_items(12))
    report = run(logits, tokenizer_model, folder, ["zh_xiehouyu"])
    acc = next(result for result in report.results if result.metric == "acc")
    assert acc.value == 0.25  # "rr" is the answer of 3 of 12
    assert acc.stderr == pytest.approx(math.sqrt(0.25 * 0.75 / 11))
    assert (acc.n_items, acc.baseline, acc.language, acc.higher_is_better) == (12, 0.25, "zh", True)
    assert acc.harness.startswith("lm_eval ")
    assert [item.value for item in report.items if item.metric == "acc"] == [float(k % 4 == 1) for k in range(12)]
    assert [item.item for item in report.items if item.metric == "acc"] == [f"i{k}" for k in range(12)]


def test_bits_per_byte_of_a_uniform_model_are_what_they_must_be(tmp_path: Path, tokenizer_model: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    texts = ["abc", "漢字", "a longer text that needs more than one window of twenty-four tokens"]
    folder = write(tmp_path, code_held_out=[{"id": str(k), "text": text, "probe": ""} for k, text in enumerate(texts)])
    report = run(uniform, tokenizer_model, folder, ["code_held_out"])
    n_tokens, n_bytes = (sum(map(len, encoded)) for encoded in (map(pieces.encode, texts), map(str.encode, texts)))
    assert report.results[0].value == pytest.approx(n_tokens * math.log2(ROWS) / n_bytes)
    assert report.results[0].baseline == 8.0
    for item, text in zip(report.items, texts, strict=True):
        assert item.value == pytest.approx(len(pieces.encode(text)) * math.log2(ROWS) / len(text.encode()))


def test_scores_do_not_depend_on_batching_and_repeat(tmp_path: Path, tokenizer_model: Path) -> None:
    table = torch.randn(ROWS, ROWS, generator=torch.Generator().manual_seed(0))
    folder = write(tmp_path, zh_xiehouyu=choice_items(9), en_last_word=choice_items(9))
    tasks = ["zh_xiehouyu", "en_last_word"]
    reports = [
        run(lambda ids: table[ids], tokenizer_model, folder, order, batch_sequences=size)
        for order, size in ((tasks, 1), (tasks[::-1], 16))
    ]
    assert reports[0] == reports[1]
    assert [result.task for result in reports[0].results] == ["en_last_word"] * 2 + ["zh_xiehouyu"] * 2


def test_a_text_longer_than_the_context_keeps_its_end(tmp_path: Path, tokenizer_model: Path) -> None:
    widths: list[int] = []

    def logits(ids: torch.Tensor) -> torch.Tensor:
        widths.append(ids.shape[1])
        return torch.zeros(*ids.shape, ROWS)

    items = [{**choice_items(1)[0], "context": "y" * 100}]
    run(logits, tokenizer_model, write(tmp_path, zh_xiehouyu=items), ["zh_xiehouyu"])
    assert max(widths) == CONTEXT


def test_limit_and_environment(tmp_path: Path, tokenizer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    folder = write(tmp_path, zh_xiehouyu=choice_items(9))
    report = run(uniform, tokenizer_model, folder, ["zh_xiehouyu"], limit=4)
    assert report.results[0].n_items == 4
    assert "HF_HUB_OFFLINE" not in os.environ


def test_missing_tasks_and_items_are_named(tmp_path: Path, tokenizer_model: Path) -> None:
    with pytest.raises(EvaluationError, match="no definition of task mmlu"):
        run(uniform, tokenizer_model, tmp_path, ["mmlu"])
    with pytest.raises(EvaluationError, match="has no items of zh_xiehouyu"):
        run(uniform, tokenizer_model, tmp_path, ["zh_xiehouyu"])


def test_every_builder_has_a_definition() -> None:
    assert known_tasks() == sorted(BUILDERS)
    assert SUITE.is_dir()
