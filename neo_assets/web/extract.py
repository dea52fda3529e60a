"""The extraction kernel: from fetched pages in WARC files to documents of text."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, VERDICT_COLUMNS, document_id, with_verdicts
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.web.charset import decode
from neo_assets.web.maintext import main_text, tidy
from neo_assets.web.pagetables import FETCHED
from neo_assets.web.warc import WarcError, read_payload

DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("host", pa.string()),
        pa.field("day", pa.string()),
        pa.field("title", pa.string()),
        pa.field("text", pa.string()),
        pa.field("charset", pa.string()),
        pa.field("payload_digest", pa.string()),
        pa.field("n_chars", pa.int64()),
    ]
)
"""A document; `charset` is the encoding that the page was decoded by, `n_chars` counts code points."""

EXTRACTED_SCHEMA = pa.schema([*DOCUMENT_SCHEMA, *VERDICT_COLUMNS])
"""What `ExtractPages` gives: every input row as a document, judged; title and text are null where there is none."""

Row = dict[str, Any]
MAX_REASON_CHARS = 200


@dataclass(frozen=True)
class ExtractPages:
    """Rows of a crawl day's page table to documents; `folder` is where that day's WARC files are.

    Kept are fetched pages of a text type with at least `settings.min_chars` characters. Rejected, by rule: `outcome`
    (not fetched today: refused, failed, gone, redirected, unchanged), `kind` (robots.txt, sitemap), `content_type`,
    `min_chars`.
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
        document = {name: page[name] for name in ("url", "host", "day", "payload_digest")}
        document["doc_id"] = document_id(page["day"], page["url"])
        rejection = self._rejection(page)
        if rejection is not None:
            rule, reason = rejection
            return document | {"verdict": REJECTED, "rule": rule, "reason": reason}
        try:
            document |= self._text(self._payload(page, files), page)
        except WarcError as error:
            return document | {"verdict": QUARANTINED, "rule": "warc", "reason": str(error)}
        except (ValueError, RuntimeError) as error:  # what the HTML parser raises on a page that it can't parse
            reason = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS]
            return document | {"verdict": QUARANTINED, "rule": "html", "reason": reason}
        length, least = document["n_chars"], self.settings.min_chars
        document |= {"value": length, "threshold": least}
        if length >= least:
            return document | {"verdict": KEPT}
        return document | {"verdict": REJECTED, "rule": "min_chars", "reason": "too little text"}

    def _payload(self, page: Row, files: _Files) -> bytes:
        file, limit = files.open(page["warc_file"]), self.settings.max_payload_bytes
        payload = read_payload(file, page["warc_offset"], page["url"], limit)
        if hashlib.sha256(payload).hexdigest() != page["payload_digest"]:
            raise WarcError("the payload is not the one that was fetched: its digest differs")
        return payload

    def _rejection(self, page: Row) -> tuple[str, str] | None:
        if page["outcome"] != FETCHED:
            return "outcome", " ".join(filter(None, (page["outcome"], page["reason"])))
        if page["kind"] != "page":
            return "kind", page["kind"]
        if page["content_type"] not in self.settings.media_types:
            return "content_type", page["content_type"] or "none"
        return None

    def _text(self, payload: bytes, page: Row) -> Row:
        source, charset = decode(payload, page["charset"])
        if page["content_type"] == "text/plain":
            title, text = "", tidy(source)
        else:
            title, text = main_text(source, main_content=self.settings.main_content)
        return {"title": title, "text": text, "charset": charset, "n_chars": len(text)}


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
