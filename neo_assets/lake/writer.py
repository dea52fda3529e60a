"""Writing a version: parts and files go into a folder of their own, invisible until the manifest is replaced."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from neo_assets.lake.dataset import DECISIONS, ROWS, Dataset, partition_folder
from neo_assets.lake.digest import RowDigest, canonical_schema, digest_files, digest_table, finish
from neo_assets.lake.manifest import Counts, FileRecord, Manifest, Part, Provenance, Resources, TableRecord
from neo_assets.lake.records import DECISION_SCHEMA, KEPT, QUARANTINED, REJECTED, VERDICT_COLUMNS
from neo_assets.lake.store import ANY, ChangedError, CommitConflictError, Expected, Store

MANIFEST = "manifest.json"
_VERDICT_NAMES = tuple(column.name for column in VERDICT_COLUMNS)


@dataclass(frozen=True)
class WrittenPart:
    """What writing one table of one unit of work gave: the part, its schema, and how many rows got each verdict."""

    table: str
    part: Part
    schema: pa.Schema
    verdicts: Mapping[str, int] = field(default_factory=dict)


def write_part(store: Store, folder: str, table_name: str, index: int, table: pa.Table) -> list[WrittenPart]:
    """Write one Parquet part; the same rows give the same bytes."""
    path = f"{folder}/{table_name}/part-{index:05d}.parquet"
    table = table.combine_chunks()  # how the rows came in batches is not content
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=3, store_schema=True)
    data = buffer.getbuffer()
    with store.create(path) as stream:
        stream.write(data)
    digest = digest_table(table)
    part = Part(
        path=path, rows=table.num_rows, bytes=len(data), digest=digest.hex(), sha256=hashlib.sha256(data).hexdigest()
    )
    return [WrittenPart(table_name, part, table.schema)]


def write_scratch(store: Store, folder: str, table_name: str, index: int, table: pa.Table) -> list[WrittenPart]:
    """Write a part that nobody will commit: quick to compress, and without digests."""
    path = f"{folder}/{table_name}/part-{index:05d}.parquet"
    with store.create(path) as stream:
        pq.write_table(table, stream, compression="lz4", use_dictionary=False, store_schema=True)
    part = Part(path=path, rows=table.num_rows, bytes=0, digest=RowDigest().hex(), sha256="")
    return [WrittenPart(table_name, part, table.schema)]


def write_judged(store: Store, folder: str, table_name: str, index: int, table: pa.Table) -> list[WrittenPart]:
    """Write a part; rows with a verdict other than kept go to the decisions table, and no row is lost.

    Raises:
        ValueError: a verdict outside kept, rejected, quarantined.
    """
    if "verdict" not in table.column_names:
        return write_part(store, folder, table_name, index, table)
    verdict = table["verdict"]
    verdicts = {name: pc.sum(pc.equal(verdict, name)).as_py() or 0 for name in (KEPT, REJECTED, QUARANTINED)}
    if sum(verdicts.values()) != table.num_rows:
        raise ValueError(f"unknown verdicts: {sorted(set(verdict.to_pylist()) - set(verdicts), key=str)}")
    kept = table.filter(pc.equal(verdict, KEPT)).drop_columns([n for n in _VERDICT_NAMES if n in table.column_names])
    others = table.filter(pc.not_equal(verdict, KEPT))
    decisions = pa.table(
        [
            others[f.name].cast(f.type) if f.name in others.column_names else pa.nulls(others.num_rows, f.type)
            for f in DECISION_SCHEMA
        ],
        schema=DECISION_SCHEMA,
    )
    [rows] = write_part(store, folder, table_name, index, kept)
    judged = WrittenPart(table_name, rows.part, rows.schema, verdicts)
    return [judged, *write_part(store, folder, DECISIONS, index, decisions)]


@dataclass
class VersionWriter:
    """Collects what one version of one partition will hold. Nothing is visible before `commit`."""

    store: Store
    asset: str
    partition: str | None
    version: str = field(default_factory=lambda: f"v-{uuid.uuid4().hex[:16]}")
    written: list[WrittenPart] = field(default_factory=list)
    files: dict[str, FileRecord] = field(default_factory=dict)
    rows_in: int | None = None
    found: Expected = ANY
    """The tag of the manifest that this version replaces, `None` for the first; `ANY` for whatever is there."""
    _is_settled: bool = field(default=True, init=False)

    @property
    def folder(self) -> str:
        """The version's folder, relative to the lake."""
        return f"{partition_folder(self.asset, self.partition)}/{self.version}"

    def add(self, parts: Iterable[WrittenPart]) -> None:
        """Take over parts, in row order."""
        self.written.extend(parts)

    def table(self, table: pa.Table, name: str = ROWS, part_rows: int = 10_000) -> None:
        """Write a table that is in memory, in parts of fixed size (at least one part, be it empty)."""
        for index, start in enumerate(range(0, max(table.num_rows, 1), part_rows)):
            self.add(write_judged(self.store, self.folder, name, index, table.slice(start, part_rows)))

    def file(self, name: str, source: Path | bytes, content: bool = True) -> None:
        """Add a file; `content=False` for one that is kept but not part of the content (a log, a WARC with dates)."""
        path = f"{self.folder}/files/{name}"
        digest, size = hashlib.sha256(), 0
        with self.store.create(path) as target:
            for block in _blocks(source):
                digest.update(block)
                size += len(block)
                target.write(block)
        self.files[name] = FileRecord(path=path, bytes=size, sha256=digest.hexdigest(), content=content)

    def folder_of_files(self, source: Path, content: bool = True) -> None:
        """Add every file below a local folder under its relative name."""
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            self.file(path.relative_to(source).as_posix(), path, content)

    def commit(
        self, provenance: Provenance, resources: Resources | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Dataset:
        """Make this version the partition's current one, in one atomic step; the former version stays in the lake.

        If another writer was faster with the same content, its version stays, is what is returned, and ours is removed.

        Raises:
            CommitConflictError: another writer was faster, with other content; its version stays.
        """
        tables = _table_records(self.written)
        manifest = Manifest(
            asset=self.asset,
            partition=self.partition,
            version=self.version,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            digest=_content_digest(tables, self.files),
            tables=tables,
            files=self.files,
            counts=self._counts(),
            provenance=provenance,
            resources=resources or Resources(),
            metadata=dict(metadata or {}),
        )
        data = manifest.model_dump_json(indent=1).encode()
        self.store.replace(f"{self.folder}/{MANIFEST}", data)
        self._is_settled = False  # from here on the version may be in force, whatever we hear of it
        path = f"{partition_folder(self.asset, self.partition)}/{MANIFEST}"
        try:
            self.found = self.store.replace(path, data, self.found)
        except ChangedError:
            self._is_settled = True
            return self._overtaken(manifest, path)
        return Dataset(self.store, self.asset, (manifest,))

    def discard(self) -> None:
        """Remove what was written, after a failure; but never a version that is, or might be, in force."""
        if self._is_settled:
            self.store.delete_folder(self.folder)

    def _overtaken(self, ours: Manifest, path: str) -> Dataset:
        """What to do when the manifest is not the one that we found: take the other's equal content, or say so."""
        where = self.asset if self.partition is None else f"{self.asset} [{self.partition}]"
        try:
            theirs = Manifest.model_validate_json(self.store.read(path))
        except (FileNotFoundError, ValidationError):
            raise CommitConflictError(
                f"{where}: its manifest was removed or broken meanwhile; nothing was committed; build again"
            ) from None
        if theirs.digest == ours.digest:
            self.discard()
            return Dataset(self.store, self.asset, (theirs,))
        raise CommitConflictError(
            f"{where}: another writer committed {theirs.version} ({theirs.created}) while this one was at work; "
            f"that version is in force and whole, this one is dropped; build again to see if it is current"
        )

    def _counts(self) -> Counts | None:
        judged = [part.verdicts for part in self.written if part.verdicts]
        if not judged:
            return None
        kept, rejected, quarantined = (sum(v[name] for v in judged) for name in (KEPT, REJECTED, QUARANTINED))
        rows_in = self.rows_in if self.rows_in is not None else kept + rejected + quarantined
        return Counts(rows_in=rows_in, kept=kept, rejected=rejected, quarantined=quarantined)


def _blocks(source: Path | bytes, size: int = 1 << 20) -> Iterable[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as stream:
        while block := stream.read(size):
            yield block


def _table_records(written: Iterable[WrittenPart]) -> dict[str, TableRecord]:
    tables: dict[str, list[WrittenPart]] = {}
    for part in written:
        tables.setdefault(part.table, []).append(part)
    records = {}
    for name, parts in sorted(tables.items()):
        schemas = {canonical_schema(part.schema) for part in parts}
        if len(schemas) != 1:
            raise ValueError(f"parts of table {name!r} differ in schema: {sorted(schemas)}")
        digest = sum((RowDigest.parse(part.part.digest) for part in parts), RowDigest())
        records[name] = TableRecord(
            digest=finish(parts[0].schema, digest), columns=schemas.pop(), parts=tuple(part.part for part in parts)
        )
    return records


def _content_digest(tables: Mapping[str, TableRecord], files: Mapping[str, FileRecord]) -> str:
    """Over every table but the decisions, and the files that count: what downstream assets can read."""
    entries = [(f"table:{name}", record.digest) for name, record in tables.items() if name != DECISIONS]
    entries += [(f"file:{name}", record.sha256) for name, record in files.items() if record.content]
    return digest_files(entries)
