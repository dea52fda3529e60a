"""The extraction kernel: from fetched pages in WARC files to documents of text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, VERDICT_COLUMNS, document_id, with_verdicts
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.web.archive.warc import WarcError, read_payload
from neo_assets.web.crawler.pagetables import BOILERPLATE, FETCHED
from neo_assets.web.page.pageview import read_page

DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("host", pa.string()),
        pa.field("day", pa.string()),
        pa.field("title", pa.string()),
        pa.field("date", pa.string()),
        pa.field("author", pa.string()),
        pa.field("canonical", pa.string()),
        pa.field("declared_language", pa.string()),
        pa.field("text", pa.string()),
        pa.field("charset", pa.string()),
        pa.field("extractor", pa.string()),
        pa.field("payload_digest", pa.string()),
        pa.field("n_chars", pa.int64()),
        pa.field("source", pa.string()),
        pa.field("licence", pa.string()),
    ]
)
"""A document. `day` is when it arrived, `date` the ISO day that the page gives as its own; `charset` is the encoding
that it was decoded by, `extractor` what found its main text; `n_chars` counts code points."""

EXTRACTED_SCHEMA = pa.schema([*DOCUMENT_SCHEMA, *VERDICT_COLUMNS])
"""What `ExtractPages` gives: every input row as a document, judged; title and text are null where there is none."""

Row = dict[str, Any]
CRAWL = "crawl"
CRAWL_LICENCE = "as each page states"
FACTS = ("title", "date", "author", "canonical", "declared_language", "text", "charset", "extractor")
MAX_REASON_CHARS = 200


def document_of(
    settings: ExtractionSection,
    doc_id: str,
    url: str,
    day: str,
    payload: bytes,
    content_type: str | None,
    header_charset: str | None,
    headers: Mapping[str, str],
    source: str,
    licence: str,
) -> Row:
    """A page's document with its verdict; columns without a value are absent.

    Rejected, by rule: `content_type`, `noindex`, `min_chars`. Quarantined: `size` (a payload over the cap is never
    parsed), `html` (it can't be parsed). Never raises for a page, whatever it holds.
    """
    row: Row = {"doc_id": doc_id, "url": url, "host": host_of(url), "day": day, "source": source, "licence": licence}
    row["payload_digest"] = hashlib.sha256(payload).hexdigest()
    if content_type not in settings.media_types:
        return row | _rejected("content_type", content_type or "none")
    if len(payload) > settings.max_payload_bytes:
        return row | _quarantined("size", f"payload over {settings.max_payload_bytes} bytes")
    try:
        view = read_page(url, payload, content_type, header_charset, headers, main_content=settings.main_content)
    except (ValueError, RuntimeError) as error:  # what the HTML parser raises on a page that it can't parse
        return row | _quarantined("html", f"{type(error).__name__}: {error}")
    if view.noindex:
        return row | _rejected("noindex", "the page asks not to be kept")
    row |= {name: getattr(view, name) for name in FACTS}
    row |= {"n_chars": len(view.text), "value": len(view.text), "threshold": settings.min_chars}
    if len(view.text) < settings.min_chars:
        return row | _rejected("min_chars", "too little text")
    return row | {"verdict": KEPT}


def host_of(url: str) -> str:
    """The host of a URL, with its port; empty for what is no URL."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


@dataclass(frozen=True)
class ExtractPages:
    """Rows of a crawl day's page table to documents; `folder` is where that day's WARC files are.

    Kept are fetched pages of a text type with at least `settings.min_chars` characters. Rejected, by rule: `outcome`
    (not fetched today: refused, failed, gone, redirected, unchanged), `truncated` (the body is not whole), `kind`
    (robots.txt, sitemap), `noindex`, `unchanged_text` (only what is around the text changed, so the document of an
    earlier day stands), and those of `document_of`.
    Quarantined are records that can't be read, or whose payload is not the one that was fetched.
    """

    folder: str
    settings: ExtractionSection

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        with ExitStack() as stack:
            files = _Files(Path(self.folder), stack)
            rows = [self._judged(row, files) for row in batch.to_pylist()]
        documents = pa.RecordBatch.from_pylist(rows, schema=DOCUMENT_SCHEMA)
        verdicts = {field.name: [row.get(field.name) for row in rows] for field in VERDICT_COLUMNS}
        return with_verdicts(documents, **verdicts)

    def _judged(self, page: Row, files: _Files) -> Row:
        known = {name: page[name] for name in ("url", "host", "day", "payload_digest")}
        known |= {
            "doc_id": document_id(page["day"], page["url"]),
            "source": CRAWL,
            "licence": CRAWL_LICENCE,
        }
        rejection = self._rejection(page)
        if rejection is not None:
            return known | _rejected(*rejection)
        try:
            payload = self._payload(page, files)
        except WarcError as error:
            return known | _quarantined("warc", str(error))
        document = document_of(
            self.settings,
            known["doc_id"],
            page["url"],
            page["day"],
            payload,
            page["content_type"],
            page["charset"],
            {},  # what they say was noted when the page was fetched: its charset, its canonical address, noindex
            CRAWL,
            CRAWL_LICENCE,
        )
        if document.get("text") is not None:
            document["canonical"] = document["canonical"] or page["canonical"]
        return document | known

    def _payload(self, page: Row, files: _Files) -> bytes:
        file, limit = files.open(page["warc_file"]), self.settings.max_payload_bytes
        payload = read_payload(file, page["warc_offset"], page["url"], limit)
        if hashlib.sha256(payload).hexdigest() != page["payload_digest"]:
            raise WarcError("the payload is not the one that was fetched: its digest differs")
        return payload

    def _rejection(self, page: Row) -> tuple[str, str] | None:
        if page["truncated"] is not None:
            return "truncated", page["truncated"]
        if page["outcome"] != FETCHED:
            return "outcome", " ".join(filter(None, (page["outcome"], page["reason"])))
        if page["kind"] != "page":
            return "kind", page["kind"]
        if page["content_type"] not in self.settings.media_types:
            return "content_type", page["content_type"] or "none"
        if page["noindex"]:
            return "noindex", "the page asks not to be kept"
        if page["change"] == BOILERPLATE:
            return "unchanged_text", "only what is around the text changed"
        return None


def _rejected(rule: str, reason: str) -> Row:
    return {"verdict": REJECTED, "rule": rule, "reason": reason}


def _quarantined(rule: str, reason: str) -> Row:
    return {"verdict": QUARANTINED, "rule": rule, "reason": reason[:MAX_REASON_CHARS]}


class _Files:
    """Open WARC files of one batch."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._files: dict[str, BinaryIO] = {}

    def open(self, name: str) -> BinaryIO:
        """The file, opened once.

        Raises:
            WarcError: there is no such file.
        """
        if name not in self._files:
            try:
                self._files[name] = self._stack.enter_context((self._folder / name).open("rb"))
            except OSError as error:
                raise WarcError(f"can't open {name}: {error.strerror}") from error
        return self._files[name]
