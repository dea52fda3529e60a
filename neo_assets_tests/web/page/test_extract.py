"""The extraction kernel: every row judged, in order, whatever the record holds."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.lake.records import document_id
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.web.archive.warc import Exchange, WarcFolder
from neo_assets.web.crawler.pagetables import PAGE_SCHEMA
from neo_assets.web.page.extract import DOCUMENT_SCHEMA, EXTRACTED_SCHEMA, ExtractPages, document_of

SETTINGS = ExtractionSection(max_payload_bytes=10_000)
SENTENCE = "这是一个关于网页正文抽取的例子，它足够长，不会被当作导航而丢掉。"
PAGE = f"<html><head><title>题目</title></head><body><nav><a href=/>首页</a></nav><p>{SENTENCE}</p></body></html>"


def write(folder: Path, bodies: Sequence[tuple[bytes, str]]) -> pa.RecordBatch:
    """Pages with these bodies and content types as a crawl would have left them."""
    rows: list[dict[str, Any]] = []
    with WarcFolder(folder, "crawl", 10**9, {"software": "test"}) as warcs:
        for number, (body, content_type) in enumerate(bodies):
            url = f"http://a.test/{number}"
            exchange = Exchange(
                url, "GET", [], 200, "HTTP/1.1", [("Content-Type", content_type)], body, datetime.now(UTC)
            )
            place = warcs.write_exchange(exchange)
            media_type, _, charset = content_type.partition("; charset=")
            rows.append({
                "url": url, "host": "a.test", "day": "2024-11-01", "kind": "page", "outcome": "fetched", "status": 200,
                "content_type": media_type, "charset": charset or None, "warc_file": place.file,
                "warc_offset": place.offset, "payload_digest": hashlib.sha256(body).hexdigest(),
            })  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, schema=PAGE_SCHEMA)


def changed(batch: pa.RecordBatch, **values: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([row | values for row in batch.to_pylist()], schema=PAGE_SCHEMA)


def extract(folder: Path, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    found = ExtractPages(str(folder), SETTINGS)(batch)
    assert found.schema.equals(EXTRACTED_SCHEMA)
    assert found.num_rows == batch.num_rows
    return list(found.to_pylist())


def test_a_page_becomes_a_document(tmp_path: Path) -> None:
    (row,) = extract(tmp_path, write(tmp_path, [(PAGE.encode("gbk"), "text/html; charset=utf-8")]))
    assert row["verdict"] == "kept"
    assert row["doc_id"] == document_id("2024-11-01", "http://a.test/0")
    assert (row["title"], row["text"], row["charset"]) == ("题目", SENTENCE, "gb18030")
    assert row["n_chars"] == len(SENTENCE)
    assert (row["extractor"] != "", row["source"], row["licence"]) == (True, "crawl", "as each page states")


def test_what_a_page_says_of_itself_is_kept(tmp_path: Path) -> None:
    facts = "<html lang=zh-CN><meta name=date content=2024-10-30><meta name=author content=鲁迅>"
    facts += "<link rel=canonical href=/c>"
    batch = write(tmp_path, [((facts + PAGE).encode(), "text/html")])
    (row,) = extract(tmp_path, batch)
    names = ("date", "author", "canonical", "declared_language")
    assert tuple(row[name] for name in names) == ("2024-10-30", "鲁迅", "http://a.test/c", "zh-CN")
    (row,) = extract(tmp_path, changed(batch, canonical="http://a.test/by-header"))
    assert row["canonical"] == "http://a.test/c"
    (row,) = extract(tmp_path, changed(write(tmp_path, [(PAGE.encode(), "text/html")]), canonical="http://a.test/h"))
    assert row["canonical"] == "http://a.test/h"


def test_a_page_that_asks_not_to_be_kept_is_rejected_without_its_text(tmp_path: Path) -> None:
    (row,) = extract(tmp_path, write(tmp_path, [(b"<meta name=robots content=noindex>" + PAGE.encode(), "text/html")]))
    assert (row["verdict"], row["rule"], row["text"]) == ("rejected", "noindex", None)


def document(payload: bytes, content_type: str | None = "text/html", **headers: str) -> dict[str, Any]:
    return document_of(
        SETTINGS, "id", "http://a.test:8080/x", "2024-11-01", payload, content_type, None, headers, "dump", "CC0"
    )


def test_an_imported_record_becomes_the_same_document() -> None:
    row = document(PAGE.encode("gbk"))
    assert set(row) - set(DOCUMENT_SCHEMA.names) == {"verdict", "value", "threshold"}
    assert (row["doc_id"], row["host"], row["source"], row["licence"]) == ("id", "a.test:8080", "dump", "CC0")
    assert (row["text"], row["verdict"]) == (SENTENCE, "kept")
    assert row["payload_digest"] == hashlib.sha256(PAGE.encode("gbk")).hexdigest()


@pytest.mark.parametrize(
    ("payload", "content_type", "headers", "verdict", "rule"),
    [
        (PAGE.encode(), "application/pdf", {}, "rejected", "content_type"),
        (PAGE.encode(), None, {}, "rejected", "content_type"),
        (PAGE.encode(), "text/html", {"X-Robots-Tag": "noindex"}, "rejected", "noindex"),
        (PAGE.encode(), "text/plain", {"x-robots-tag": "none"}, "rejected", "noindex"),
        (PAGE.encode(), "text/html", {"X-Robots-Tag": "otherbot: noindex"}, "kept", None),
        (b"", "text/html", {}, "rejected", "min_chars"),
        (b"x" * 10_001, "text/html", {}, "quarantined", "size"),
    ],
)
def test_verdicts_of_imported_records(
    payload: bytes, content_type: str | None, headers: dict[str, str], verdict: str, rule: str | None
) -> None:
    row = document(payload, content_type, **headers)
    assert (row["verdict"], row.get("rule")) == (verdict, rule)


def test_plain_text_passes_as_it_is(tmp_path: Path) -> None:
    (row,) = extract(tmp_path, write(tmp_path, [("一\r\n<p>二\n".encode("gb18030"), "text/plain; charset=gb18030")]))
    assert (row["title"], row["text"]) == ("", "一\n<p>二")


@pytest.mark.parametrize(
    ("values", "rule", "reason"),
    [
        ({"outcome": "unchanged"}, "outcome", "unchanged"),
        ({"outcome": "refused", "reason": "robots"}, "outcome", "refused robots"),
        ({"kind": "sitemap"}, "kind", "sitemap"),
        ({"content_type": "application/pdf"}, "content_type", "application/pdf"),
        ({"content_type": None}, "content_type", "none"),
        ({"noindex": True}, "noindex", "the page asks not to be kept"),
        ({"change": "boilerplate"}, "unchanged_text", "only what is around the text changed"),
        ({"truncated": "length", "outcome": "failed"}, "truncated", "length"),
    ],
)
def test_what_is_no_fetched_text_page_is_rejected(tmp_path: Path, values: Any, rule: str, reason: str) -> None:
    (row,) = extract(tmp_path, changed(write(tmp_path, [(PAGE.encode(), "text/html")]), **values))
    assert (row["verdict"], row["rule"], row["reason"]) == ("rejected", rule, reason)
    assert row["text"] is None
    assert row["doc_id"]


def test_a_page_without_text_is_rejected_with_its_length(tmp_path: Path) -> None:
    (row,) = extract(tmp_path, write(tmp_path, [(b"<html><script>x</script></html>", "text/html")]))
    assert (row["verdict"], row["rule"], row["value"], row["threshold"]) == ("rejected", "min_chars", 0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"warc_offset": 3}, "no response record"),
        ({"warc_offset": 10**9}, "no response record"),
        ({"warc_file": "missing.warc.gz"}, "can't open missing.warc.gz: No such file"),
        ({"url": "http://b.test/"}, "another URL"),
        ({"payload_digest": "0" * 64}, "digest differs"),
    ],
)
def test_unreadable_records_are_quarantined(tmp_path: Path, values: Any, reason: str) -> None:
    (row,) = extract(tmp_path, changed(write(tmp_path, [(PAGE.encode(), "text/html")]), **values))
    assert (row["verdict"], row["rule"]) == ("quarantined", "warc")
    assert reason in row["reason"]
    assert row["text"] is None


def test_a_payload_over_the_cap_is_quarantined(tmp_path: Path) -> None:
    (row,) = extract(tmp_path, write(tmp_path, [(b"x" * 10_001, "text/plain")]))
    assert (row["verdict"], row["reason"]) == ("quarantined", "payload over 10000 bytes")


@pytest.mark.parametrize("body", [b"", b"\x00" * 50, b"\xff\xfe", b"<" * 3000, bytes(range(256)), b"<div>" * 1900])
def test_broken_pages_never_raise(tmp_path: Path, body: bytes) -> None:
    for media_type in ("text/html", "text/plain"):
        (row,) = extract(tmp_path, write(tmp_path, [(body, media_type)]))
        assert row["verdict"] in ("kept", "rejected", "quarantined")


def test_rows_keep_their_order_and_do_not_depend_on_batches(tmp_path: Path) -> None:
    bodies = [(PAGE.replace("例子", f"例子{n}").encode(), "text/html") for n in range(9)]
    batch = write(tmp_path, bodies)
    whole = ExtractPages(str(tmp_path), SETTINGS)(batch)
    assert whole["url"].to_pylist() == batch["url"].to_pylist()
    kernel = pickle.loads(pickle.dumps(ExtractPages(str(tmp_path), SETTINGS)))  # noqa: S301 (our own bytes)
    parts = [kernel(batch.slice(begin, 2)) for begin in range(0, 9, 2)]
    assert pa.Table.from_batches(parts).combine_chunks().equals(pa.Table.from_batches([whole]))
    assert kernel(batch.slice(0, 0)).num_rows == 0
