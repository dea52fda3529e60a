"""Versions, manifests, decisions and garbage."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.lake.lake import Lake, LakeError
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import with_verdicts
from neo_assets.lake.store import DamagedError

DOCUMENTS = pa.table({"doc_id": [f"d{i:02d}" for i in range(10)], "url": [f"http://a.test/{i}" for i in range(10)]})


def judged(rejected: int, quarantined: int = 0) -> pa.Table:
    n = DOCUMENTS.num_rows
    verdicts = ["rejected"] * rejected + ["quarantined"] * quarantined + ["kept"] * (n - rejected - quarantined)
    batch = with_verdicts(DOCUMENTS.to_batches()[0], verdict=verdicts, rule=["words"] * n, value=[1.0] * n)
    return pa.Table.from_batches([batch])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_nothing_is_visible_before_the_commit(lake: Lake) -> None:
    writer = lake.writer("area/name", "2024-11-01")
    writer.table(DOCUMENTS)
    assert lake.manifest("area/name", "2024-11-01") is None
    assert not lake.dataset("area/name", ["2024-11-01"])
    writer.commit(Provenance())
    assert lake.dataset("area/name", ["2024-11-01"]).read() == DOCUMENTS


def test_a_failed_rewrite_leaves_the_old_version_in_force(lake: Lake) -> None:
    first = lake.writer("area/name", None)
    first.table(DOCUMENTS)
    first.commit(Provenance())
    second = lake.writer("area/name", None)
    second.table(DOCUMENTS.slice(0, 3))
    second.discard()
    assert lake.dataset("area/name").rows == 10


def test_verdicts_route_rows_and_none_is_lost(lake: Lake) -> None:
    writer = lake.writer("area/name", None)
    writer.table(judged(3, 2), part_rows=4)
    dataset = writer.commit(Provenance())
    counts = dataset.manifest.counts
    assert counts is not None and counts.balanced
    assert (counts.rows_in, counts.kept, counts.rejected, counts.quarantined) == (10, 5, 3, 2)
    assert dataset.read()["doc_id"].to_pylist() == ["d05", "d06", "d07", "d08", "d09"]
    decisions = dataset.named("decisions").read().to_pylist()
    assert [(d["doc_id"], d["verdict"], d["rule"]) for d in decisions] == [
        *((f"d0{i}", "rejected", "words") for i in range(3)),
        *((f"d0{i}", "quarantined", "words") for i in (3, 4)),
    ]


def test_lost_rows_are_noticed(lake: Lake) -> None:
    writer = lake.writer("area/name", None)
    writer.rows_in = 11
    writer.table(judged(3))
    counts = writer.commit(Provenance()).manifest.counts
    assert counts is not None and not counts.balanced


def test_an_unknown_verdict_is_refused(lake: Lake) -> None:
    table = DOCUMENTS.append_column("verdict", pa.array(["kept"] * 9 + ["maybe"]))
    with pytest.raises(ValueError, match="maybe"):
        lake.writer("area/name", None).table(table)


def test_the_content_digest_ignores_decisions_layout_and_place(tmp_path: Path) -> None:
    digests = set()
    for place, part_rows in (("a", 3), ("b/c", 10), ("d", 1)):
        writer = Lake(str(tmp_path / place)).writer("area/name", "x")
        writer.table(judged(3), part_rows=part_rows)
        writer.file("model.bin", b"weights")
        writer.file("crawl.log", place.encode(), content=False)
        digests.add(writer.commit(Provenance(engine=place)).manifest.digest)
    assert len(digests) == 1


def test_files(lake: Lake, tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "weights.bin").write_bytes(b"\x00" * 3_000_000)
    packed = gzip.compress(b"already packed")
    (source / "crawl.warc.gz").write_bytes(packed)
    writer = lake.writer("area/name", "a|b")
    writer.folder_of_files(source)
    dataset = writer.commit(Provenance())
    assert dataset.file("crawl.warc.gz").read_bytes() == packed
    assert lake.store.read(dataset.manifest.files["crawl.warc.gz"].path) == packed
    assert dataset.file("sub/weights.bin").read_bytes() == b"\x00" * 3_000_000
    with pytest.raises(LookupError, match=r"no file 'nothing'.*sub/weights.bin"):
        dataset.file("nothing")
    assert lake.partitions("area/name") == ["a|b"]


def test_garbage_is_what_no_manifest_refers_to(lake: Lake) -> None:
    for rows in (2, 5):
        writer = lake.writer("area/name", None)
        writer.table(DOCUMENTS.slice(0, rows))
        writer.commit(Provenance())
    unfinished = lake.writer("area/name", None)
    unfinished.table(DOCUMENTS)
    garbage = list(lake.garbage())
    assert len(garbage) == 2 and unfinished.folder in garbage
    for folder in garbage:
        lake.store.delete_folder(folder)
    assert lake.dataset("area/name").read() == DOCUMENTS.slice(0, 5)


def test_a_broken_manifest_says_which_and_what_to_do(lake: Lake) -> None:
    lake.store.replace("area/name/_/manifest.json", b'{"asset": 3}')
    with pytest.raises(LakeError, match=r"area/name/_/manifest.json.*neo build area/name --force"):
        lake.manifest("area/name", None)


def test_another_arrow_file_system(tmp_path: Path) -> None:
    lake = Lake(f"file://{tmp_path}/uri-lake")
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS)
    writer.commit(Provenance())
    assert Lake(str(tmp_path / "uri-lake")).dataset("area/name").read() == DOCUMENTS


@pytest.mark.parametrize("partition", ["2024-11-01", None])
def test_a_damaged_part_is_refused_with_what_to_rebuild(lake: Lake, partition: str | None) -> None:
    writer = lake.writer("area/index", partition)
    writer.table(DOCUMENTS, part_rows=5)
    dataset = writer.commit(Provenance())
    assert dataset.verified() == dataset
    part = dataset.parts[1]
    other = lake.writer("area/index", partition)
    other.table(DOCUMENTS.slice(5).set_column(0, "doc_id", [["x"] * 5]))
    Path(lake.store.absolute(part.path)).write_bytes(lake.store.read(other.written[0].part.path))  # readable, but wrong
    again = Lake(lake.root.replace("/lake", "/./lake")).dataset("area/index", [partition])
    only = " --partition 2024-11-01" if partition else ""
    with pytest.raises(DamagedError, match=f"part-00001.parquet is not .* run `neo build area/index{only} --force"):
        again.verified()
    Path(lake.store.absolute(part.path)).unlink()
    with pytest.raises(DamagedError, match=r"part-00001\.parquet is missing"):
        again.verified()
