"""A day's imports as a whole: what is in the version, whatever the workers and kills; data sets of rows; faults."""

from __future__ import annotations

import errno
import gzip
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from neo_assets.jobs import import_segment
from neo_assets.jobs.import_repeats import read_rows, repeated_rows
from neo_assets.jobs.imports import import_day
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.imports import ImportSettings
from neo_assets.text.redpajama import SHIPPED
from neo_assets.web.imports.segments import ImportFault
from neo_assets_tests.jobs.import_day import DAY, EXTRACTION, settings
from neo_assets_tests.web.fileserver import Files, served
from neo_assets_tests.web.warcfiles import address, answer, packed, page, record, response

Rows = list[dict[str, Any]]


def imported(tmp_path: Path, imports: dict[str, ImportSettings], workers: int = 1, work: str = "work") -> Dataset:
    result = import_day(imports, EXTRACTION, DAY, tmp_path / work, workers)
    writer = Lake(str(tmp_path / "lake")).writer("crawl/imports", DAY.isoformat())
    result.write(writer)
    return writer.commit(Provenance())


def table(dataset: Dataset, name: str = "rows") -> Rows:
    rows: Rows = dataset.named(name).read().to_pylist()
    return rows


def decisions(dataset: Dataset) -> list[tuple[str, str, str]]:
    return [(row["verdict"], row["rule"], row["reason"]) for row in table(dataset, "decisions")]


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Six files of eight pages; two pages are in several files, one file is cut off, one has a bad record."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for file in range(6):
        records = [response(number) for number in (0, 1, *range(10 * file + 10, 10 * file + 16))]
        if file == 3:
            records[4] = record(None, answer(page(9)))
        data = b"".join(packed(*records))
        (folder / f"{file}.warc.gz").write_bytes(data[:-20] if file == 4 else data)
    return folder


def test_a_day_is_rows_decisions_and_segments(tmp_path: Path, dump: Path) -> None:
    dataset = imported(tmp_path, {"cc": settings(dump)})
    expected = [address(n) for n in (0, 1, *range(10, 16), *range(20, 26), *range(30, 36))]
    expected += [address(n) for n in (40, 41, 43, 44, 45, *range(50, 55), *range(60, 66))]
    rows = table(dataset)
    assert [row["url"] for row in rows] == expected
    assert {row["language"] for row in rows} == {"en"}
    found = decisions(dataset)
    assert [rule for _, rule, _ in found].count("repeated_url") == 10
    assert found[0] == ("rejected", "repeated_url", f"{dump}/1.warc.gz, offset 0: an earlier record has its address")
    assert table(dataset, "decisions")[0]["survivor"] == rows[0]["doc_id"]
    offset = len(b"".join(packed(*(response(n) for n in (0, 1, 40, 41)))))
    assert ("quarantined", "warc", f"{dump}/3.warc.gz, offset {offset}: it has no WARC-Target-URI") in found
    segments = table(dataset, "segments")
    assert [(row["n_records"], row["kept"], row["rejected"], row["quarantined"]) for row in segments] == [
        (8, 8, 0, 0), (8, 6, 2, 0), (8, 6, 2, 0), (8, 5, 2, 1), (8, 5, 2, 1), (8, 6, 2, 0),
    ]  # fmt: skip
    assert [row["fault"] is None for row in segments] == [True, True, True, True, False, True]
    ids = [row["doc_id"] for row in rows + table(dataset, "decisions")]
    assert len(ids) == len(set(ids)) == 48
    counts = dataset.manifest.counts
    assert counts and (counts.rows_in, counts.kept, counts.rejected, counts.quarantined) == (48, 36, 10, 2)


def test_workers_and_part_sizes_change_nothing(tmp_path: Path, dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digests(dataset: Dataset) -> dict[str, str]:
        return {name: one.digest for name, one in dataset.manifest.tables.items()}

    whole = imported(tmp_path, {"cc": settings(dump)})
    one = digests(whole)
    assert digests(imported(tmp_path, {"cc": settings(dump)}, 2, "two")) == one
    monkeypatch.setattr(import_segment, "PART_ROWS", 3)
    small = imported(tmp_path, {"cc": settings(dump)}, 1, "three")
    assert {name: digests(small)[name] for name in ("rows", "segments")} == {n: one[n] for n in ("rows", "segments")}
    assert sorted(map(str, decisions(small))) == sorted(map(str, decisions(whole)))


def test_a_finished_segment_is_not_read_again_unless_its_file_changed(tmp_path: Path, dump: Path) -> None:
    files = Files({f"/{file.name}": file.read_bytes() for file in sorted(dump.iterdir())})
    with served(files) as base:
        cc = settings(dump, "x", paths=tuple(base + path for path in files.content))
        first = imported(tmp_path, {"cc": cc})
        files.asked.clear()
        assert imported(tmp_path, {"cc": cc}).manifest.digest == first.manifest.digest
        assert {method for method, *_ in files.asked} == {"HEAD"}
        files.asked.clear()
        files.content["/2.warc.gz"] = b"".join(packed(response(99)))
        assert address(99) in [row["url"] for row in table(imported(tmp_path, {"cc": cc}))]
        assert [path for method, path, _ in files.asked if method == "GET"] == ["/2.warc.gz"]


def test_a_killed_import_goes_on_and_gives_the_same(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.mkdir()
    for file in range(8):
        records = (response(number) for number in range(100 * file, 100 * file + 120))
        (dump / f"{file}.warc.gz").write_bytes(b"".join(packed(*records)))
    whole = imported(tmp_path, {"cc": settings(dump)}, 1, "whole")
    chance, work = random.Random(1), tmp_path / "killed"
    command = [sys.executable, "-m", "neo_assets_tests.jobs.import_day", str(dump), str(work), "2"]
    n_killed = 0
    done: dict[str, int] = {}
    for n_files in sorted(chance.sample(range(1, 7), 2)):
        process = subprocess.Popen(command)
        while process.poll() is None and len(list(work.glob("segments/*/segment.json"))) < n_files:
            time.sleep(0.005)
        time.sleep(chance.random() / 20)
        n_killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.7)  # its workers end by themselves when they see it
        now = {path.parent.name: path.stat().st_mtime_ns for path in work.glob("segments/*/segment.json")}
        assert done.items() <= {name: now[name] for name in done}.items()
        done = now
    assert n_killed and done
    again = imported(tmp_path, {"cc": settings(dump)}, 2, "killed")
    assert {name: one.digest for name, one in again.manifest.tables.items()} == {
        name: one.digest for name, one in whole.manifest.tables.items()
    }
    now = {path.parent.name: path.stat().st_mtime_ns for path in work.glob("segments/*/segment.json")}
    finished = {name: when for name, when in done.items() if "." not in name}
    assert finished and finished.items() <= now.items()
    assert len(now) == 8 == len(list((work / "segments").iterdir()))


def test_repeats_are_the_same_in_any_number_of_ranges(tmp_path: Path, dump: Path) -> None:
    result = import_day({"cc": settings(dump)}, EXTRACTION, DAY, tmp_path / "work", 1)
    found = []
    for in_memory in (1, 7, 1_000):
        folder = tmp_path / str(in_memory)
        folder.mkdir()
        found.append([read_rows(path).tolist() for path in repeated_rows(result.segments, folder, in_memory)])
    assert found[0] == found[1] == found[2] == [[], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_nothing_arrives_on_another_day(tmp_path: Path) -> None:
    dataset = imported(tmp_path, {})
    assert table(dataset) == table(dataset, "segments") == []
    assert dataset.read().schema.names[-2:] == ["language", "language_score"]


LINES = [
    b'{"content": "The first text.", "id": "a", "url": "http://a.test/1", "date": "2024-05-06T07:08:09Z"}\n',
    b"{broken\n",
    b'{"content": "\xff"}\n',
    b'{"content": "' + b"x" * 3_000 + b'"}\n',
    b'{"id": "b"}\n',
    b'{"content": "\\ud800"}\n',
    b'{"content": "The last text.", "title": "Last"}\n',
]


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstd.compress)]
)
def test_broken_lines_are_quarantined(tmp_path: Path, name: str, pack: Any) -> None:
    (tmp_path / name).write_bytes(pack(b"".join(LINES)))
    fields = {"text": "content"}
    cc = settings(tmp_path, name, "jsonl", fields=fields, max_record_bytes=2_000)
    dataset = imported(tmp_path, {"c4": cc})
    rows = table(dataset)
    assert [(row["url"], row["title"], row["date"], row["source"], row["extractor"]) for row in rows] == [
        ("http://a.test/1", "", "2024-05-06", "c4", "jsonl"),
        (f"{tmp_path}/{name}#7", "Last", None, "c4", "jsonl"),
    ]
    assert [(rule, reason.partition(": ")[0]) for _, rule, reason in decisions(dataset)] == [
        ("json", f"{tmp_path}/{name}, line 2"),
        ("utf8", f"{tmp_path}/{name}, line 3"),
        ("too_large", f"{tmp_path}/{name}, line 4"),
        ("text", f"{tmp_path}/{name}, line 5"),
        ("surrogate", f"{tmp_path}/{name}, line 6"),
    ]


@pytest.mark.parametrize(("end", "pack"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_a_cut_off_data_file_gives_the_lines_before(tmp_path: Path, end: str, pack: Any) -> None:
    lines = [
        json.dumps({"text": f"Text {n} {random.Random(n).random()}", "id": n}) for n in range(9_000)
    ]  # several blocks of zstd
    whole = pack("\n".join(lines).encode())
    (tmp_path / f"a.jsonl{end}").write_bytes(whole[: len(whole) * 2 // 3])
    dataset = imported(tmp_path, {"cut": settings(tmp_path, f"a.jsonl{end}", "jsonl")})
    rows = table(dataset)
    assert [row["text"] for row in rows] == [json.loads(line)["text"] for line in lines[: len(rows)]]
    assert 4_000 < len(rows) < 9_000
    [segment] = table(dataset, "segments")
    assert "is cut off" in segment["fault"] and segment["kept"] == len(rows)


def test_parquet_columns_are_mapped(tmp_path: Path) -> None:
    columns = {"body": ["One text.", None, "Another text."], "link": ["http://a.test/1", "http://a.test/2", None]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    fields = {"text": "body", "url": "link"}
    dataset = imported(tmp_path, {"web": settings(tmp_path, "a.parquet", "parquet", fields=fields)})
    assert [(row["url"], row["text"]) for row in table(dataset)] == [
        ("http://a.test/1", "One text."), (f"{tmp_path}/a.parquet#3", "Another text."),
    ]  # fmt: skip
    assert decisions(dataset) == [
        ("quarantined", "text", f"{tmp_path}/a.parquet, row 2: it has no text (field 'body')")
    ]


def test_parquet_over_http(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["One text."]}), tmp_path / "a.parquet")
    with served(Files({"/a.parquet": (tmp_path / "a.parquet").read_bytes()})) as base:
        dataset = imported(tmp_path, {"web": settings(tmp_path, kind="parquet", paths=(f"{base}/a.parquet",))})
    assert [row["url"] for row in table(dataset)] == [f"{base}/a.parquet#1"]
    assert not list((tmp_path / "work").rglob("scratch"))


def redpajama(n_documents: int, signals: set[int]) -> tuple[bytes, bytes]:
    name = "2023-06/0000/en_head.json.gz"
    documents = [
        {"raw_content": f"Text {n} of a head.", "url": f"http://r.test/{n}", "date_download": "2023-02-03T00:00:00Z",
         "language": "en", "language_score": 0.5}
        for n in range(n_documents)
    ]  # fmt: skip
    found = [{"id": f"{name}/{n}", "quality_signals": {"ccnet_perplexity": [[0, 9, float(n)]]}} for n in signals]
    return tuple(gzip.compress("".join(json.dumps(one) + "\n" for one in rows).encode()) for rows in (documents, found))  # type: ignore[return-value]


@pytest.mark.parametrize("remote", [False, True])
def test_redpajama_joins_its_signals(tmp_path: Path, remote: bool) -> None:
    documents, signals = redpajama(3, {0, 2})
    names = ("documents/2023-06/0000/en_head.json.gz", "quality_signals/2023-06/0000/en_head.signals.json.gz")
    content = {f"/{name}": data for name, data in zip(names, (documents, signals), strict=True)}
    for name, data in content.items():
        (tmp_path / name[1:]).parent.mkdir(parents=True)
        (tmp_path / name[1:]).write_bytes(data)
    with served(Files(content)) as base:
        paths = (f"{base}/{names[0]}",) if remote else (f"{tmp_path}/**/*.json.gz",)
        dataset = imported(tmp_path, {"rp": settings(tmp_path, kind="redpajama", paths=paths)})
    rows = table(dataset)
    assert [(row["url"], row["language_score"], row["date"]) for row in rows] == [
        (f"http://r.test/{n}", 0.5, "2023-02-03") for n in (0, 2)
    ]
    assert [rule for _, rule, _ in decisions(dataset)] == ["signals"]
    signals_found = table(dataset, "signals")
    assert [row["doc_id"] for row in signals_found] == [row["doc_id"] for row in rows]
    assert [row["ccnet_perplexity"] for row in signals_found] == [0.0, 2.0]
    assert set(signals_found[0]) == {"doc_id", *SHIPPED}


def test_a_cut_off_redpajama_file_gives_the_documents_before(tmp_path: Path) -> None:
    documents, signals = redpajama(2_000, set(range(2_000)))
    folder = tmp_path / "2023-06/0000"
    folder.mkdir(parents=True)
    (folder / "en_head.json.gz").write_bytes(documents[: len(documents) // 2])
    (folder / "en_head.signals.json.gz").write_bytes(signals)
    dataset = imported(tmp_path, {"rp": settings(folder, "*.json.gz", "redpajama")})
    rows, shipped = table(dataset), table(dataset, "signals")
    assert 500 < len(rows) < 2_000 and len(rows) == len(shipped)
    assert [row["ccnet_perplexity"] for row in shipped] == [float(n) for n in range(len(rows))]
    assert "is cut off" in table(dataset, "segments")[0]["fault"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "name", "data", "message"),
    [
        ("parquet", "b.parquet", b"PAR1", "b.parquet: cannot be read (Parquet file size is 4 bytes"),
        (
            "warc",
            "b.warc.gz",
            b"<html>",
            "b.warc.gz holds no WARC record; it begins with b'<html>'; restore",
        ),
        (
            "wet",
            "b.warc.gz",
            response(1),
            "b.warc.gz holds no conversion record; it is not of kind: wet; mend",
        ),
        ("redpajama", "b.json.gz", b"", "b.json.gz has no signals file b.signals.json.gz beside it"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_one_clear_line(
    tmp_path: Path, kind: str, name: str, data: bytes, message: str, workers: int
) -> None:
    for file in (name, f"a{name[1:]}"):
        (tmp_path / file).write_bytes(data)
    with pytest.raises(ImportFault) as caught:
        imported(tmp_path, {"x": settings(tmp_path, name if workers == 1 else f"?{name[1:]}", kind)}, workers)
    expected = message if workers == 1 else message[1:].replace("b.sig", "")
    assert expected[:20] in str(caught.value) and "imports.x." in str(caught.value)
    assert workers == 2 or message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_not_held_against_the_file(tmp_path: Path, dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_segment, "write_judged", full)
    with pytest.raises(OSError, match="No space left on device"):
        imported(tmp_path, {"cc": settings(dump)})
    assert not list((tmp_path / "work" / "segments").iterdir())


def test_a_missing_column_names_file_and_key(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["One text."]}), tmp_path / "a.parquet")
    with pytest.raises(ImportFault) as caught:
        imported(tmp_path, {"web": settings(tmp_path, "a.parquet", "parquet")})
    assert str(caught.value) == (
        f"import 'web': {tmp_path}/a.parquet has no column 'text' (it has body); set fields.text; "
        "mend imports.web.fields"
    )


def test_a_listed_file_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "paths").write_text("a.warc.gz\n")
    with pytest.raises(ImportFault) as caught:
        imported(tmp_path, {"cc": settings(tmp_path, paths=(), listing=f"{tmp_path}/paths", base=f"{tmp_path}/")})
    assert str(caught.value) == (
        f"import 'cc': {tmp_path}/a.warc.gz: No such file or directory; "
        "restore the file, or take it out of imports.cc.paths"
    )
