"""Bad input, each kind with its documented answer (docs/operations.md), through the engine and into the lake."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_assets.build import _first_error
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.normalise import NormaliseChinese, NormaliseEnglish
from neo_assets.text.sources import SourceError, crawled_records, file_records
from neo_assets.web.language import IdentifyLanguage

ENGINE = LocalEngine(part_rows=4)
GOOD = b'{"id": "good", "text": "A sound document."}\n'
AFTER = b'{"id": "after", "text": "The one after it."}\n'


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def source(**settings: Any) -> SourceSettings:
    return SourceSettings.model_validate({"kind": "jsonl", "path": "*", "licence": "MIT", **settings})


def commit(lake: Lake, relation: Relation, name: str = "records") -> Dataset:
    """What the IO manager does with an asset's result."""
    writer = lake.writer(f"english/{name}", "s")
    writer.rows_in = rows_judged(relation)
    try:
        dataset = writer.commit(Provenance(), ENGINE.write(relation, writer, "rows"))
    except BaseException:
        writer.discard()
        raise
    counts = dataset.manifest.counts
    assert counts is not None and counts.balanced
    assert counts.kept == dataset.rows
    assert counts.rejected + counts.quarantined == dataset.named("decisions").rows
    return dataset


def records(lake: Lake, folder: Path, max_chars: int = 1_000_000, **settings: Any) -> Dataset:
    return commit(lake, file_records(ENGINE, "s", source(**settings), folder, max_chars))


def texts(dataset: Dataset) -> dict[str, str]:
    return {row["url"]: row["text"] for row in dataset.read(["url", "text"]).to_pylist()}


def quarantined(dataset: Dataset) -> list[dict[str, Any]]:
    return sorted(dataset.named("decisions").read().to_pylist(), key=lambda row: str(row["reason"]))


BROKEN_LINES = {
    "invalid UTF-8": (b'{"text": "caf\xe9"}\n', "utf8", "x.jsonl, line 2: not UTF-8: line 2, byte 0xe9 at offset 57"),
    "UTF-8 cut off": (b'{"text": "\xe4\xb8"}\n', "utf8", "x.jsonl, line 2: not UTF-8: line 2, byte 0xe4 at offset 54"),
    "not JSON": (b'{"text": \n', "json", "x.jsonl, line 2: not JSON: Expecting value at character 10 of the line"),
    "no object": (b'["text"]\n', "json", "x.jsonl, line 2: the line is a list, not an object"),
    "deep": (b"[" * 100_000 + b"\n", "json", "x.jsonl, line 2: not JSON that can be read: nested too deeply,"),
    "huge number": (b'{"text": ' + b"9" * 9_999 + b"}\n", "json", "x.jsonl, line 2: not JSON that can be read"),
    "no text": (b'{"id": "a"}\n', "text", "x.jsonl, line 2: it has no text (field 'text')"),
    "null text": (b'{"text": null}\n', "text", "x.jsonl, line 2: it has no text (field 'text')"),
    "number": (b'{"text": 7}\n', "text", "x.jsonl, line 2: its text is a number (field 'text')"),
    "list": (b'{"text": ["a"]}\n', "text", "x.jsonl, line 2: its text is a list (field 'text')"),
    "url": (b'{"text": "a", "url": {"a": 1}}\n', "url", "x.jsonl, line 2: its url is an object (field 'url')"),
    "id": (b'{"text": "a", "id": [1]}\n', "id", "x.jsonl, line 2: its id is a list (field 'id')"),
    "surrogate": (rb'{"text": "a \ud800 b"}' + b"\n", "surrogate", "x.jsonl, line 2: half a surrogate pair"),
    "surrogate in the url": (rb'{"text": "a", "url": "http://a/\udc00"}' + b"\n", "surrogate", "x.jsonl, line 2: half"),
    "bytes of a surrogate": (b'{"text": "\xed\xa0\x80"}\n', "utf8", "x.jsonl, line 2: not UTF-8: line 2, byte 0xed"),
    "same id": (b'{"id": "good", "text": "Another."}\n', "duplicate_id", "x.jsonl, line 2: its id was taken by"),
}  # fmt: skip


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize(("line", "rule", "reason"), BROKEN_LINES.values(), ids=BROKEN_LINES)
def test_a_broken_line_is_quarantined_and_the_rest_is_read(
    lake: Lake, folder: Path, line: bytes, rule: str, reason: str, packing: str
) -> None:
    pack(folder / f"x.jsonl{packing}", GOOD + line + AFTER)
    found = records(lake, folder)
    assert sorted(texts(found).values()) == ["A sound document.", "The one after it."]
    [row] = quarantined(found)
    assert (row["verdict"], row["rule"]) == ("quarantined", rule)
    assert row["reason"].startswith(reason.replace("x.jsonl", f"x.jsonl{packing}"))
    assert row["url"].startswith(f"seed:x.jsonl{packing}#")
    ids = [*found.read()["doc_id"].to_pylist(), row["doc_id"]]
    assert len(set(ids)) == 3, "a quarantined record never has the id of a kept one"


def pack(file: Path, data: bytes) -> None:
    match file.suffix:
        case ".gz":
            file.write_bytes(gzip.compress(data))
        case ".zst":
            file.write_bytes(pa.compress(data, codec="zstd", asbytes=True))
        case _:
            file.write_bytes(data)


def test_sound_but_odd_lines_are_kept(lake: Lake, folder: Path) -> None:
    lines = [
        b"\xef\xbb\xbf" + GOOD,  # a byte order mark
        b"\n",  # a blank line is no record
        rb'{"text": "nul \u0000 here", "id": 7}' + b"\r\n",
        rb'{"text": "\ud83d\ude00", "url": "", "title": null}',  # a whole pair; the last line has no end
    ]
    (folder / "x.jsonl").write_bytes(b"".join(lines))
    found = records(lake, folder)
    assert texts(found) == {
        "seed:x.jsonl#good": "A sound document.",
        "seed:x.jsonl#7": "nul \0 here",
        "seed:x.jsonl#4": "😀",
    }
    counts = found.manifest.counts
    assert counts is not None and (counts.rows_in, counts.quarantined) == (3, 0)


def test_null_characters_end_at_normalisation(lake: Lake, folder: Path) -> None:
    (folder / "x.jsonl").write_bytes(rb'{"text": "There is a nul \u0000here, in an English sentence."}')
    found = commit(lake, ENGINE.map(records(lake, folder), IdentifyLanguage(), NormaliseEnglish()), "normalized")
    assert found.read()["text"].to_pylist() == ["There is a nul here, in an English sentence."]


def test_a_missing_url_is_the_place_in_the_file(lake: Lake, folder: Path) -> None:
    (folder / "x.jsonl").write_bytes(GOOD + b'{"text": "b", "url": "http://Host.test:8/p"}\n')
    rows = {row["url"]: row["host"] for row in records(lake, folder).read().to_pylist()}
    assert rows == {"seed:x.jsonl#good": None, "http://Host.test:8/p": "host.test"}


def test_of_many_with_one_id_the_first_is_kept(lake: Lake, folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").write_bytes(b"".join(b'{"id": "k", "text": "%d"}\n' % n for n in range(9)))
    found = records(lake, folder)
    assert texts(found) == {"seed:a.jsonl#k": "0", "seed:b.jsonl#k": "0"}
    assert [row["rule"] for row in quarantined(found)] == ["duplicate_id"] * 16
    assert {row["survivor"] for row in quarantined(found)} == set(found.read()["doc_id"].to_pylist())


def test_text_files_with_bad_bytes(lake: Lake, folder: Path) -> None:
    (folder / "x.txt").write_bytes(b"# one\nfine\n# two\nfine\nbad \xff\n# three\nfine\n# two\nagain\n")
    found = records(lake, folder, kind="text", split_at="^# ")
    assert sorted(texts(found)) == ["seed:x.txt#\u0023 one", "seed:x.txt#\u0023 three", "seed:x.txt#\u0023 two~2"]
    [row] = quarantined(found)
    assert row["reason"] == "x.txt, line 3: not UTF-8: line 5, byte 0xff at offset 26"
    whole = records(lake, folder, kind="code")
    assert whole.rows == 0
    assert quarantined(whole)[0]["reason"] == "x.txt: not UTF-8: line 5, byte 0xff at offset 26"


def test_parquet_rows(lake: Lake, folder: Path) -> None:
    cells = [b"fine", None, b"caf\xe9", b"x" * 50]
    binary = pa.array(cells, pa.binary())
    claimed = pa.Array.from_buffers(pa.string(), 4, binary.buffers())  # text by its type, not by its bytes
    for name, text in (("a", binary), ("b", claimed)):
        pq.write_table(pa.table({"content": text, "url": ["http://a.test/", None, None, None]}), folder / name)
    found = records(lake, folder, max_chars=40, kind="parquet", fields={"text": "content"})
    assert [row["text"] for row in found.read().to_pylist()] == ["fine", "fine"]
    assert [(row["rule"], row["reason"]) for row in quarantined(found)[:3]] == [
        ("text", "a, row 2: it has no text (field 'content')"),
        ("utf8", "a, row 3: not UTF-8: byte 0xe9 at offset 3"),
        ("too_large", "a, row 4: more characters than max_chars"),
    ]


def test_a_huge_document_costs_no_memory(lake: Lake, folder: Path) -> None:
    """100 MB a document, as a line, as a text file and as a Parquet value: quarantined, never held whole as text."""
    huge = b"0123456789" * 10_000_000
    (folder / "x.jsonl").write_bytes(GOOD + b'{"text": "' + huge + b'"}\n' + AFTER)
    (folder / "x.text").write_bytes(b"# one\nfine\n# two\n" + (huge[:9_999] + b"\n") * 10_000 + b"# three\nfine\n")
    pq.write_table(pa.table({"text": pa.array([b"fine", huge, b"fine"], pa.binary())}), folder / "x.parquet")
    for kind, more in (("jsonl", {}), ("text", {"split_at": "^# "}), ("parquet", {})):
        tracemalloc.start()
        found = records(lake, folder, kind=kind, path=f"x.{kind}", max_record_bytes=2**20, **more)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.rows == 2
        [row] = quarantined(found)
        assert row["rule"] == "too_large" and row["value"] > 90_000_000
        assert peak < 20_000_000, f"{kind}: Python held {peak} bytes"


def test_a_huge_crawled_page_is_quarantined_before_it_is_normalised(lake: Lake) -> None:
    page = {"doc_id": "d:1", "url": "http://a.test/", "text": "长" * 2_000_000, "language": "zh", "language_score": 0.9}
    pages = pa.Table.from_pylist([page, {**page, "doc_id": "d:2", "text": "短文。"}])
    found = commit(lake, ENGINE.map(pages, NormaliseChinese(max_chars=1_000_000)), "normalized")
    assert found.read()["text"].to_pylist() == ["短文."]
    [row] = quarantined(found)
    assert (row["rule"], row["value"], row["threshold"]) == ("too_large", 2_000_000, 1_000_000)


def test_crawled_records_without_address_or_text(lake: Lake) -> None:
    page = {"doc_id": "d:1", "url": "http://a.test/", "host": "a.test", "day": "2024-11-01", "title": "t", "text": "x"}
    page |= {"language": "en", "language_score": 0.9}
    rows = [page, page | {"doc_id": "d:2", "url": None}, page | {"doc_id": "d:3", "text": None}]
    query = crawled_records("s", SourceSettings(kind="crawl", licence="MIT"))
    found = commit(lake, ENGINE.query(query, judges="arrived", arrived=pa.Table.from_pylist(rows)))
    assert found.read()["doc_id"].to_pylist() == ["d:1"]
    assert {row["doc_id"]: row["reason"] for row in quarantined(found)} == {
        "d:2": "url missing",
        "d:3": "it has no text",
    }


def broken_files() -> Iterator[tuple[str, str, bytes, str]]:
    """(kind, file, content, what is said)"""
    packed = gzip.compress(GOOD * 1000, mtime=0)
    zst = pa.compress(GOOD * 1000, codec="zstd", asbytes=True)
    table = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": ["a" * 1000] * 100, "n": range(100)}), table)
    parquet = table.getvalue().to_pybytes()
    numbers = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [1, 2]}), numbers)
    yield "jsonl", "cut.jsonl.gz", packed[: len(packed) // 2], "cut.jsonl.gz is cut off"
    yield "jsonl", "sum.jsonl.gz", packed[:-8] + b"\0" * 8, "sum.jsonl.gz is not sound gzip (CRC check failed"
    yield "jsonl", "no.jsonl.gz", GOOD, "no.jsonl.gz is not sound gzip (Not a gzipped file"
    yield "jsonl", "cut.jsonl.zst", zst[: len(zst) // 2], "cut.jsonl.zst cannot be read (Truncated compressed stream"
    yield "jsonl", "no.jsonl.zst", GOOD, "no.jsonl.zst cannot be read (ZSTD decompress"
    yield "parquet", "cut.parquet", parquet[:-100], "cut.parquet cannot be read (Parquet magic bytes not found"
    yield "parquet", "empty.parquet", b"", "empty.parquet cannot be read (Parquet file size is 0 bytes)"
    yield "parquet", "torn.parquet", parquet[:4] + b"\xff" * 60 + parquet[64:], "torn.parquet cannot be read ("
    yield "parquet", "numbers.parquet", numbers.getvalue().to_pybytes(), "has a column 'text' of type int64, not text"


@pytest.mark.parametrize(
    ("kind", "name", "content", "said"),
    list(broken_files()),
    ids=lambda v: v if str(v).islower() and "." in str(v) else "",
)
def test_a_broken_file_fails_the_partition_and_leaves_nothing(
    lake: Lake, folder: Path, kind: str, name: str, content: bytes, said: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        records(lake, folder, kind=kind)
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"source 's': {name} ") and "\n" not in message
    assert message.endswith("; restore the file, or take it out of english.sources.s.path, and build again")
    assert lake.manifest("english/records", "s") is None
    assert list(lake.garbage()) == []


def test_packed_files_may_have_several_members(lake: Lake, folder: Path) -> None:
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(GOOD) + gzip.compress(AFTER))
    (folder / "b.jsonl.zst").write_bytes(b"".join(pa.compress(x, codec="zstd", asbytes=True) for x in (GOOD, AFTER)))
    assert records(lake, folder).rows == 4


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_in_a_parquet_file_never_crashes(lake: Lake, folder: Path, seed: int) -> None:
    """A file with some bytes changed either fails with its name or is read: the process lives in any case."""
    random = Random(seed)
    buffer = pa.BufferOutputStream()
    table = pa.table({"text": [f"text {n} " * 20 for n in range(50)], "id": range(50), "rps_doc_word_count": range(50)})
    pq.write_table(table, buffer, write_page_checksum=seed % 2 == 0, compression="zstd" if seed % 3 else "none")
    data = bytearray(buffer.getvalue().to_pybytes())
    for _ in range(1 + seed % 4):
        data[random.randrange(len(data))] = random.randrange(256)
    (folder / "x.parquet").write_bytes(data)
    try:
        found = records(lake, folder, kind="parquet", max_chars=10_000)
    except SourceError as error:
        said = str(error)
    else:
        assert found.manifest.counts is not None and found.manifest.counts.rows_in <= 50
        said = "x.parquet"
    assert "x.parquet" in said


def test_odd_columns_and_names(lake: Lake, folder: Path) -> None:
    far = pa.array([2**53, None], pa.timestamp("s"))  # no date that Python knows
    pq.write_table(pa.table({"text": ["a", "b"], "date": far, "id": [[1], None]}), folder / "x.parquet")
    found = records(lake, folder, kind="parquet")
    assert found.read(["text", "day"]).to_pylist() == [{"text": "b", "day": None}]
    assert [row["rule"] for row in quarantined(found)] == ["id"]
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(twice, folder / "x.parquet")
    with pytest.raises(SourceError, match="has the column 'text' more than once"):
        records(lake, folder, kind="parquet")
    Path(os.fsdecode(bytes(folder) + b"/\xff.jsonl")).write_bytes(GOOD)
    with pytest.raises(SourceError, match="is not UTF-8; rename it"):
        records(lake, folder, path="*.jsonl")


def test_empty_files_have_no_records(lake: Lake, folder: Path) -> None:
    for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst"):
        (folder / name).write_bytes(b"")
    found = records(lake, folder)
    assert found.rows == 0
    assert found.schema.names[0] == "doc_id"
    normalized = commit(lake, ENGINE.map(found, NormaliseEnglish()), "normalized")
    assert normalized.rows == 0


def test_an_empty_text_file_is_a_document_without_text(lake: Lake, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"")
    found = commit(
        lake, ENGINE.map(records(lake, folder, kind="text"), IdentifyLanguage(), NormaliseEnglish()), "normalized"
    )
    assert [row["rule"] for row in quarantined(found)] == ["empty"]


def test_no_file_at_all(lake: Lake, folder: Path) -> None:
    with pytest.raises(SourceError, match="source 's': no file matches '\\*' below the seed folder; put the files"):
        records(lake, folder)


def test_a_file_that_vanishes(lake: Lake, folder: Path) -> None:
    (folder / "x.jsonl").write_bytes(GOOD)
    relation = file_records(ENGINE, "s", source(), folder)
    (folder / "x.jsonl").unlink()
    with pytest.raises(SourceError, match=r"x\.jsonl is gone since the build listed it"):
        commit(lake, relation)


def test_dagster_says_it_in_one_line(tmp_path: Path, folder: Path) -> None:
    (folder / "x.jsonl.gz").write_bytes(gzip.compress(GOOD)[:-4])
    lake = Lake(str(tmp_path / "lake"))

    @dg.asset(key_prefix="english", partitions_def=dg.StaticPartitionsDefinition(["s"]), dagster_type=dg.Any)
    def records() -> Any:
        return file_records(ENGINE, "s", source(), folder)

    result = dg.materialize(
        [records], partition_key="s", resources={"io_manager": LakeIOManager(lake, ENGINE)}, raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )  # fmt: skip
    assert not result.success
    line = _first_error(result)
    assert "\n" not in line
    assert line.startswith("english/records: ")
    assert "SourceError: source 's': x.jsonl.gz is cut off: its compressed content has no end; restore" in line
    assert lake.manifest("english/records", "s") is None


def test_the_same_records_whatever_the_batches(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": str(n % 40), "text": f"text {n}" * (n % 7)} for n in range(100)] + [{"text": None}]
    (folder / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = []
    for size, chars in ((10_000, 10_000_000), (7, 10_000_000), (10_000, 50)):
        monkeypatch.setattr("neo_assets.text.sources.BATCH_ROWS", size)
        monkeypatch.setattr("neo_assets.text.sources.BATCH_CHARS", chars)
        manifest = records(Lake(str(tmp_path / f"{size}-{chars}")), folder).manifest
        assert manifest.counts is not None
        assert (manifest.counts.rows_in, manifest.counts.kept, manifest.counts.quarantined) == (101, 40, 61)
        found.append((manifest.digest, manifest.tables["decisions"].digest))
    assert len(set(found)) == 1
