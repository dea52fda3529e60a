"""The handle that assets take and return: tables and files of committed partitions, read only when asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.lake.fetched import FetchedVersion, ensure_fetched, fetch, fetched_versions
from neo_assets.lake.manifest import FileRecord, Manifest, Part
from neo_assets.lake.store import Store

__all__ = [
    "DECISIONS", "ROWS", "Dataset", "FetchedVersion", "ensure_fetched", "fetched_versions", "input_name",
    "partition_folder", "version_folder",
]  # fmt: skip

ROWS, DECISIONS = "rows", "decisions"


@dataclass(frozen=True)
class Dataset:
    """One table (`rows` unless another is chosen) over the committed partitions of one asset, in partition order.

    An empty handle (no manifests) stands for partitions that don't exist yet, such as the day before the first.
    """

    store: Store
    asset: str
    manifests: tuple[Manifest, ...]
    table: str = ROWS

    def __bool__(self) -> bool:
        return bool(self.manifests)

    def named(self, table: str) -> Dataset:
        """The same partitions, another of their tables."""
        return Dataset(self.store, self.asset, self.manifests, table)

    def __add__(self, other: Dataset) -> Dataset:
        """The partitions of both handles, which may be of different assets with equal columns; the other's come after.

        Raises:
            ValueError: they are in different stores, or name different tables.
        """
        if (self.store, self.table) != (other.store, other.table):
            raise ValueError(f"{self.asset} and {other.asset}: not the same store and table")
        return Dataset(self.store, self.asset, self.manifests + other.manifests, self.table)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The Parquet parts of the table, in row order."""
        return tuple(part for m in self.manifests if self.table in m.tables for part in m.tables[self.table].parts)

    @property
    def rows(self) -> int:
        """Rows in all partitions."""
        return sum(part.rows for part in self.parts)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, read from the first part.

        Raises:
            LookupError: the handle has no such table.
        """
        parts = self.parts
        if not parts:
            raise LookupError(f"{self.asset} has no table {self.table!r} here; materialize it first")
        with self.store.open(parts[0].path) as stream:
            return pq.read_schema(stream)

    @property
    def digests(self) -> dict[str, str]:
        """Content digests by 'asset|partition', as recorded in the manifests of what is made from this handle."""
        return {input_name(m.asset, m.partition): m.digest for m in self.manifests}

    @property
    def manifest(self) -> Manifest:
        """The manifest of a handle over exactly one partition.

        Raises:
            LookupError: there is none, or more than one.
        """
        if len(self.manifests) != 1:
            raise LookupError(f"{self.asset}: expected one partition, found {len(self.manifests)}")
        return self.manifests[0]

    @property
    def metadata(self) -> dict[str, Any]:
        """The recorded metadata of a handle over one partition."""
        return self.manifest.metadata

    def partition(self, key: str | None) -> Dataset:
        """The handle over that partition only (empty if it is not among these)."""
        chosen = tuple(m for m in self.manifests if m.partition == key)
        return Dataset(self.store, self.asset, chosen, self.table)

    def but(self, key: str | None) -> Dataset:
        """The handle over every partition except that one."""
        return Dataset(self.store, self.asset, tuple(m for m in self.manifests if m.partition != key), self.table)

    def verified(self) -> Dataset:
        """This handle, after comparing every part of the table, and every file, with the SHA-256 in its manifest.

        For an index by which documents are removed: damage that Parquet does not notice would remove wrong ones.
        A version never changes, so each is read once a process. O(bytes), about a second for 1.5 GB.

        Raises:
            DamagedError: a part is missing or damaged; the message says what to rebuild.
        """
        for recorded in (*self.parts, *(file for m in self.manifests for file in m.files.values())):
            _verify(self.store, recorded)
        return self

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows in order, a part at a time."""
        for part in self.parts:
            with self.store.open(part.path) as stream:
                file = pq.ParquetFile(stream, pre_buffer=not self.store.is_local)
                yield from file.iter_batches(columns=None if columns is None else list(columns))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in memory: for small tables and tests."""
        batches = list(self.batches(columns))
        if batches:
            return pa.Table.from_batches(batches)
        schema = self.schema
        return (schema if columns is None else pa.schema([schema.field(c) for c in columns])).empty_table()

    def folder(self) -> Path:
        """A local folder with the files of a handle over one partition, fetched and compared if the store is remote.

        Raises:
            DamagedError: the store is remote, and a file is missing or not what was committed.
        """
        manifest = self.manifest
        if self.store.is_local:
            return Path(self.store.absolute(f"{version_folder(manifest)}/files"))
        return fetch(self.store, manifest)

    def file(self, name: str) -> Path:
        """A local path to one of the files.

        Raises:
            LookupError: no such file; the message lists those there are.
        """
        if name not in self.manifest.files:
            raise LookupError(f"{self.asset} has no file {name!r}; it has {sorted(self.manifest.files)}")
        return self.folder() / name


@lru_cache(maxsize=100_000)
def _verify(store: Store, recorded: Part | FileRecord) -> None:
    store.read_verified(recorded.path, recorded.sha256)


def input_name(asset: str, partition: str | None) -> str:
    """How an asset partition is named in provenance records."""
    return asset if partition is None else f"{asset}|{partition}"


def version_folder(manifest: Manifest) -> str:
    """The immutable folder of a version, relative to the lake."""
    return f"{partition_folder(manifest.asset, manifest.partition)}/{manifest.version}"


def partition_folder(asset: str, partition: str | None) -> str:
    """The folder of a partition: its manifest and its versions; an unpartitioned asset has one named `_`."""
    from urllib.parse import quote

    return f"{asset}/{'_' if partition is None else quote(partition, safe='')}"
