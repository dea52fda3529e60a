"""The files of a batch: order, names, globs, seed and object stores; stamps; the inbox's folders."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from neo_assets.documents.files import sources
from neo_assets.documents.files.sources import (
    SourceError,
    batch_files,
    batch_stamps,
    fits,
    inbox_batches,
    opened,
)
from neo_assets.recipe.documents import BatchSettings, DocumentsSection, InboxSettings


def batch(*paths: str) -> BatchSettings:
    return BatchSettings(paths=paths, arrived=date(2026, 11, 1), licence="MIT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.pdf", "a.pdf", "x/a.pdf", "x/y/deep.PDF", ".hidden.pdf", "x/.git/c.pdf", "odd [1] 名.pdf"):
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "docs"


def names(*paths: str) -> list[str]:
    return [file.name for file in batch_files(batch(*paths))]


def test_folders_are_walked_in_the_order_of_names(folder: Path) -> None:
    everything = ["a.pdf", "b.pdf", "odd [1] 名.pdf", "x/a.pdf", "x/y/deep.PDF"]
    assert names(f"{folder}/**/*") == everything
    assert names(f"{folder}/*.pdf") == everything[:3]
    assert names(f"file://{folder}/x/*") == ["a.pdf"]
    assert names(f"{folder}/odd [1] 名.pdf") == ["odd [1] 名.pdf"], "a name may look like a wildcard"
    assert names(f"{folder}/b.pdf", f"{folder}/**/*") == everything, "none twice"
    assert names(f"{folder}/a.pdf", f"{folder}/x/*") == ["2/a.pdf", "a.pdf"], "names stay apart"


def test_names_are_safe(tmp_path: Path) -> None:
    for name in (b"line\nbreak.pdf", b"latin\xe9.pdf", b"back\\slash.pdf"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
            continue
    found = batch_files(batch(f"{tmp_path}/*"))
    assert [file.name for file in found] == ["back%5Cslash.pdf", "latin%E9.pdf", "line%0Abreak.pdf"]
    for file in found:
        with opened(file.address) as stream:
            assert stream.read() == b""


def test_addresses() -> None:
    given = batch("/documents/*.pdf")
    assert given.address("b", "x/名 1.pdf") == "document://documents/b/x/%E5%90%8D%201.pdf"
    based = given.model_copy(update={"base_url": "https://a.org/"})
    assert based.address("b", "1.pdf") == "https://a.org/1.pdf"


def test_the_seed(tmp_path: Path) -> None:
    found = batch_files(batch("seed://pdf/*.pdf"))
    assert found
    assert all(file.address.startswith("seed://pdf/") and "/" not in file.name for file in found)
    with opened(found[0].address) as stream:
        assert stream.read(5) == b"%PDF-"
    with pytest.raises(SourceError, match="leaves the seed"):
        batch_files(batch("seed://../../*.py"))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file; put it there"):
        batch_files(batch(f"{tmp_path}/*.pdf"))
    assert batch_stamps(batch(f"{tmp_path}/*.pdf")) == {}
    with pytest.raises(SourceError, match=r"make the folder or mend documents\.inbox"):
        inbox_batches(InboxSettings(path=f"{tmp_path}/none", licence="MIT"))


def test_stamps_change_with_their_files(folder: Path) -> None:
    before = batch_stamps(batch(f"{folder}/**/*"))
    assert len(before) == 5
    assert batch_stamps(batch(f"{folder}/**/*")) == before
    os.utime(folder / "a.pdf", ns=(1, 1))
    (folder / "new.pdf").write_bytes(b"")
    after = batch_stamps(batch(f"{folder}/**/*"))
    assert {Path(path).name for path in after if after[path] != before.get(path)} == {"a.pdf", "new.pdf"}


def test_folders_of_the_inbox_that_are_batches(tmp_path: Path) -> None:
    for name in ("2026-11-02-papers", "2026-11-01", "2026-11-03-Upper", "2026-13-01", "drafts", "2026-11-04x"):
        (tmp_path / name).mkdir()
    (tmp_path / "2026-11-05").write_bytes(b"no folder")
    inbox = InboxSettings(path=f"{tmp_path}/", licence="MIT")
    found = inbox_batches(inbox)
    assert found == ["2026-11-01", "2026-11-02-papers"]
    (tmp_path / found[1] / "sub").mkdir()
    (tmp_path / found[1] / "sub" / "1.pdf").write_bytes(b"x")
    settings = DocumentsSection(inbox=inbox).batch(found[1])
    assert settings.arrived == date(2026, 11, 2)
    assert [file.name for file in batch_files(settings)] == ["sub/1.pdf"]


def test_object_stores_are_listed_as_folders_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local file system under a bucket's name stands for the store."""
    store = fs.SubTreeFileSystem(str(folder.parent), fs.LocalFileSystem())

    def from_uri(uri: str) -> Any:
        assert uri == "s3://docs"
        return store, "docs"

    monkeypatch.setattr(fs, "FileSystem", SimpleNamespace(from_uri=from_uri))
    found = batch_files(batch("s3://docs/**/*"))
    assert [file.name for file in found] == names(f"{folder}/**/*")
    with opened(found[3].address) as stream:
        assert stream.read() == b"x/a.pdf"
    assert [file.name for file in batch_files(batch("s3://docs/x/a.pdf"))] == ["a.pdf"]
    assert [file.name for file in batch_files(batch("s3://docs/x/*"))] == ["a.pdf"]
    assert list(batch_stamps(batch("s3://docs/a.pdf"))) == ["s3://docs/a.pdf"]
    assert sources._folders("s3://docs") == ["x"]


parts = st.lists(st.sampled_from(["a", "b", ".h", "aa"]), min_size=1, max_size=5)
patterns = st.lists(st.sampled_from(["a", "*", "**", "a*"]), min_size=1, max_size=4)


@given(parts, patterns)
def test_patterns_fit_as_globs_do(name: list[str], pattern: list[str]) -> None:
    """Against the standard library's walk over a folder with just this file."""
    import glob
    import tempfile

    with tempfile.TemporaryDirectory() as root:
        path = Path(root, *name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        found = [one for one in glob.glob("/".join([root, *pattern]), recursive=True) if os.path.isfile(one)]
        if pattern[-1] != "**":  # at the end it also names files: nobody writes that
            assert fits("/".join(name), "/".join(pattern)) == bool(found)
