"""Files on disk, in the seed, behind HTTP and in an object store: listed, told apart, read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from neo_assets.web.imports import httpfile, remote
from neo_assets.web.imports.remote import RemoteError, listed, opened, stamp
from neo_assets_tests.web.fileserver import Files, served

DATA = bytes(range(256)) * 2_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpfile, "PAUSE_SECONDS", 0.001)


@pytest.fixture
def files() -> Files:
    return Files({"/a.gz": DATA})


@pytest.fixture
def base(files: Files) -> Iterator[str]:
    with served(files) as address:
        yield address


def test_local_files_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b.gz", "a.gz", "c.txt", "deep/er/d.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert listed(f"{tmp_path}/*.gz") == [f"{tmp_path}/a.gz", f"{tmp_path}/b.gz"]
    assert listed(f"file://{tmp_path}/**/d.gz") == [f"{tmp_path}/deep/er/d.gz"]
    with opened(f"file://{tmp_path}/a.gz") as stream:
        assert stream.read() == b"a.gz"
    with pytest.raises(RemoteError, match=r"^/.*/x\.gz: no such file$"):
        listed(f"{tmp_path}/x.gz")


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path: Path) -> None:
    (tmp_path / "a[1].gz").write_bytes(b"")
    assert listed(f"{tmp_path}/a[1].gz") == [f"{tmp_path}/a[1].gz"]


def test_the_seed_is_listed_under_its_own_scheme() -> None:
    found = listed("seed://text/*.en.txt")
    assert "seed://text/prideprejudice.en.txt" in found
    assert stamp(found[0])["size"]
    with pytest.raises(RemoteError, match="leaves the seed folder"):
        listed("seed://../secret.txt")


def test_a_local_stamp_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    before = stamp(str(file))
    file.write_bytes(b"others")
    assert stamp(str(file)) != before
    file.unlink()
    with pytest.raises(RemoteError, match="No such file"):
        stamp(str(file))


def test_http_is_read_as_it_is(base: str, files: Files) -> None:
    assert listed(f"{base}/a.gz") == [f"{base}/a.gz"]
    with opened(f"{base}/a.gz") as stream:
        assert stream.read(10) + stream.read() == DATA
    assert stamp(f"{base}/a.gz") == {"size": len(DATA), "tag": '"one"'}


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_taken_up_where_it_broke(base: str, files: Files, ranges: bool) -> None:
    files.cut_after, files.ranges = 200_000, ranges
    if not ranges:
        files.cut_after = None
    with opened(f"{base}/a.gz") as stream:
        assert stream.read() == DATA
    if ranges:
        assert [wanted for _, _, wanted in files.asked] == [None, "bytes=200000-", "bytes=400000-"]


def test_a_server_without_ranges_sends_all_again(base: str, files: Files) -> None:
    files.ranges, files.cut_after = False, 300_000

    def whole_from_now_on(size: int = -1) -> bytes:
        data = stream.read(100_000)
        files.cut_after = None
        return data + stream.read()

    with opened(f"{base}/a.gz") as stream:
        assert whole_from_now_on() == DATA
    assert len(files.asked) == 2


def test_a_file_that_changes_meanwhile_is_refused(base: str, files: Files) -> None:
    files.cut_after, files.etags = 200_000, ['"one"', '"two"']
    with opened(f"{base}/a.gz") as stream, pytest.raises(OSError, match="changed while it was read"):
        stream.read()


def test_a_server_that_is_busy_is_asked_again(base: str, files: Files) -> None:
    files.failures = 2
    with opened(f"{base}/a.gz") as stream:
        assert stream.read() == DATA
    files.failures = 9
    with pytest.raises(RemoteError, match=r"/a\.gz: HTTP status 503$"):
        opened(f"{base}/a.gz")


def test_a_missing_file_is_one_clear_line(base: str, files: Files) -> None:
    for call in (opened, stamp):
        with pytest.raises(RemoteError, match=rf"^{base}/b\.gz: HTTP status 404$"):
            call(f"{base}/b.gz")
    assert len(files.asked) == 2


def test_redirects_lead_to_http_only(base: str, files: Files, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    files.redirects = {"/moved": "/a.gz", "/out": f"file://{tmp_path}/secret", "/loop": "/loop"}
    with opened(f"{base}/moved") as stream:
        assert stream.read() == DATA
    with pytest.raises(RemoteError, match=r"/out: it redirects to file:///.*, which is refused"):
        opened(f"{base}/out")
    with pytest.raises(RemoteError, match="redirects more than 5 times"):
        opened(f"{base}/loop")


def test_no_server_is_one_clear_line() -> None:
    with pytest.raises(RemoteError, match=r"no answer \(ConnectionError\)"):
        opened("http://127.0.0.1:9/a.gz")
    assert stamp("http://127.0.0.1:9/a.gz") == {"size": None, "tag": None}


def test_an_object_store_is_listed_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder stands for the store: what is tested is what is asked of Arrow's file systems."""
    for name in ("b/x/1.gz", "b/x/2.gz", "b/y/1.gz", "b/x/deep/1.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    class Stores:
        FileSelector, FileType = fs.FileSelector, fs.FileType

        class FileSystem:
            @staticmethod
            def from_uri(uri: str) -> Any:
                assert uri == "s3://b"
                return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "b"

    monkeypatch.setattr(remote, "fs", Stores)
    assert listed("s3://b/x/*.gz") == ["s3://b/x/1.gz", "s3://b/x/2.gz"]
    assert listed("s3://b/*/1.gz") == ["s3://b/x/1.gz", "s3://b/y/1.gz"]
    assert listed("s3://b/x/1.gz") == ["s3://b/x/1.gz"]
    with opened("s3://b/x/1.gz") as stream:
        assert io.BufferedReader(stream).read() == b"b/x/1.gz"  # type: ignore[type-var]
    assert stamp("s3://b/x/1.gz")["size"] == 8
    for missing in ("s3://b/x/*.zst", "s3://b/z/1.gz"):
        with pytest.raises(RemoteError, match="no such file"):
            listed(missing)
    with pytest.raises(RemoteError, match="no such file"):
        stamp("s3://b/z/1.gz")
