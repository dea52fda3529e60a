"""Documents as rows: one for each file, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from neo_assets.documents.markdown.composition import Composition, compose
from neo_assets.documents.model import elements_of, plain
from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED
from neo_assets.recipe.documents import FileLimits, MarkdownSettings

Row = dict[str, Any]
_NOTHING = Composition("", "", "", ())


def documents_of(
    rows: Iterable[Mapping[str, Any]], files: Mapping[str, Mapping[str, Any]], settings: MarkdownSettings,
    limits: FileLimits,
) -> Iterator[Row]:  # fmt: skip
    """Rows of `MARKDOWN_SCHEMA` with verdict columns, ordered by doc_id: one for each file that has pages.

    `rows` are of `ORDERED_SCHEMA`, ordered by doc_id and page; `files` are of `FILE_SCHEMA`, by doc_id. A document of
    which too many pages are missing is quarantined (rule missing_pages), one that cannot be composed too (rule
    markdown); one without text is rejected (rule no_text). One document at a time is in memory.

    Raises:
        ValueError: a page's document is not among the files, or the rows are not in order.
    """
    waiting = iter(sorted(doc_id for doc_id, file in files.items() if (file["n_pages"] or 0) > 0))
    last = ""
    for doc_id, pages in groupby(rows, key=lambda row: row["doc_id"]):
        if doc_id not in files or doc_id <= last:
            raise ValueError(f"the pages of {doc_id} have no file, or do not come in the order of documents")
        last = doc_id
        for other in waiting:
            if other == doc_id:
                break
            yield _document(files[other], [], settings, limits)
        yield _document(files[doc_id], list(pages), settings, limits)
    for other in waiting:
        yield _document(files[other], [], settings, limits)


def _document(
    file: Mapping[str, Any], pages: list[Mapping[str, Any]], settings: MarkdownSettings, limits: FileLimits
) -> Row:
    fault = ""
    try:
        composed = compose([elements_of(page) for page in pages], settings)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        composed, fault = _NOTHING, f"{type(error).__name__}: {error}"
    n_pages = max(file["n_pages"] or 0, len(pages))
    missing = n_pages - len(pages)
    share, score = _recognised(composed)
    row = {
        "doc_id": file["doc_id"], "url": file["url"], "host": urlsplit(file["url"] or "").hostname or "",
        "day": file["day"], "title": composed.title or file["title"], "date": file["date"], "author": file["author"],
        "text": composed.text, "markdown": composed.markdown, "blocks": [plain(block) for block in composed.blocks],
        "n_pages": n_pages, "n_pages_missing": missing, "share_ocr": share, "mean_score": score,
        "sha256": file["sha256"], "batch": file["batch"], "licence": file["licence"],
    }  # fmt: skip
    if n_pages and missing / n_pages > limits.max_missing_share:
        return {**row, **_verdict(
            QUARANTINED, "missing_pages",
            f"{missing} of {n_pages} pages could not be converted; their own reasons say what to do",
            missing / n_pages, limits.max_missing_share,
        )}  # fmt: skip
    if fault:
        return {**row, **_verdict(QUARANTINED, "markdown", f"its elements cannot be composed ({fault}); report it")}
    if not any(sign.isalnum() for sign in composed.text):
        return {**row, **_verdict(REJECTED, "no_text", "no text was found on its pages", 0.0, 0.0)}
    return {**row, **_verdict(KEPT, None, None)}


def _recognised(composed: Composition) -> tuple[float, float | None]:
    """The share of characters that were recognised, and the mean score of those; null where none was."""
    total = sum(block.end - block.start for block in composed.blocks if block.source != "none")
    found = [(block.end - block.start, block.score) for block in composed.blocks if block.source == "ocr"]
    recognised = sum(length for length, _ in found)
    if not recognised:
        return 0.0, None
    return round(recognised / total, 6), round(sum(length * score for length, score in found) / recognised, 6)


def _verdict(
    verdict: str, rule: str | None, reason: str | None, value: float | None = None, threshold: float | None = None
) -> Row:
    return {
        "verdict": verdict, "rule": rule, "value": value, "threshold": threshold, "survivor": None, "similarity": None,
        "reason": reason,
    }  # fmt: skip
