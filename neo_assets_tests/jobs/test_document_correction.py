"""The correction of a batch: what is taken, refused and left, with a server on loopback; nothing is paid for twice."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.documents.correction import CHANGE_SCHEMA, chat_judge
from neo_assets.documents.correction.prompt import answered
from neo_assets.documents.model import MARKDOWN_SCHEMA, block_of, is_astray
from neo_assets.jobs.document_correction import CORRECTIONS, answers_folder, write_corrected
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.documents import CorrectionSettings
from neo_assets_tests.judges.server import Chat, Reply, chat, prompt, said

BAD = {
    "Teh quick brown fox went home.": "The quick brown fox went home.",
    "他门都来了，天己经亮了。": "他们都来了，天已经亮了。",
    "It has 12 pages.": "It has 13 pages.",  # refused: another number
    "Short.": "Something else, and much longer than that.",  # refused: changes too much
}
FINE = "A passage that was read well but with doubt."
LONG = "long " * 1300
PICTURE = "![figure](d/figure.png)"
BASE: dict[str, Any] = {
    "url": "document://papers/x/a.pdf", "host": "papers", "day": "2026-11-01", "title": None, "date": None,
    "author": None, "n_pages": 2, "n_pages_missing": 0, "share_ocr": 1.0, "mean_score": 0.6, "sha256": "0" * 64,
    "batch": "x", "licence": "CC0-1.0",
}  # fmt: skip


def row(name: str, *passages: tuple[str, float]) -> dict[str, Any]:
    """A document of passages with their scores; the figure's link is in its Markdown only."""
    markdown, blocks = f"{PICTURE}\n\n", []
    for text, score in passages:
        start, half = len(markdown), len(text) // 2
        box = [1.0, 2.0, 3.0, 4.0]
        places = [{"start": 0, "end": half, "page": 1, "box": box},
                  {"start": half, "end": len(text), "page": 2, "box": box}]  # fmt: skip
        kept = {"kind": "text", "level": 0, "source": "ocr", "score": score, "places": places}
        blocks.append({**kept, "start": start, "end": start + len(text)})
        markdown += f"{text}\n\n"
    text = "\n\n".join(text for text, _ in passages)
    return {**BASE, "doc_id": f"2026-11-01:{name}", "text": text, "markdown": markdown.rstrip(), "blocks": blocks}


ROWS = [
    row("a", *[(text, 0.5) for text in (*BAD, FINE)], ("Sure of evrey word.", 0.95)),
    row("b", (LONG.strip(), 0.5), ("Teh quick brown fox went home.", 0.5)),
    row("c"),
]


def corrects(body: dict[str, Any], number: int) -> Reply:
    text = answered(prompt(body))
    return said(BAD.get(text, text))


def settings_of(url: str) -> CorrectionSettings:
    return CorrectionSettings(endpoint=url, model="small", timeout_seconds=5)


@pytest.fixture
def source(tmp_path: Path) -> Dataset:
    return committed(tmp_path, ROWS)


@pytest.fixture(autouse=True)
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NEO_JUDGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEO_ANSWERS", str(tmp_path / "answers"))
    return tmp_path / "answers"


def committed(base: Path, rows: list[dict[str, Any]]) -> Dataset:
    writer = Lake(str(base / "lake")).writer("documents/markdown", "x")
    writer.table(pa.Table.from_pylist(rows, MARKDOWN_SCHEMA), part_rows=2)
    return writer.commit(Provenance())


def corrected(source: Dataset, base: Path, url: str | None) -> tuple[Dataset, dict[str, int]]:
    """A version as the job makes it; its judge does not wait between attempts."""
    settings, judge = None, None
    if url is not None:
        settings = settings_of(url)
        judge = chat_judge(settings, answers_folder(settings))
        judge.wait = lambda seconds: None
    writer = Lake(str(base / "lake")).writer("documents/corrected", "x")
    told = write_corrected(source, settings, judge, writer)
    return writer.commit(Provenance()), told


def served(reply: Callable[[dict[str, Any], int], Reply], source: Dataset, base: Path) -> tuple[Dataset, Any, Chat]:
    with chat(reply) as server:
        found, told = corrected(source, base, server.url)
    return found, told, server


def test_without_a_model_documents_stay_as_they_are(source: Dataset, tmp_path: Path) -> None:
    found, told = corrected(source, tmp_path, None)
    assert found.read().to_pylist() == ROWS
    assert found.named(CORRECTIONS).rows == 0
    assert found.named(CORRECTIONS).schema.equals(CHANGE_SCHEMA)
    assert set(told.values()) == {0}


def test_no_documents(tmp_path: Path) -> None:
    found, _ = corrected(committed(tmp_path, []), tmp_path, None)
    assert found.rows == 0 and found.schema.names == MARKDOWN_SCHEMA.names


def test_corrections_are_taken_or_refused_and_all_are_told(source: Dataset, tmp_path: Path) -> None:
    found, told, server = served(corrects, source, tmp_path)
    assert told == {"passages": 7, "corrected": 3, "refused": 2, "failed": 0, "too long": 1}
    assert len(server.bodies) == 5, "equal passages are one question, long ones none"
    changes = found.named(CORRECTIONS).read().to_pylist()
    assert [(one["doc_id"][-1], one["block"], one["accepted"]) for one in changes] == [
        ("a", 0, True), ("a", 1, True), ("a", 2, False), ("a", 3, False), ("a", 4, False), ("b", 0, False),
        ("b", 1, True),
    ]  # fmt: skip
    reasons = [one["reason"] for one in changes]
    assert reasons[2] == "the answer has other numbers" and "changes" in reasons[3] and "characters" in reasons[5]
    assert [reasons[n] for n in (0, 1, 4, 6)] == [None] * 4
    assert changes[0]["diff"].splitlines()[-2:] == ["-" + changes[0]["before"], "+" + changes[0]["after"]]
    assert {(one["judge"], one["model"]) for one in changes} == {("chat", "small")}
    first, second, third = found.read().to_pylist()
    expected = ["The quick brown fox went home.", "他们都来了，天已经亮了。", "It has 12 pages.", "Short.", FINE,
                "Sure of evrey word."]  # fmt: skip
    assert first["text"] == "\n\n".join(expected)
    assert first["markdown"] == f"{PICTURE}\n\n" + "\n\n".join(expected)
    for one in (first, second, third):
        assert not any(is_astray(block, len(one["markdown"]), one["n_pages"]) for block in one["blocks"])
    blocks = [block_of(block) for block in first["blocks"]]
    assert [first["markdown"][block.start : block.end] for block in blocks] == expected
    assert all(block.places[-1].end == block.end - block.start for block in blocks)
    assert third == ROWS[2]


def test_made_anew_nothing_is_paid_for_twice(source: Dataset, tmp_path: Path, answers: Path) -> None:
    first, told, server = served(corrects, source, tmp_path)
    # The folder is that of the server: in place of a new one, whose port would be another, no server at all.
    again, same = corrected(source, tmp_path / "again", server.url)
    assert (same, again.manifest.digest) == (told, first.manifest.digest)
    assert answers_folder(settings_of(server.url)).parent == answers
    assert len(list(answers.rglob("*.json"))) == 5


def test_a_server_that_is_down_holds_up_nothing_and_a_rerun_asks_only_what_is_missing(
    source: Dataset, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    down, told = corrected(source, tmp_path / "down", url)
    assert told == {"passages": 7, "corrected": 0, "refused": 0, "failed": 6, "too long": 1}
    assert down.read().to_pylist() == ROWS
    changes = down.named(CORRECTIONS).read().to_pylist()
    assert all((one["reason"] or "").startswith(("connection:", "unavailable:", "the block has")) for one in changes)

    def breaks(body: dict[str, Any], number: int) -> Reply:
        return Reply(400) if is_broken and "quick" in prompt(body) else corrects(body, number)

    is_broken = True
    with chat(breaks) as server:
        half, told = corrected(source, tmp_path / "half", server.url)
        assert told == {"passages": 7, "corrected": 1, "refused": 2, "failed": 2, "too long": 1}
        assert [one["reason"] for one in half.named(CORRECTIONS).read().to_pylist()].count("status: 400") == 2
        n_asked, is_broken = len(server.bodies), False
        _, told = corrected(source, tmp_path / "whole", server.url)
        assert [answered(prompt(body)) for body in server.bodies[n_asked:]] == ["Teh quick brown fox went home."]
    assert told == {"passages": 7, "corrected": 3, "refused": 2, "failed": 0, "too long": 1}


def test_servers_and_models_have_answers_of_their_own(answers: Path) -> None:
    given = settings_of("http://127.0.0.1:1/v1")
    others = [given.model_copy(update=change) for change in ({"model": "m"}, {"endpoint": "http://127.0.0.1:2/v1"})]
    assert len({answers_folder(one) for one in (given, *others)}) == 3
    assert answers_folder(given.model_copy(update={"max_change": 0.1, "endpoint": f"{given.endpoint}/"})) == (
        answers_folder(given)
    )


def test_answers_are_in_the_users_cache_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO_ANSWERS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert answers_folder(settings_of("http://h/v1")).parent == tmp_path / "cache" / "neo-assets" / "answers"
