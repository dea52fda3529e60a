"""The items of the local tasks, built from seed text by pure functions: same text and seed, same items, same order.

Multiple choice: `{id, context, choices, answer, probe}`; documents: `{id, text, probe}`. `probe` is the text that a
model would have had to see in training to know the item by heart (see `neo_assets.evaluation.overlap`). Choices of an
item have the same or nearly the same length, so that length alone tells nothing.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

Item = dict[str, Any]
Builder = Callable[[Path, int, int], list[Item]]

N_CHOICES = 4
CONTEXT_CHARS = 120
DOCUMENT_CHARS = 400
"""Documents are cut to this length, so that each fits into a small context window."""


class TaskError(ValueError):
    """A task that does not exist, or seed text that is too small for it."""


def build_tasks(seed_folder: Path, names: Sequence[str], n_items: int, seed: int) -> dict[str, list[Item]]:
    """At most `n_items` items for every named task.

    Raises:
        TaskError: an unknown name, or text that yields no item.
    """
    unknown = sorted(set(names) - set(BUILDERS))
    if unknown:
        raise TaskError(f"unknown tasks {unknown}; known are {sorted(BUILDERS)}")
    built = {name: BUILDERS[name](seed_folder, n_items, seed) for name in sorted(names)}
    for name, items in built.items():
        if not items:
            raise TaskError(f"task {name} got no item from {seed_folder}; its seed text is missing or too small")
    return built


def write_tasks(tasks: Mapping[str, Sequence[Item]], folder: Path) -> str:
    """Write `<task>.jsonl` for every task and return the digest of all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, items in tasks.items():
        lines = (json.dumps(item, ensure_ascii=False, sort_keys=True) for item in items)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tasks_digest(folder, sorted(tasks))


def read_tasks(folder: Path) -> dict[str, list[Item]]:
    """The items of every `<task>.jsonl` in a folder, by task."""
    return {path.stem: _json_lines(path) for path in sorted(folder.glob("*.jsonl"))}


def items_table(tasks: Mapping[str, Sequence[Item]]) -> pa.Table:
    """A row per item: task, item, and the text that a model must not have seen."""
    rows = [(name, item["id"], item["probe"]) for name, items in sorted(tasks.items()) for item in items]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(("task", "item", "probe"), columns, strict=True)}
    )


def tasks_digest(folder: Path, names: Iterable[str]) -> str:
    """SHA-256 over names and items of the tasks."""
    digest = hashlib.sha256()
    for name in sorted(names):
        content = (folder / f"{name}.jsonl").read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def zh_xiehouyu(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """The second half of a two-part allegorical saying, among second halves of the same length. Not training text."""
    with (seed_folder / "eval/xiehouyu.zh.tsv").open(encoding="utf-8", newline="") as lines:
        pairs = [(row[0], row[1]) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) == 2]
    vulgar = json.loads((seed_folder / "lists/ldnoobw.zh.json").read_text(encoding="utf-8"))
    decent = [(a, b) for a, b in dict.fromkeys(pairs) if not any(word in a + b for word in vulgar)]
    return _multiple_choice("zh_xiehouyu", [(a + "——", b) for a, b in decent], n_items, seed)


def zh_poem_line(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """The next line of a classical poem, among lines of other poems of the same length."""
    candidates = []
    for poem in _json_lines(seed_folder / "text/poems.zh-Hant.jsonl"):
        lines = [line for line in poem["text"].split("\n") if line]
        if len(lines) >= 2:
            candidates.append((lines[0] + "\n", lines[1]))
    return _multiple_choice("zh_poem_line", candidates, n_items, seed)


def zh_law_title(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """The law that an article belongs to, among other laws."""
    candidates = []
    for law in _json_lines(seed_folder / "text/laws.zh.jsonl"):
        title = law["title"].removeprefix("中华人民共和国")
        for article in re.findall(r"(?m)^第[^　\n]{1,8}条　(.{40,})$", law["text"]):
            context = f"{article[:CONTEXT_CHARS]}\n以上条文出自《中华人民共和国"
            candidates.append((context, f"{title}》"))
    return _multiple_choice("zh_law_title", candidates, n_items, seed)


def en_next_sentence(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """How a sentence of a novel goes on (its next six words), among six words from elsewhere in it."""
    candidates = []
    for sentence in _sentences(seed_folder / "text/prideprejudice.en.txt"):
        words = sentence.split(" ")
        if len(words) >= 20:
            candidates.append((" ".join(words[:12]), " ".join(words[12:18])))
    return _multiple_choice("en_next_sentence", candidates, n_items, seed)


def en_last_word(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """The last word of a sentence of the constitution, among last words of the same length."""
    candidates = []
    for sentence in _sentences(seed_folder / "text/us-constitution.en.txt"):
        words = sentence.rstrip(".;:,").split(" ")
        if len(words) >= 10 and len(words[-1]) >= 4 and words[-1].isalpha():
            candidates.append((" ".join(words[-24:-1]), words[-1]))
    return _multiple_choice("en_last_word", candidates, n_items, seed)


def zh_held_out(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """Passages of chapter 40 of the Three Kingdoms, which the bundled web never publishes in its first two epochs."""
    text = (seed_folder / "text/sanguo.zh.txt").read_text(encoding="utf-8")
    chapter = re.split(r"(?m)^第四十回.*$", text)[-1]
    return _documents("zh_held_out", [("chapter 40", "\n".join(_stripped_lines(chapter)))], n_items, seed)


def code_held_out(seed_folder: Path, n_items: int, seed: int) -> list[Item]:
    """HumanEval's functions with their English descriptions. Not training text."""
    with gzip.open(seed_folder / "eval/HumanEval.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [(row["task_id"], row["prompt"].lstrip("\n") + row["canonical_solution"]) for row in rows]
    return _documents("code_held_out", texts, n_items, seed)


BUILDERS: Mapping[str, Builder] = {
    builder.__name__: builder
    for builder in (zh_xiehouyu, zh_poem_line, zh_law_title, en_next_sentence, en_last_word, zh_held_out, code_held_out)
}


def _multiple_choice(task: str, candidates: Iterable[tuple[str, str]], n_items: int, seed: int) -> list[Item]:
    """One item per context of (context, answer) pairs; wrong choices are the answers of others that are as long."""
    answers: dict[str, list[str]] = defaultdict(list)
    by_length: dict[int, list[str]] = defaultdict(list)
    for context, answer in sorted(set(candidates)):
        answers[context].append(answer)
        if answer not in by_length[len(answer)]:
            by_length[len(answer)].append(answer)
    items: list[Item] = []
    for context in sorted(answers, key=lambda context: _rank(seed, task, context)):
        answer = answers[context][0]
        wrong = _nearest(by_length, answer, set(answers[context]), f"{seed}\0{context}")
        if len(items) == n_items or len(wrong) < N_CHOICES - 1:
            break
        choices = sorted([answer, *wrong], key=lambda choice: _rank(seed, "order", context, choice))
        items.append(
            {
                "id": _rank(seed, task, context)[:16],
                "context": context,
                "choices": choices,
                "answer": choices.index(answer),
                "probe": context + answer,
            }
        )
    return items


def _nearest(by_length: Mapping[int, Sequence[str]], answer: str, right: set[str], key: str) -> list[str]:
    """Wrong choices of the answer's length, in random order; then those of the next lengths if there are too few."""
    wrong: list[str] = []
    for length in sorted(by_length, key=lambda n: (abs(n - len(answer)), n)):
        wrong += sorted((choice for choice in by_length[length] if choice not in right), key=lambda c: _rank(key, c))
        if len(wrong) >= N_CHOICES - 1:
            break
    return wrong[: N_CHOICES - 1]


def _documents(task: str, texts: Iterable[tuple[str, str]], n_items: int, seed: int) -> list[Item]:
    pieces = []
    for identity, text in texts:
        for begin in range(0, len(text), DOCUMENT_CHARS):
            piece = text[begin : begin + DOCUMENT_CHARS]
            if len(piece) >= DOCUMENT_CHARS // 4:
                pieces.append((f"{identity}:{begin}", piece))
    chosen = sorted(pieces, key=lambda piece: _rank(seed, task, piece[0]))[:n_items]
    return [{"id": _rank(seed, task, key)[:16], "text": text, "probe": text} for key, text in chosen]


def _rank(seed: int | str, *parts: str) -> str:
    """A place in a random but fixed order."""
    return hashlib.sha256("\0".join((str(seed), *parts)).encode()).hexdigest()


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _stripped_lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _sentences(path: Path) -> list[str]:
    """Sentences of hard-wrapped English paragraphs, with line wrapping undone."""
    paragraphs = re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
    joined = (" ".join(paragraph.split()) for paragraph in paragraphs)
    return [s for paragraph in joined for s in re.split(r"(?<=[.!?;])\s+(?=[A-Z])", paragraph) if s]
