"""A batch from its files to its pages: verdicts, bytes, parts; the same whatever the workers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.documents.model import FILE_SCHEMA, PAGE_SCHEMA, page_of, with_verdict_columns
from neo_assets.jobs import document_pages
from neo_assets.jobs.document_files import file_rows
from neo_assets.jobs.document_pages import page_batches, write_pages
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.documents import BatchSettings, DocumentsSection, FileLimits
from neo_assets_tests.documents.files import made

LIMITS = FileLimits(max_file_bytes=200_000, max_pages=40, max_memory_bytes=1 << 28, page_seconds=5, open_seconds=5)
FORM = made.stream(
    b"/Fm Do /Fm Do",
    b"/Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources << /XObject << /Fm 7 0 R >> >>",
)
FILES = {
    "a good.pdf": made.pages(*[made.text(f"page {number}") for number in range(20)]),
    "b.pdf": made.encrypted("secret", "owner"),
    "c.pdf": made.pages(*[made.text(f"page {number}") for number in range(20)]),
    "d.pdf": made.pages(b""),
    "e.txt": b"not a page",
    "f.pdf": made.pages(*[b""] * 41),
    "g.png": made.picture(),
    "h.pdf": made.pages(made.prose(), b"/Fm Do", resources=b"/XObject << /Fm 7 0 R >>", more=[FORM]),
    "i.bin": bytes(300_000),
    "j.tif": made.picture("TIFF"),
    "k.pdf": b"",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> DocumentsSection:
    folder = tmp_path_factory.mktemp("batch")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    batch = BatchSettings(paths=(f"{folder}/*",), arrived=date(2026, 11, 1), licence="CC0-1.0")
    return DocumentsSection(batches={"mixed": batch}, limits=LIMITS)


@pytest.fixture(scope="module")
def files(settings: DocumentsSection, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    base = tmp_path_factory.mktemp("files")
    writer = Lake(str(base / "lake")).writer("documents/files", "mixed")
    rows = list(file_rows("mixed", settings, base, writer))
    writer.table(pa.Table.from_pylist(rows, with_verdict_columns(FILE_SCHEMA)))
    assert [path.name for path in base.iterdir()] == ["lake"], "copies are removed"
    return writer.commit(Provenance())


def test_files_have_their_facts_and_verdicts(files: Dataset) -> None:
    kept = files.read().to_pylist()
    assert [(row["path"], row["media"], row["n_pages"]) for row in kept] == [
        ("a good.pdf", "pdf", 20), ("d.pdf", "pdf", 1), ("g.png", "image", 1), ("h.pdf", "pdf", 2),
        ("j.tif", "tiff", 1),
    ]  # fmt: skip
    for row in kept:
        assert files.file(row["file"]).read_bytes() == FILES[row["path"]]
        assert row["file"].startswith(row["sha256"])
        assert (row["batch"], row["day"], row["licence"]) == ("mixed", "2026-11-01", "CC0-1.0")
        assert row["bytes"] == len(FILES[row["path"]])
        assert row["doc_id"].startswith("2026-11-01:")
    assert kept[0]["url"] == "document://documents/mixed/a%20good.pdf"
    others = files.named("decisions").read().to_pylist()
    assert [(row["url"].rpartition("/")[2], row["verdict"], row["rule"]) for row in others] == [
        ("b.pdf", "quarantined", "encrypted"), ("c.pdf", "rejected", "duplicate_file"),
        ("e.txt", "quarantined", "media"), ("f.pdf", "quarantined", "too_many_pages"),
        ("i.bin", "quarantined", "too_large"), ("k.pdf", "quarantined", "empty"),
    ]  # fmt: skip
    assert others[1]["survivor"] == kept[0]["doc_id"]
    assert all(row["reason"] for row in others)


def written(files: Dataset, settings: DocumentsSection, base: Path, workers: int) -> Dataset:
    base.mkdir()
    writer = Lake(str(base / "lake")).writer("documents/pages", "mixed")
    (base / "work").mkdir()
    write_pages(page_batches(files, settings, base / "work", workers), writer)
    return writer.commit(Provenance())


def test_pages_are_the_same_whatever_the_workers(
    files: Dataset, settings: DocumentsSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = written(files, settings, tmp_path / "one", 1)
    rows: list[dict[str, Any]] = one.read().to_pylist()
    assert one.schema.equals(PAGE_SCHEMA)
    ids = {row["path"]: row["doc_id"] for row in files.read().to_pylist()}
    order = [(row["doc_id"], row["page"]) for row in rows]
    assert order == sorted(order)
    assert len(order) == len(set(order)) == 20 + 1 + 1 + 1 + 1
    first = [page_of(row) for row in rows if row["doc_id"] == ids["a good.pdf"]]
    assert [page.runs[0].text for page in first] == [f"page {number}" for number in range(20)]
    assert sum(row["seconds"] for row in rows) > 0
    [decision] = one.named("decisions").read().to_pylist()
    assert (decision["doc_id"], decision["url"], decision["rule"]) == (
        ids["h.pdf"], "document://documents/mixed/h.pdf#page=2", "memory",
    )  # fmt: skip
    monkeypatch.setattr(document_pages, "PART_PAGES", 5)
    two = written(files, settings, tmp_path / "two", 2)
    assert len(two.parts) > len(one.parts)
    assert two.manifest.digest == one.manifest.digest


def test_a_batch_without_good_files_has_no_pages(settings: DocumentsSection, tmp_path: Path) -> None:
    writer = Lake(str(tmp_path / "lake")).writer("documents/files", "none")
    writer.table(with_verdict_columns(FILE_SCHEMA).empty_table())
    pages = written(writer.commit(Provenance()), settings, tmp_path / "x", 1)
    assert pages.rows == 0
    assert pages.schema.equals(PAGE_SCHEMA)
