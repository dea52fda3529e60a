"""The files of one batch of documents: fetched, examined, told apart; the good ones are kept with their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.documents.files.examine import examine
from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.inspection import too_large
from neo_assets.documents.files.sources import BUFFER_BYTES, SourceFile, batch_files, opened
from neo_assets.documents.model import FILE_SCHEMA, with_verdict_columns
from neo_assets.engine.progress import report
from neo_assets.jobs.base import open_job
from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, document_id
from neo_assets.lake.writer import VersionWriter
from neo_assets.metadata import TOLD
from neo_assets.recipe.documents import DocumentsSection

Row = dict[str, Any]


def file_rows(batch: str, settings: DocumentsSection, scratch: Path, writer: VersionWriter) -> Iterator[Row]:
    """A row of `FILE_SCHEMA` with a verdict for each file of the batch, by name; the bytes of those kept are written.

    Disk: one file at a time below `scratch`.

    Raises:
        SourceError: the files cannot be listed, or there are none.
    """
    given = settings.batch(batch)
    files = batch_files(given)
    kept: dict[str, str] = {}
    day = given.arrived.isoformat()
    for number, file in enumerate(files, 1):
        row: Row = {
            "doc_id": document_id(day, f"{batch}\n{file.name}"),
            "url": given.address(batch, file.name),
            "batch": batch,
            "day": day,
            "path": file.name,
            "licence": given.licence,
        }
        copy = scratch / "file"
        try:
            found = _looked_at(file, copy, settings)
            first = kept.setdefault(found["sha256"], row["doc_id"])
            if first != row["doc_id"]:
                reason = "a file of the batch whose name comes before has the same bytes"
                yield row | {"verdict": REJECTED, "rule": "duplicate_file", "survivor": first, "reason": reason}
            else:
                writer.file(found["file"], copy)
                yield row | found | {"verdict": KEPT}
        except DocumentError as error:
            yield row | {"verdict": QUARANTINED, "rule": error.rule, "reason": error.reason}
        finally:
            copy.unlink(missing_ok=True)
        report("files", number, len(files))


def _looked_at(file: SourceFile, copy: Path, settings: DocumentsSection) -> Row:
    """Fetch a file and examine the copy, which no one changes meanwhile.

    Raises:
        DocumentError: it cannot be used.
    """
    limit = settings.limits.max_file_bytes
    if file.size > limit:
        raise too_large(f"it has {file.size} bytes", "max_file_bytes", limit)
    digest, size = _copied(file, copy, limit)
    facts = examine(copy, settings.limits)
    return {
        "file": f"{digest}.{facts.ending}", "media": facts.media, "bytes": size, "sha256": digest,
        "n_pages": facts.n_pages, "title": facts.title, "author": facts.author, "date": facts.date,
        "producer": facts.producer,
    }  # fmt: skip


def _copied(file: SourceFile, copy: Path, limit: int) -> tuple[str, int]:
    """The SHA-256 and size of what was copied."""
    digest, size = hashlib.sha256(), 0
    with copy.open("wb") as target:
        for block in _blocks(file):
            size += len(block)
            if size > limit:
                raise too_large(f"it has more than {limit} bytes", "max_file_bytes", limit)
            digest.update(block)
            target.write(block)
    return digest.hexdigest(), size


def _blocks(file: SourceFile) -> Iterator[bytes]:
    try:
        with opened(file.address) as stream:
            while block := stream.read(BUFFER_BYTES):
                yield block
    except OSError as error:
        what = " ".join(str(error.strerror or error).split())[:300]
        raise DocumentError("unreadable", f"it cannot be read ({what}); restore it or mend its permissions") from None


def main() -> None:
    """Take the files of the partition's batch."""
    with open_job() as job:
        rows = list(file_rows(job.key, job.recipe.documents, job.scratch, job.writer))
        job.writer.table(pa.Table.from_pylist(rows, with_verdict_columns(FILE_SCHEMA)))
        job.metadata |= {TOLD: job.recipe.documents.told(job.key)}


if __name__ == "__main__":
    main()
