"""Rows of documents: one for each file that has pages, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.documents.markdown import documents_of
from neo_assets.documents.model import MARKDOWN_SCHEMA, PageElements, plain, with_verdict_columns
from neo_assets.recipe.documents import FileLimits, MarkdownSettings
from neo_assets_tests.documents.markdown.pages import block, page


def file(doc_id: str, n_pages: int) -> dict[str, Any]:
    return {
        "doc_id": doc_id, "url": f"https://example.org/{doc_id}.pdf", "batch": "b", "day": "2026-11-01", "path": "p",
        "file": "f", "media": "pdf", "bytes": 1, "sha256": "0" * 64, "n_pages": n_pages, "title": "From the file",
        "author": None, "date": None, "producer": None, "licence": "CC0-1.0",
    }  # fmt: skip


def row(doc_id: str, number: int, text: str = "Some text stands here.", **values: Any) -> dict[str, Any]:
    elements = [block(0, [text], 100, **values)] if text else []
    made = PageElements(doc_id, number, 595.0, 842.0, page(elements).elements)
    return {**plain(made), "url": f"u#page={number}"}


def made(rows: list[dict[str, Any]], files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = list(documents_of(iter(rows), {one["doc_id"]: one for one in files}, MarkdownSettings(), FileLimits()))
    pa.Table.from_pylist(found, with_verdict_columns(MARKDOWN_SCHEMA)).validate(full=True)
    return found


def test_every_file_with_pages_gives_one_row() -> None:
    files = [file("d", 1), file("a", 2), file("c", 0), file("b", 1), file("e", 1)]
    rows = [row("a", 1), row("a", 2), row("d", 1, "")]
    found = made(rows, files)
    assert [(one["doc_id"], one["verdict"], one["rule"]) for one in found] == [
        ("a", "kept", None),
        ("b", "quarantined", "missing_pages"),
        ("d", "rejected", "no_text"),
        ("e", "quarantined", "missing_pages"),
    ]
    assert found[0]["host"] == "example.org"
    assert found[0]["title"] == "From the file"
    assert found[0]["text"].count("Some text") == 2
    assert (found[0]["share_ocr"], found[0]["mean_score"]) == (0.0, None)


def test_a_tenth_of_the_pages_may_be_missing() -> None:
    few = made([row("a", n) for n in range(1, 10)], [file("a", 10)])[0]
    assert (few["verdict"], few["n_pages_missing"]) == ("kept", 1)
    many = made([row("a", n) for n in range(1, 9)], [file("a", 10)])[0]
    assert (many["verdict"], many["rule"], many["value"], many["threshold"]) == (
        "quarantined", "missing_pages", 0.2, 0.1,
    )  # fmt: skip


def test_share_and_score_of_what_was_recognised() -> None:
    rows = [row("a", 1, "Twenty letters, end.", source="ocr", score=0.8), row("a", 2, "Twenty letters, end.")]
    found = made(rows, [file("a", 2)])[0]
    assert found["share_ocr"] == 0.5
    assert found["mean_score"] == pytest.approx(0.8)


def test_one_bad_document_does_not_stop_the_others() -> None:
    bad = row("a", 1)
    bad["elements"][0]["box"] = None
    found = made([bad, row("b", 1)], [file("a", 1), file("b", 1)])
    assert [(one["verdict"], one["rule"]) for one in found] == [("quarantined", "markdown"), ("kept", None)]


def test_one_document_at_a_time_is_read() -> None:
    taken: list[str] = []

    def rows() -> Iterator[dict[str, Any]]:
        for doc_id in ("a", "b", "c"):
            taken.append(doc_id)
            yield row(doc_id, 1)

    stream = documents_of(rows(), {one: file(one, 1) for one in "abc"}, MarkdownSettings(), FileLimits())
    next(stream)
    assert taken == ["a", "b"]  # the first row of the next one says that the first has ended


def test_rows_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        made([row("b", 1), row("a", 1)], [file("a", 1), file("b", 1)])
    with pytest.raises(ValueError, match="no file"):
        made([row("x", 1)], [file("a", 1)])
