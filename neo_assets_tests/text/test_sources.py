from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.lake.records import VERDICT_COLUMNS, document_id
from neo_assets.recipe.sources import FieldNames, SourceSettings
from neo_assets.text.sources import SOURCE_SCHEMA, SourceError, SourceReader, crawled_records, read_source, split_text
from neo_assets_tests.text.batches import SEED

LINES = st.lists(st.sampled_from(["# one", "# two", "text", "", "more text"]), max_size=12).map("\n".join)


@given(LINES, st.integers(0, 30))
def test_splitting_loses_nothing_but_whitespace(text: str, group_chars: int) -> None:
    pieces = list(split_text(text, "^# ", group_chars))
    assert re.sub(r"\s", "", "".join(piece for _, piece in pieces)) == re.sub(r"\s", "", text)
    assert all(len(piece) >= group_chars for _, piece in pieces[:-1])
    for title, piece in pieces:
        assert piece.strip()
        assert title == "" or piece.startswith(title)


def test_splitting_starts_at_headings() -> None:
    assert list(split_text("before\n# one\na\n# two\nb\n", "^# ")) == [
        ("", "before\n"),
        ("# one", "# one\na\n"),
        ("# two", "# two\nb\n"),
    ]


def test_chapters_of_the_novel() -> None:
    settings = SourceSettings(
        kind="text", path="text/prideprejudice.en.txt", split_at=r"^Chapter \d+$", licence="public domain"
    )
    table = read_source("gutenberg", settings, SEED)
    assert table.schema == SOURCE_SCHEMA
    assert table.num_rows == 62  # 61 chapters and what stands before the first
    ids = table.column("doc_id").to_pylist()
    assert ids == sorted(set(ids))
    assert read_source("gutenberg", settings, SEED).equals(table)
    by_title = {row["title"]: row for row in table.to_pylist()}
    first = by_title["Chapter 1"]
    assert "universally acknowledged" in first["text"]
    assert first["url"] == "seed:text/prideprejudice.en.txt#Chapter 1"
    assert first["doc_id"] == document_id("gutenberg", "text/prideprejudice.en.txt#Chapter 1")
    assert (first["language"], first["language_score"], first["licence"]) == (None, None, "public domain")
    assert first["day"] is first["host"] is None


def test_code_files_are_documents(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("b = 2\n")
    (tmp_path / "a.py").write_bytes(b"a = '\xc3\xa9'\r\n")
    settings = SourceSettings(kind="code", path="*.py", language="code", licence="MIT")
    rows = {row["url"]: row for row in read_source("code", settings, tmp_path).to_pylist()}
    assert rows["seed:b.py"]["text"] == "b = 2\n"
    assert rows["seed:a.py"]["text"] == "a = 'é'\r\n"
    assert rows["seed:b.py"]["language"] == "code"


def test_repeated_headings_have_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# x\n1\n# x\n2\n")
    settings = SourceSettings(kind="text", path="a.txt", split_at="^# ", licence="MIT")
    assert {row["url"] for row in read_source("s", settings, tmp_path).to_pylist()} == {
        "seed:a.txt#\u0023 x",
        "seed:a.txt## x~2",
    }


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    content = "\n".join(json.dumps(row) for row in [{"id": "k", "text": "一"}, {"text": "two", "title": "T"}])
    opened = gzip.open if name.endswith("gz") else open
    with opened(tmp_path / name, "wt", encoding="utf-8") as file:
        file.write(content)
    settings = SourceSettings(kind="jsonl", path="*.jsonl*", licence="MIT")
    rows = {row["url"]: (row["title"], row["text"]) for row in read_source("s", settings, tmp_path).to_pylist()}
    assert rows == {f"seed:{name}#k": ("", "一"), f"seed:{name}#2": ("T", "two")}


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "content": pa.array(["one", "two", "three"]).dictionary_encode(),
            "key": [7, 8, None],
            "url": ["http://a.test/1", None, "http://[broken"],
            "when": pa.array([datetime(2024, 3, 1, 12, tzinfo=UTC), None, None], pa.timestamp("us", "UTC")),
            "rps_doc_word_count": [1, None, 3],
            "rps_lines_num_words": [[1.0], [2.0, 3.0], None],
            "ccnet_bucket": ["head", "tail", "elsewhere"],
            "unrelated": [object.__name__] * 3,
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"content": pa.array(["four"], pa.large_string())}), tmp_path / "b.parquet")
    fields = FieldNames(text="content", id="key", date="when")
    settings = SourceSettings(kind="parquet", path="*.parquet", licence="MIT", fields=fields)
    reader = SourceReader.of("s", settings, tmp_path, 100)
    assert [name for name in reader.documents.names if name not in SOURCE_SCHEMA.names] == [
        "shipped_ccnet_bucket", "shipped_rps_doc_word_count", "shipped_rps_lines_num_words",
    ]  # fmt: skip
    first, second, third, fourth = (row for batch in reader() for row in batch.to_pylist())
    assert (first["url"], first["host"], first["day"]) == ("http://a.test/1", "a.test", "2024-03-01")
    assert (second["url"], second["host"], second["day"]) == ("seed:a.parquet#8", None, None)
    assert (third["url"], third["host"], third["doc_id"]) == (
        "http://[broken", None, document_id("s", "a.parquet#3"),
    )  # fmt: skip
    assert (fourth["text"], fourth["shipped_ccnet_bucket"]) == ("four", None)
    assert [row["shipped_ccnet_bucket"] for row in (first, second, third)] == [0.0, 2.0, None]
    assert [row["shipped_rps_lines_num_words"] for row in (first, second, third)] == [[1.0], [2.0, 3.0], None]
    assert [row["shipped_rps_doc_word_count"] for row in (first, second, third)] == [1.0, None, 3.0]


def test_batches_are_bounded_in_rows_and_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": "x" * n}) + "\n" for n in range(1, 30)))
    monkeypatch.setattr("neo_assets.text.sources.BATCH_ROWS", 8)
    monkeypatch.setattr("neo_assets.text.sources.BATCH_CHARS", 60)
    reader = SourceReader.of("s", SourceSettings(kind="jsonl", path="*", licence="x"), tmp_path, 100)
    sizes = [[len(text) for text in batch["text"].to_pylist()] for batch in reader()]
    assert [size for batch in sizes for size in batch] == list(range(1, 30))
    assert max(map(len, sizes)) == 8
    assert all(sum(batch[:-1]) < 60 for batch in sizes)


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a crawl"):
        read_source("web", SourceSettings(kind="crawl", licence="x"), tmp_path)
    jsonl = SourceSettings(kind="jsonl", path="*.jsonl", licence="x")
    with pytest.raises(SourceError, match="no file matches"):
        read_source("s", jsonl, tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"no": 1}\n')
    with pytest.raises(SourceError, match=r"source 's': a\.jsonl, line 2: it has no text"):
        read_source("s", jsonl, tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "a", "id": 1}\n{"text": "b", "id": "1"}\n')
    with pytest.raises(SourceError, match="two records have the same id"):
        read_source("s", jsonl, tmp_path)


def test_a_source_of_dumps_takes_only_those() -> None:
    columns = {"url": "u", "host": "h", "day": "2024-11-01", "title": "t", "text": "x", "language": "en"}
    rows = [
        columns | {"doc_id": n, "language_score": 0.5, "source": s} for n, s in enumerate(["cc", "other", "cc", "wet"])
    ]
    settings = SourceSettings(kind="imports", dumps=("cc", "wet"), licence="as stated")
    with duckdb.connect() as connection:
        connection.register("arrived", pa.Table.from_pylist(rows))
        found = connection.sql(crawled_records("web", settings)).to_arrow_table()
    assert found["doc_id"].to_pylist() == [0, 2, 3]
    assert set(found["source"].to_pylist()) == {"web"}


def test_crawled_pages_become_documents_of_the_source() -> None:
    page = {"doc_id": "b", "url": "u", "host": "h", "day": "2024-11-01", "title": "t", "text": "x", "language": "de"}
    pages = [
        {**page, "language_score": 0.5, "n_chars": 1},
        {**page, "doc_id": "a", "language_score": 0.5, "n_chars": 1},
    ]
    extracted = pa.Table.from_pylist(pages)
    with duckdb.connect() as connection:
        connection.register("arrived", extracted)
        sql = crawled_records("crawl", SourceSettings(kind="crawl", licence="as stated"))
        records = connection.sql(sql).to_arrow_table()
    assert records.schema.names == [*SOURCE_SCHEMA.names, *(field.name for field in VERDICT_COLUMNS)]
    assert records.select(SOURCE_SCHEMA.names).schema == SOURCE_SCHEMA
    assert records.column("verdict").to_pylist() == ["kept", "kept"]
    assert records.column("doc_id").to_pylist() == ["a", "b"]
    assert records.select(SOURCE_SCHEMA.names).to_pylist()[0] == {
        **page,
        "doc_id": "a",
        "language_score": 0.5,
        "source": "crawl",
        "licence": "as stated",
    }
