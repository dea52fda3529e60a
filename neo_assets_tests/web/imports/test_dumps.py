"""Records of WARC and WET files as rows: what is kept, what is not and why, whatever the file is like."""

from __future__ import annotations

import gzip
import io
import time
import zlib
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings
from neo_assets.web.archive.warcrecords import NoWarcError, warc_records
from neo_assets.web.imports.dumps import Dump, Row, Tally
from neo_assets_tests.web.warcfiles import address, answer, packed, page, record, response, sha1

PATH = "/data/a.warc.gz"
NUMBERS = range(6)
RECORDS = tuple(response(number) for number in NUMBERS)


def read(data: bytes, kind: str = "warc", **more: Any) -> tuple[list[Row], Tally]:
    given = {"kind": kind, "paths": (PATH,), "arrived": "2026-11-01", "licence": "MIT", **more}
    dump = Dump("cc", ImportSettings(**given), ExtractionSection(max_payload_bytes=100_000), "2026-11-01")
    tally = Tally()
    return list(dump.warc_rows(PATH, io.BytesIO(data), tally)), tally


def kept(rows: list[Row]) -> list[str]:
    return [row["url"] for row in rows if row["verdict"] == "kept"]


def faults(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row["rule"], row["reason"]) for row in rows if row["verdict"] == "quarantined"]


def addresses(*but: int) -> list[str]:
    return [address(number) for number in NUMBERS if number not in but]


def test_a_page_becomes_a_document() -> None:
    rows, tally = read(b"".join(packed(*RECORDS)))
    assert kept(rows) == addresses()
    assert (tally.n_records, tally.n_others, tally.faults) == (6, 0, [])
    row = rows[3]
    assert row["text"].startswith("Page 3 is about the number 3")
    assert {name: row[name] for name in ("host", "day", "title", "source", "licence", "charset")} == {
        "host": "pages.test", "day": "2026-11-01", "title": "Page 3", "source": "cc", "licence": "MIT",
        "charset": "utf-8",
    }  # fmt: skip
    assert len({row["doc_id"] for row in rows}) == 6


def line_feeds(one: bytes) -> bytes:
    header, mark, rest = one.partition(b"\r\n\r\n")
    return (header + mark).replace(b"\r\n", b"\n") + rest


@pytest.mark.parametrize(
    "data",
    [
        b"".join(RECORDS),
        gzip.compress(b"".join(RECORDS)),
        b"".join(packed(b"".join(RECORDS[:2]), b"".join(RECORDS[2:]))),
        b"".join(zstd.compress(one) for one in RECORDS),
        b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd.compress(b"".join(RECORDS)),
        b"".join(packed(*(one.replace(b"WARC/1.1", b"WARC/1.0") for one in RECORDS))),
        b"".join(packed(*map(line_feeds, RECORDS))),
        b"".join(packed(*(one[:-4] for one in RECORDS))),
    ],
    ids=["plain", "one gzip", "two gzips", "zstd", "one zstd", "WARC 1.0", "line feeds", "no line ends"],
)
def test_any_layout_gives_the_same_documents(data: bytes) -> None:
    rows, tally = read(data)
    assert kept(rows) == addresses()
    assert not tally.faults


def test_other_records_are_counted() -> None:
    others = [record(address(9), b"x" * 9, kind=kind) for kind in ("warcinfo", "request", "metadata", "revisit")]
    rows, tally = read(b"".join(packed(*others, RECORDS[0], record("dns:pages.test", b"20261101 1.2.3.4"))))
    assert kept(rows) == [address(0)] and len(rows) == 1
    assert (tally.n_records, tally.n_others) == (6, 5)


def test_a_file_of_a_crawl_that_got_no_answer_says_so() -> None:
    rows, tally = read(b"".join(packed(record(None, b"software: x", kind="warcinfo"))))
    assert not rows
    assert (tally.n_records, tally.n_others, tally.faults) == (1, 1, ["there is no response record in it"])


def damaged(at: int, change: Any) -> bytes:
    found = packed(*RECORDS)
    found[at] = change(found[at])
    return b"".join(found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda member: member[:60] + b"\x00" * 20 + member[80:], "is damaged"),
        (lambda member: member[:-8] + b"\x00" * 8, "incorrect data check"),
        (lambda member: b"xx" + member[2:], "incorrect header check"),
        (lambda member: member[:70], "is damaged"),
    ],
    ids=["middle", "check sum", "magic", "cut"],
)
@pytest.mark.parametrize("at", [1, 3])
def test_a_damaged_member_costs_its_record_only(change: Any, reason: str, at: int) -> None:
    data = damaged(at, change)
    rows, tally = read(data)
    assert kept(rows) == addresses(at)
    [(rule, why)] = faults(rows)
    offset = len(b"".join(packed(*RECORDS[:at])))
    assert rule == "compression" and reason in why
    assert why.startswith(f"{PATH}, offset {offset}: its compressed member is damaged")
    assert f"reading goes on at offset {data.index(packed(RECORDS[at + 1])[0])}" in tally.faults[0]


@pytest.mark.parametrize("n_cut", [1, 8, 9, 40, 150])
def test_a_truncated_file_gives_what_it_holds_and_says_so(n_cut: int) -> None:
    rows, tally = read(b"".join(packed(*RECORDS))[:-n_cut])
    assert kept(rows) == addresses(5)
    assert faults(rows)[0][1].endswith("its compressed member is cut off")
    assert "nothing is found behind it" in tally.faults[0]


def test_one_long_gzip_member_gives_all_before_its_damage() -> None:
    whole = b"".join(RECORDS)
    half = zlib.compressobj(wbits=31)
    data = half.compress(whole[: len(whole) // 2]) + half.flush(zlib.Z_FULL_FLUSH)
    rows, tally = read(data + b"\xff" * 50)
    assert kept(rows) == addresses(3, 4, 5)[: len(kept(rows))] and len(kept(rows)) >= 2
    assert len(faults(rows)) == 1 and len(tally.faults) == 1


@pytest.mark.parametrize("length", [50, 5_000, -5, "abc", "", 10**17])
@pytest.mark.parametrize("layout", ["gzip", "plain"])
def test_a_wrong_length_costs_its_record_only(length: object, layout: str) -> None:
    found = [*RECORDS[:2], response(2, length=length), *RECORDS[3:]]
    rows, _ = read(b"".join(packed(*found) if layout == "gzip" else found))
    swallowed = (3, 4, 5) if layout == "plain" and length == 10**17 else ()  # it is never read whole, nor searched
    assert kept(rows) == addresses(2, *swallowed)
    assert len(faults(rows)) == 1 and "Content-Length" in faults(rows)[0][1]


def test_wrong_lengths_cost_no_time() -> None:
    wrong = record(address(1), b"abc", length=10_000_000)
    started = time.process_time()
    found = list(warc_records(io.BytesIO(wrong * 3_000 + b"x" * 10_000_000), 10_000_000, []))
    assert [one.fault is not None for one in found] == [True] * 3_000
    assert time.process_time() - started < 15  # 0.1 here; a copy of what each length claims takes 50


def test_a_length_that_ends_in_the_next_record_costs_no_other() -> None:
    found = [*RECORDS[:2], response(2, length=len(RECORDS[2]) + 30), *RECORDS[3:]]
    assert kept(read(b"".join(found))[0]) == addresses(2)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<html>404</html>" * 100, "holds no WARC record; it begins with b'<html>404"),
        (gzip.compress(b"{}\n" * 100, mtime=0), "holds no WARC record; it begins with b'{}"),
        (b"filedesc://a.arc 0.0.0.0 20260101000000 text/plain 77\n1 0 Neo\n", "is an ARC file; convert it with"),
        (
            gzip.compress(b"filedesc://a.arc 0.0.0.0 20260101000000 text/plain 7\n", mtime=0),
            "is an ARC file; convert it with",
        ),
        (b"\x00" * 1000, "holds no WARC record"),
        (record(None, b"text", kind="conversion"), "holds no response record; it is not of kind: warc"),
    ],
)
def test_what_is_no_warc_file_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(NoWarcError) as caught:
        read(data)
    assert str(caught.value).startswith(what)


def test_an_empty_file_has_no_rows_and_a_fault() -> None:
    rows, tally = read(b"")
    assert (rows, tally.faults) == ([], ["the file is empty"])


def chunks(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    parts = [body[at : at + 50] for at in range(0, len(body), 50)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts) + end


BODY = page(1)
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(BODY) + RAW.flush()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Transfer-Encoding: chunked"], chunks(BODY)),
        (["Transfer-Encoding: chunked"], BODY),
        (["Content-Encoding: gzip"], gzip.compress(BODY, mtime=0)),
        (["Content-Encoding: gzip"], BODY),
        (["Content-Encoding: deflate"], zlib.compress(BODY)),
        (["Content-Encoding: deflate"], RAW_DEFLATE),
        (["Content-Encoding: br"], brotli.compress(BODY)),
        (["Content-Encoding: br"], BODY),
        (["transfer-encoding: Chunked", "content-encoding: gzip"], chunks(gzip.compress(BODY, mtime=0))),
        (["X-Odd: \xe9\xff", "no colon here", "X-Folded: a", " b"], BODY),
    ],
)
def test_codings_are_undone(headers: list[str], body: bytes) -> None:
    rows, _ = read(record(address(1), answer(body, *headers), f"WARC-Payload-Digest: {sha1(body)}"))
    assert rows[0]["verdict"] == "kept", rows[0]
    assert rows[0]["text"].startswith("Page 1 is about")


@pytest.mark.parametrize(
    ("one", "rule", "reason"),
    [
        (record(None, answer(BODY)), "warc", "it has no WARC-Target-URI"),
        (record(address(1), b"20261101000000"), "http", "no HTTP answer: it begins with b'20261101"),
        (record(address(1), b""), "http", "no HTTP answer"),
        (record(address(1), answer(chunks(BODY, b""), "Transfer-Encoding: chunked")), "http", "body has no end"),
        (record(address(1), answer(chunks(BODY)[:99], "Transfer-Encoding: chunked")), "http", "body is cut off"),
        (
            record(address(1), answer(gzip.compress(BODY)[:-9], "Content-Encoding: gzip")),
            "http",
            "'gzip' is unknown or",
        ),
        (record(address(1), answer(b"\x8b" * 20, "Content-Encoding: br")), "http", "'br' is unknown or broken"),
        (record(address(1), answer(b"\x8b" * 20, "Content-Encoding: xz")), "http", "'xz' is unknown or broken"),
        (
            record(address(1), answer(gzip.compress(b" " * 200_000), "Content-Encoding: gzip")),
            "http",
            "payload is larger than 100000 bytes",
        ),
        (
            record(address(1), answer(brotli.compress(b" " * 200_000), "Content-Encoding: br")),
            "http",
            "payload is larger than 100000 bytes",
        ),
        (record(address(1), answer(b" " * 100_001)), "http", "payload is larger than 100000 bytes"),
        (record(address(1), answer(b" " * 210_000)), "too_large", "more bytes than max_record_bytes"),
        (record(address(1), answer(BODY), f"WARC-Payload-Digest: {sha1(b'')}"), "digest", "WARC-Payload-Digest"),
        (record(address(1), answer(BODY), f"WARC-Block-Digest: {sha1(b'')}"), "digest", "WARC-Block-Digest"),
    ],
)
def test_a_bad_record_is_quarantined_with_file_and_offset(one: bytes, rule: str, reason: str) -> None:
    data = b"".join(packed(RECORDS[0], one, RECORDS[3]))
    rows, tally = read(data, max_record_bytes=200_000)
    assert kept(rows) == [address(0), address(3)]
    [(found, why)] = faults(rows)
    assert found == rule
    assert why.startswith(f"{PATH}, offset {len(packed(RECORDS[0])[0])}: ") and reason in why
    assert not tally.faults


@pytest.mark.parametrize(
    ("one", "rule", "reason"),
    [
        (record(address(1), answer(BODY, status="404 Not Found")), "status", "HTTP status 404"),
        (record(address(1), answer(BODY, status="301")), "status", "HTTP status 301"),
        (record(address(1), answer(b"GIF89a", content_type="image/gif")), "content_type", "image/gif"),
        (record(address(1), answer(BODY, content_type=None)), "content_type", "none"),
        (record(address(1), answer(b"<p></p>")), "min_chars", "too little text"),
        (record(address(1), answer(BODY), "WARC-Truncated: length"), "truncated", "length"),
        (record(address(1), answer(BODY, "X-Robots-Tag: noindex")), "noindex", "the page asks not to be kept"),
    ],
)
def test_what_is_no_document_is_rejected(one: bytes, rule: str, reason: str) -> None:
    rows, _ = read(one + RECORDS[2])
    assert [(row["verdict"], row["rule"], row["reason"]) for row in rows[:1]] == [("rejected", rule, reason)]
    assert kept(rows) == [address(2)]


def test_unusual_headers_of_old_writers() -> None:
    odd = record(f"<{address(1)}>", answer(BODY, content_type=None), b"X-Latin: \xe9", "x-folded: a\r\n  b",
                 "WARC-Identified-Payload-Type: text/html", "no colon", version="WARC/0.18")  # fmt: skip
    lower = (
        record(address(2), answer(page(2))).replace(b"WARC-Type", b"warc-type").replace(b"Target-URI", b"target-uri")
    )
    rows, tally = read(b"".join(packed(odd, lower)))
    assert kept(rows) == [address(1), address(2)] and not tally.faults


def test_a_bad_record_has_the_id_of_its_place_and_a_page_that_of_its_address() -> None:
    bad = record(address(0), answer(BODY), f"WARC-Block-Digest: {sha1(b'')}")
    rows, _ = read(bad + RECORDS[0] + bad)
    assert len({row["doc_id"] for row in rows}) == 3
    assert rows[1]["doc_id"] == read(RECORDS[0])[0][0]["doc_id"]


def test_a_wet_file_gives_its_text() -> None:
    text = "第一行。\n\n\nSecond line. \n"
    data = [
        record(None, b"software: x", kind="warcinfo"),
        record(address(1), text.encode(), "WARC-Identified-Content-Language: zho,eng", kind="conversion"),
        record(address(2), "é".encode("latin-1"), kind="conversion"),
        record(address(3), b" ", kind="conversion"),
    ]
    rows, tally = read(b"".join(packed(*data)), kind="wet")
    assert (rows[0]["text"], rows[0]["declared_language"]) == ("第一行。\n\nSecond line.", "zho,eng")
    assert [row["rule"] for row in rows[1:]] == ["utf8", "min_chars"]
    assert (tally.n_records, tally.n_others) == (4, 1)


def test_a_huge_record_is_never_in_memory() -> None:
    import tracemalloc

    huge = record(address(1), answer(b"a" * 60_000_000))
    data = b"".join(packed(RECORDS[0], huge, RECORDS[2]))
    del huge
    tracemalloc.start()
    found = [(one.url, one.fault and one.fault.rule) for one in warc_records(io.BytesIO(data), 1_000_000, [])]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(address(0), None), (address(1), "too_large"), (address(2), None)]
    assert most < 5_000_000


@settings(max_examples=150, deadline=None)
@given(
    layout=st.sampled_from(["gzip", "plain", "one", "zstd"]),
    at=st.integers(0, 3_000),
    what=st.binary(max_size=30),
    n_removed=st.integers(0, 200),
)
def test_no_damage_raises_or_changes_a_record_that_it_did_not_hit(
    layout: str, at: int, what: bytes, n_removed: int
) -> None:
    blocks = [answer(page(number)) for number in NUMBERS]
    whole = [record(address(n), block, f"WARC-Block-Digest: {sha1(block)}") for n, block in enumerate(blocks)]
    pieces = {
        "gzip": packed(*whole),
        "plain": whole,
        "one": [gzip.compress(b"".join(whole))],
        "zstd": [zstd.compress(one) for one in whole],
    }[layout]
    data = b"".join(pieces)
    at %= len(data)
    try:
        found = list(warc_records(io.BytesIO(data[:at] + what + data[at + n_removed :]), 100_000, []))
    except NoWarcError:
        return
    sound = [one for one in found if one.fault is None]
    # Only gzip tells by itself that a byte changed, and only of a member that was read to its end.
    assert all(one.block in blocks for one in sound if layout == "gzip" or "warc-block-digest" in one.headers)
    if layout == "plain":
        ends = [len(b"".join(whole[: n + 1])) for n in NUMBERS]
        before = [address(n) for n in NUMBERS if ends[n] <= at - 4]
        assert [one.url for one in sound][: len(before)] == before
