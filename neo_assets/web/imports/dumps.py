"""Documents out of dumps: Common Crawl's WARC files, whose pages are extracted by us, and its WET files of text.

A record becomes a row of `ROW_SCHEMA` with a verdict; warcinfo, request, revisit and metadata records are counted.
A kept row's id is that of its address; any other row's id is that of its place in the file, so that ids are unique.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, VERDICT_COLUMNS, document_id
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings
from neo_assets.web.archive.httpmessage import Answer, MessageError, parsed_answer
from neo_assets.web.archive.warcfields import digest_differs
from neo_assets.web.archive.warcrecords import Fault, NoWarcError, WarcRecord, warc_records
from neo_assets.web.content.maintext import tidy
from neo_assets.web.page.extract import DOCUMENT_SCHEMA, document_of, host_of

Row = dict[str, Any]
PLACE = "place"
"""Key of a row: where its record is in the file."""
ROW_SCHEMA = pa.schema(
    [*DOCUMENT_SCHEMA, ("language", pa.string()), ("language_score", pa.float64()), *VERDICT_COLUMNS]
)
"""What an import gives of each record; a language with a score is what the dump itself says."""
MAX_REASON_CHARS = 300
NO_URL = Fault("warc", "it has no WARC-Target-URI")
OTHER_DIGEST = Fault("digest", "its WARC-Payload-Digest is another's")


@dataclass
class Tally:
    """What reading a segment counts: all its records, those that are no documents, and what is wrong with the file."""

    n_records: int = 0
    n_others: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dump:
    """One import on one day, by which its records become rows."""

    name: str
    settings: ImportSettings
    extraction: ExtractionSection
    day: str

    def warc_rows(self, path: str, stream: BinaryIO, tally: Tally) -> Iterator[Row]:
        """Rows of the response records of a WARC file, or of the conversion records of a WET file.

        Raises:
            NoWarcError: it is no WARC file.
        """
        wanted, of_record = ("conversion", self._wet_row) if self.settings.kind == "wet" else ("response", self._page)
        kinds: set[str] = set()
        for record in warc_records(stream, self.settings.max_record_bytes, tally.faults):
            tally.n_records += 1
            kinds.add(record.kind)
            if record.kind not in (wanted, "") or _is_no_page(record):
                tally.n_others += 1
                if record.fault is not None:
                    tally.faults.append(f"{record.place}: a {record.kind} record is broken: {record.fault.reason}")
                continue
            yield of_record(path, record)
        if wanted not in kinds and kinds & {"conversion", "response"}:
            raise NoWarcError(f"holds no {wanted} record; it is not of kind: {self.settings.kind}")
        if tally.n_records and tally.n_records == tally.n_others:
            tally.faults.append(f"there is no {wanted} record in it")

    def kept_or_short(self, path: str, place: str, url: str, row: Row) -> Row:
        """The verdict on a document that came as text: `row` has it with what else is known of it."""
        text, least = row["text"], self.extraction.min_chars
        row |= self._identity(url) | {"n_chars": len(text), "value": len(text), "threshold": least, PLACE: place}
        if len(text) >= least:
            return row | {"verdict": KEPT}
        return row | self._rejected(path, place, "min_chars", "too little text")

    def quarantined(self, path: str, place: str, fault: Fault, url: str | None = None) -> Row:
        """The row of a record that cannot be processed."""
        reason = f"{path}, {place}: {fault.reason}" if place else f"{path}: {fault.reason}"
        return self._identity(url or f"{path}#{place}") | {
            "doc_id": self.place_id(path, place), "verdict": QUARANTINED, "rule": fault.rule, "value": fault.value,
            "threshold": fault.threshold, "reason": printable(reason), PLACE: place,
        }  # fmt: skip

    def place_id(self, path: str, place: str) -> str:
        """The id of a record that is not kept; a newline keeps it apart from those of addresses."""
        return document_id(self.day, f"{self.name}\n{path}\n{place}")

    def _identity(self, url: str) -> Row:
        url = printable(url, len(url))
        return {
            "doc_id": document_id(self.day, f"{self.name}\n{url}"), "url": url, "host": host_of(url), "day": self.day,
            "source": self.name, "licence": self.settings.licence,
        }  # fmt: skip

    def _rejected(self, path: str, place: str, rule: str, reason: str) -> Row:
        doc_id = self.place_id(path, place)
        return {"doc_id": doc_id, "verdict": REJECTED, "rule": rule, "reason": printable(reason)}

    def _page(self, path: str, record: WarcRecord) -> Row:
        url, place = record.url, record.place
        if record.fault is not None or url is None:
            return self.quarantined(path, place, record.fault or NO_URL, url)
        row = self._identity(url) | {PLACE: place}
        if cut := record.headers.get("warc-truncated"):
            return row | self._rejected(path, place, "truncated", cut)
        try:
            answer = parsed_answer(record.block)
            if answer.status != 200:
                status = {"value": float(answer.status)}
                return row | self._rejected(path, place, "status", f"HTTP status {answer.status}") | status
            media_type = answer.media_type or record.headers.get("warc-identified-payload-type", "").lower() or None
            if media_type not in self.extraction.media_types:
                return row | self._rejected(path, place, "content_type", media_type or "none")
            if digest_differs(record.headers.get("warc-payload-digest"), answer.body, answer.without_chunks()):
                return self.quarantined(path, place, OTHER_DIGEST, url)
            payload = answer.payload(self.extraction.max_payload_bytes)
        except MessageError as error:
            return self.quarantined(path, place, Fault("http", str(error)), url)
        return self._extracted(path, place, row, answer, media_type, payload)

    def _extracted(
        self, path: str, place: str, row: Row, answer: Answer, media_type: str | None, payload: bytes
    ) -> Row:
        found = document_of(
            self.extraction, row["doc_id"], row["url"], self.day, payload, media_type, answer.charset, answer.headers,
            self.name, self.settings.licence,
        )  # fmt: skip
        row |= found
        if row["verdict"] == QUARANTINED:
            return row | self.quarantined(path, place, Fault(row["rule"], row["reason"]), row["url"])
        if row["verdict"] == REJECTED:
            row["doc_id"] = self.place_id(path, place)
        return row

    def _wet_row(self, path: str, record: WarcRecord) -> Row:
        url, place = record.url, record.place
        if record.fault is not None or url is None:
            return self.quarantined(path, place, record.fault or NO_URL, url)
        if digest_differs(record.headers.get("warc-payload-digest"), record.block):
            return self.quarantined(path, place, OTHER_DIGEST, url)
        try:
            text = record.block.decode("utf-8")
        except UnicodeDecodeError as error:
            fault = Fault("utf8", f"its text is not UTF-8: byte 0x{record.block[error.start]:02x}")
            return self.quarantined(path, place, fault, url)
        languages = record.headers.get("warc-identified-content-language")
        row = {
            "title": "", "text": tidy(text), "declared_language": languages or None, "charset": "utf-8",
            "extractor": "wet", "payload_digest": hashlib.sha256(record.block).hexdigest(),
        }  # fmt: skip
        return self.kept_or_short(path, place, url, row)


def printable(text: str, size: int = MAX_REASON_CHARS) -> str:
    """The text as one line that UTF-8 can express, cut to a size."""
    return " ".join(text[:size].encode("utf-8", "replace").decode("utf-8").split())


def _is_no_page(record: WarcRecord) -> bool:
    """Whether a sound response is no answer over HTTP, such as that of a name server."""
    return bool(record.url) and record.fault is None and not str(record.url).lower().startswith(("http:", "https:"))
