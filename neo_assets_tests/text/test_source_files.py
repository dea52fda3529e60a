"""Lines in bounded memory, against the whole text split at once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.sources import FieldNames
from neo_assets.text.source_files import Fault, Record, SourceError, checked, decoded, lines_of, naming
from neo_assets.text.source_rows import _parsed, day_of, record_of

CONTENT = st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"\xff", "中".encode(), b"b" * 9]), max_size=30).map(b"".join)


@given(CONTENT, st.integers(1, 12))
def test_lines_are_the_files_lines(data: bytes, max_bytes: int) -> None:
    naive, at = [], 0
    for number, line in enumerate(data.splitlines(keepends=True) if b"\r" not in data else split(data), start=1):
        naive.append((number, at, len(line), line if len(line) <= max_bytes or is_whole(line, max_bytes) else None))
        at += len(line)
    assert [tuple(line) for line in lines_of(io.BytesIO(data), max_bytes)] == naive


def split(data: bytes) -> list[bytes]:
    """At newlines only: a carriage return alone ends no line."""
    return io.BytesIO(data).readlines()


def is_whole(line: bytes, max_bytes: int) -> bool:
    """A line end may stand just beyond the limit."""
    return len(line) == max_bytes + 1 and line.endswith(b"\n")


def test_a_byte_order_mark_is_no_content() -> None:
    [first, second] = lines_of(io.BytesIO(b"\xef\xbb\xbfa\n\xef\xbb\xbfb"), 99)
    assert (first.start, first.data, second.start, second.data) == (3, b"a\n", 5, b"\xef\xbb\xbfb")


@given(st.binary(max_size=30), st.integers(0, 9))
def test_the_first_bad_byte_is_told_where_it_is(data: bytes, start: int) -> None:
    found = decoded(data, first_line=7, start=start)
    if isinstance(found, str):
        assert found.encode() == data
        return
    at = int(found.reason.rsplit(" ", 1)[1]) - start
    assert data[:at].decode() is not None
    assert found.reason.startswith(f"not UTF-8: line {7 + data[:at].count(10)}, byte 0x{data[at]:02x} at ")


@given(st.text(st.characters(), max_size=20))
def test_any_text_is_kept_or_named(text: str) -> None:
    """Through JSON, which can say half a surrogate pair though UTF-8 cannot."""
    found = _parsed(json.dumps({"text": text}))
    assert isinstance(found, dict)
    record = checked(record_of(found, FieldNames(), "line 1", 1), max_chars=10)
    # JSON joins two halves that stand side by side: what counts is the text that was read.
    read = found["text"]
    if len(read) > 10:
        assert record.fault is not None and record.fault.rule == "too_large"
    elif any(0xD800 <= ord(character) < 0xE000 for character in read):
        assert record.fault is not None and record.fault.rule == "surrogate"
    else:
        assert record.text == read == read.encode().decode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda of: st.lists(of) | st.dictionaries(st.sampled_from(["text", "id", "url", "title", "date", "x"]), of),
)


@given(JSON)
def test_any_json_gives_a_record_or_a_fault(value: object) -> None:
    found = _parsed(json.dumps(value))
    if isinstance(found, Fault):
        assert not isinstance(value, dict)
        return
    record = checked(record_of(found, FieldNames(), "line 1", 1), max_chars=10_000)
    assert (record.fault is None) == (record.text is not None)
    assert record.fault is not None or record.text == found["text"]


def test_a_faulty_record_holds_on_to_nothing() -> None:
    kept = Record("line 1", "id", "long text", "title", "http://a.test/")
    assert checked(kept, 100) is kept
    assert checked(kept, 3) == Record("line 1", fault=Fault("too_large", "more characters than max_chars", 9.0, 3.0))


@pytest.mark.parametrize(
    ("value", "day"),
    [("2024-03-01T12:00:00Z", "2024-03-01"), ("2024-03-01", "2024-03-01"), ("1 March", None), (None, None), (7, None)],
)
def test_days(value: object, day: str | None) -> None:
    assert day_of(value) == day


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    said = r"^source 's': a/b cannot be read \(Is a directory\); restore the file"
    with pytest.raises(SourceError, match=said), naming("s", "a/b"):
        tmp_path.read_bytes()
