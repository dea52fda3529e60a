"""A lake in a bucket: everything that a lake does, and what can be wrong with a bucket."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import AccessError, DamagedError, MissingBucketError, Store, StoreError, UnavailableError
from neo_assets_tests.storage.conftest import Server

DOCUMENTS = pa.table({"doc_id": [f"d{i:04d}" for i in range(1000)], "text": [f"text {i}" * 20 for i in range(1000)]})
STRANGE = "a|b c%/d?é"


def committed(lake: Lake, asset: str = "area/name", partition: str | None = None, rows: int = 1000) -> None:
    writer = lake.writer(asset, partition)
    writer.table(DOCUMENTS.slice(0, rows), part_rows=300)
    writer.file("sub/model.bin", b"weights" * 1000)
    writer.commit(Provenance())


def test_a_lake_in_a_bucket(root: str) -> None:
    lake = Lake(root)
    assert lake.assets() == [] and lake.manifest("area/name", None) is None and list(lake.garbage()) == []
    for partition in ("2026-11-01", STRANGE, None):
        committed(lake, partition=partition)
    committed(lake, asset="other/name", rows=0)
    assert lake.assets() == ["area/name", "other/name"]
    assert set(lake.partitions("area/name")) == {"2026-11-01", STRANGE, None}
    dataset = lake.dataset("area/name", [STRANGE])
    assert dataset.verified().read() == DOCUMENTS
    assert dataset.read(["doc_id"]) == DOCUMENTS.select(["doc_id"])
    assert dataset.schema == DOCUMENTS.schema
    assert dataset.file("sub/model.bin").read_bytes() == b"weights" * 1000
    assert lake.dataset("other/name").read() == DOCUMENTS.slice(0, 0)
    assert lake.whole("area/name").rows == 3000
    assert not lake.store.exists("area/nam") and lake.store.exists("area/name")
    assert lake.store.uri("area/name") == f"{root}/area/name"


def test_the_bucket_s_own_root_is_a_root(root: str) -> None:
    bucket = root.removesuffix("/some/lake")
    committed(Lake(bucket))
    assert Lake(f"{bucket}/").assets() == ["area/name"]
    assert Lake(bucket).dataset("area/name").read() == DOCUMENTS
    assert Lake(root).assets() == []


def test_garbage_is_versions_without_a_manifest_and_what_jobs_and_engines_left(root: str) -> None:
    lake = Lake(root)
    committed(lake, rows=300)
    committed(lake)
    unfinished = lake.writer("area/name", "2026-11-02")
    unfinished.table(DOCUMENTS.slice(0, 10))
    for name in (".jobs/neo-a-1/log/000000.txt", ".jobs/neo-a-1/result.json", ".scratch/x/rows/part-00000.parquet"):
        lake.store.replace(name, b"{}")
    assert lake.assets() == ["area/name"]
    assert list(lake.garbage(timedelta(hours=1))) == []
    upload = lake.store.create("area/name/_/v-0000000000000000/files/large")
    upload.write(bytes(17 * 2**20))  # what a killed writer leaves: pieces that no listing of objects shows
    garbage = set(lake.garbage())
    assert garbage > {".jobs/neo-a-1", ".scratch/x", unfinished.folder, "area/name/_/v-0000000000000000"}
    assert len(garbage) == 5
    for folder in garbage:
        lake.store.delete_folder(folder)
    assert list(lake.garbage()) == []
    assert lake.dataset("area/name").read() == DOCUMENTS
    lake.store.delete_folder("not/there")
    with pytest.raises(StoreError):
        upload.close()


@pytest.mark.parametrize("size", [0, 2**24, 2**24 + 1, 40_000_000])
def test_large_files_go_in_pieces(root: str, size: int) -> None:
    store = Store(root)
    data = os.urandom(1000) * (size // 1000 + 1)
    data = data[:size]
    with store.create("area/name/_/v/files/one") as stream:
        stream.write(memoryview(data))
    with store.create("area/name/_/v/files/many") as stream:
        for start in range(0, size, 3_000_001):
            assert stream.write(data[start : start + 3_000_001]) == min(3_000_001, size - start)
        assert stream.tell() == size
    for name in ("one", "many"):
        path = f"area/name/_/v/files/{name}"
        assert b"".join(store.blocks(path)) == data
        assert store.read(path) == data
        with store.open(path) as file:
            assert file.size() == size
            file.seek(max(0, size - 300_000))
            assert file.read(1000) == data[max(0, size - 300_000) :][:1000]
            assert file.read() == data[max(0, size - 300_000) :][1000:]


def test_a_failed_writer_leaves_nothing(root: str) -> None:
    store = Store(root)
    for size in (10, 40_000_000):
        with suppress(ZeroDivisionError), store.create("area/name/_/v/files/one") as stream:
            stream.write(bytes(size))
            assert size // 0
    assert list(store.listing("", unfinished=True)) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", r"refused \(SignatureDoesNotMatch\); set AWS_ACCESS_KEY_ID"),
        ("AWS_ACCESS_KEY_ID", "AKIAnobody", r"refused \(Invalid.*\); set AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_wrong_key_is_refused(
    root: str, environment: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    environment.setenv(name, value)
    lake = Lake(root)
    assert lake.store.is_local is False
    for call in (lake.assets, lambda: lake.manifest("area/name", None), lambda: lake.writer("area/name", None)):
        with pytest.raises(AccessError, match=message) as error:
            call()
        assert "\n" not in str(error.value)


def test_no_key_at_all(root: str, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(AccessError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        Lake(root).assets()


def test_a_bucket_that_is_not_there_or_vanishes(server: Server, root: str) -> None:
    with pytest.raises(MissingBucketError, match=r"no bucket 'not-there'; create it, or correct NEO_LAKE"):
        Lake("s3://not-there/lake").manifest("area/name", None)
    lake = Lake(root)
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS.slice(0, 10))
    lake.store.delete_folder("")
    server.client().delete_bucket(Bucket=root.split("/")[2])
    for call in (
        lambda: writer.commit(Provenance()), lake.assets, lambda: list(lake.garbage()),
        lambda: lake.store.open("area/name/x"), lambda: lake.store.exists("area"), writer.discard,
    ):  # fmt: skip
        with pytest.raises(MissingBucketError, match="there is no bucket"):
            call()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("s3://key:secret@bucket/lake", "no keys in the root"),
        ("s3:///lake", "names no bucket"),
        ("s3://bucket/lake?acl=x", "unknown option 'acl'"),
        ("nfs://host/lake", "give a folder, or a URI such as s3://bucket/prefix"),
    ],
)
def test_a_root_that_cannot_be(given: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as error:
        Lake(given).assets()
    assert "secret" not in str(error.value)


def test_nobody_answers(root: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    environment.setenv("AWS_MAX_ATTEMPTS", "2")
    with pytest.raises(UnavailableError, match="is AWS_ENDPOINT_URL right"):
        Lake(root).assets()


def test_the_root_may_name_the_endpoint(root: str, server: Server, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_ENDPOINT_URL")
    environment.delenv("AWS_REGION")
    lake = Lake(f"{root}?scheme=http&endpoint_override=127.0.0.1:{server.port}&region=us-east-1")
    committed(lake)
    assert lake.dataset("area/name").read() == DOCUMENTS
    assert lake.store.below("area").files("name") == [p.removeprefix("area/") for p in lake.store.files("area/name")]


def test_damage_is_found(root: str) -> None:
    lake = Lake(root)
    committed(lake)
    dataset = lake.dataset("area/name")
    record = dataset.manifest.files["sub/model.bin"]
    lake.store.replace(record.path, b"weightz" * 1000)
    with pytest.raises(DamagedError, match=r"sub/model.bin is not what was committed .* --force --no-upstream"):
        dataset.folder()
    lake.store.replace(record.path, b"weights" * 1000)
    lake.store.replace(dataset.parts[1].path, b"")
    with pytest.raises(DamagedError, match=r"part-00001.parquet is not what was committed"):
        dataset.verified()
    lake.store.filesystem.delete_file(lake.store.absolute(dataset.parts[1].path))
    with pytest.raises(DamagedError, match=r"part-00001.parquet is missing"):
        dataset.verified()


def _rows(root: str) -> int:
    return Lake(root).dataset("area/name").read().num_rows


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_has_connections_of_its_own(root: str, method: str) -> None:
    committed(Lake(root))
    assert _rows(root) == 1000
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(_rows, [root] * 4).get(timeout=60) == [1000] * 4
    assert _rows(root) == 1000


def test_the_arrow_file_system_does_what_arrow_asks(root: str) -> None:
    from pyarrow import fs

    store = Store(root)
    store.replace("area/name/a.bin", b"abc")
    store.replace("area/other/b.bin", b"abcd")
    files, base = store.filesystem, store.absolute("")
    found = files.get_file_info([f"{base}/area/name/a.bin", f"{base}/area", f"{base}/nothing"])
    assert [info.type for info in found] == [fs.FileType.File, fs.FileType.Directory, fs.FileType.NotFound]
    assert found[0].size == 3
    listed = files.get_file_info(fs.FileSelector(f"{base}/area"))
    assert sorted(info.base_name for info in listed) == ["name", "other"]
    listed = files.get_file_info(fs.FileSelector(f"{base}/area", recursive=True))
    assert sorted(info.base_name for info in listed) == ["a.bin", "b.bin"]
    files.move(f"{base}/area/name/a.bin", f"{base}/area/name/c.bin")
    with files.open_output_stream(f"{base}/area/name/d.bin") as stream:
        stream.write(b"12")
    with files.open_input_stream(f"{base}/area/name/c.bin") as stream:
        assert stream.read() == b"abc"
    assert store.files("area/name") == ["area/name/c.bin", "area/name/d.bin"]
    files.delete_dir(f"{base}/area")
    assert store.files("") == []
    with pytest.raises(FileNotFoundError):
        files.open_input_file(f"{base}/area/name/c.bin")
    with pytest.raises(FileNotFoundError, match="is not below"):
        files.open_input_file("elsewhere/area/name/c.bin")


def test_local_settings_load_no_client_of_object_stores(tmp_path: Path) -> None:
    code = (
        "import sys; from neo_assets.lake.lake import Lake; assert Lake(sys.argv[1]).assets() == [];"
        "assert not {'boto3', 'botocore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lake")], check=True)
