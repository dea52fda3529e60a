from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from neo_assets.evaluation.tasks import (
    BUILDERS,
    DOCUMENT_CHARS,
    N_CHOICES,
    Item,
    TaskError,
    build_tasks,
    items_table,
    read_tasks,
    tasks_digest,
    write_tasks,
)

SEED_FOLDER = Path(__file__).parents[2] / "neo_assets" / "seed"
CHOICE_TASKS = sorted(set(BUILDERS) - {"zh_held_out", "code_held_out"})


@pytest.fixture(scope="module")
def tasks() -> dict[str, list[Item]]:
    return build_tasks(SEED_FOLDER, list(BUILDERS), 40, seed=42)


def test_every_task_has_items_with_distinct_ids(tasks: dict[str, list[Item]]) -> None:
    for name, items in tasks.items():
        assert 10 <= len(items) <= 40, name
        assert len({item["id"] for item in items}) == len(items), name


@pytest.mark.parametrize("name", CHOICE_TASKS)
def test_choices_are_distinct_and_give_nothing_away(tasks: dict[str, list[Item]], name: str) -> None:
    for item in tasks[name]:
        assert len(set(item["choices"])) == N_CHOICES
        answer = item["choices"][item["answer"]]
        assert item["probe"] == item["context"] + answer
        assert max(abs(len(choice) - len(answer)) for choice in item["choices"]) <= 8
    answers = [item["answer"] for item in tasks[name]]
    assert set(answers) == {0, 1, 2, 3}  # no place is always right
    assert max(map(answers.count, range(4))) < 24  # of 40; P < 1e-4 if places are uniform


def test_the_answer_is_the_text_that_follows(tasks: dict[str, list[Item]]) -> None:
    pairs = (SEED_FOLDER / "eval/xiehouyu.zh.tsv").read_text(encoding="utf-8")
    poems = (SEED_FOLDER / "text/poems.zh-Hant.jsonl").read_text(encoding="utf-8")
    novel = " ".join((SEED_FOLDER / "text/prideprejudice.en.txt").read_text(encoding="utf-8").split())
    for item in tasks["zh_xiehouyu"]:
        first = item["context"].removesuffix("——")
        assert [f"{first}\t{choice}" in pairs for choice in item["choices"]].count(True) == 1
    for item in tasks["zh_poem_line"]:
        assert json.dumps(item["probe"], ensure_ascii=False)[1:-1] in poems
    for item in tasks["en_next_sentence"]:
        assert item["context"] + " " + item["choices"][item["answer"]] in novel


def test_documents_are_short_and_from_where_they_should_be(tasks: dict[str, list[Item]]) -> None:
    assert all(len(item["text"]) <= DOCUMENT_CHARS for name in ("zh_held_out", "code_held_out") for item in tasks[name])
    before = (SEED_FOLDER / "text/sanguo.zh.txt").read_text(encoding="utf-8").partition("第四十回")[0]
    assert not any(item["text"][:50] in before for item in tasks["zh_held_out"])
    assert any("def " in item["text"] for item in tasks["code_held_out"])


def test_vulgar_sayings_are_left_out(tasks: dict[str, list[Item]]) -> None:
    words = json.loads((SEED_FOLDER / "lists/ldnoobw.zh.json").read_text(encoding="utf-8"))
    sayings = build_tasks(SEED_FOLDER, ["zh_xiehouyu"], 500, seed=1)["zh_xiehouyu"]
    assert len(sayings) == 500
    assert not any(word in item["probe"] for word in words for item in sayings)


def test_items_depend_on_seed_and_text_only(tmp_path: Path, tasks: dict[str, list[Item]]) -> None:
    moved = tmp_path / "elsewhere"
    for name in ("eval/xiehouyu.zh.tsv", "lists/ldnoobw.zh.json"):
        (moved / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SEED_FOLDER / name, moved / name)
    assert build_tasks(moved, ["zh_xiehouyu"], 40, seed=42)["zh_xiehouyu"] == tasks["zh_xiehouyu"]
    other = build_tasks(SEED_FOLDER, ["zh_xiehouyu"], 40, seed=43)["zh_xiehouyu"]
    assert other != tasks["zh_xiehouyu"]
    lines = (moved / "eval/xiehouyu.zh.tsv").read_text(encoding="utf-8").splitlines()
    (moved / "eval/xiehouyu.zh.tsv").write_text("\n".join(reversed(lines)), encoding="utf-8")
    assert build_tasks(moved, ["zh_xiehouyu"], 40, seed=42)["zh_xiehouyu"] == tasks["zh_xiehouyu"]


def test_a_larger_task_begins_with_the_smaller_one(tasks: dict[str, list[Item]]) -> None:
    for name in ("zh_poem_line", "code_held_out"):
        assert build_tasks(SEED_FOLDER, [name], 60, seed=42)[name][:40] == tasks[name]


def test_the_digest_covers_names_and_items(tmp_path: Path, tasks: dict[str, list[Item]]) -> None:
    digest = write_tasks(tasks, tmp_path / "a")
    assert write_tasks(dict(reversed(tasks.items())), tmp_path / "b") == digest
    changed = {**tasks, "zh_xiehouyu": tasks["zh_xiehouyu"][:-1]}
    assert write_tasks(changed, tmp_path / "c") != digest
    assert tasks_digest(tmp_path / "a", sorted(tasks)) == digest


def test_what_is_written_is_read_and_listed(tmp_path: Path, tasks: dict[str, list[Item]]) -> None:
    write_tasks(tasks, tmp_path)
    assert read_tasks(tmp_path) == tasks
    rows = items_table(tasks).to_pylist()
    assert [(row["task"], row["item"]) for row in rows] == [(n, i["id"]) for n in sorted(tasks) for i in tasks[n]]
    assert items_table({}).num_rows == 0


def test_unknown_and_empty_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"unknown tasks \['mmlu'\]"):
        build_tasks(SEED_FOLDER, ["mmlu"], 1, seed=1)
    (tmp_path / "eval").mkdir()
    with gzip.open(tmp_path / "eval/HumanEval.jsonl.gz", "wt") as lines:
        lines.write("")
    with pytest.raises(TaskError, match="code_held_out got no item"):
        build_tasks(tmp_path, ["code_held_out"], 1, seed=1)
