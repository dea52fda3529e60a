"""The lake: finds committed versions, opens writers, and removes versions no manifest refers to when asked to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError

from neo_assets.lake.dataset import Dataset, partition_folder
from neo_assets.lake.manifest import Manifest
from neo_assets.lake.store import Store, StoreError
from neo_assets.lake.writer import MANIFEST, VersionWriter

DEFAULT_ROOT = ".neo/lake"


class LakeError(StoreError):
    """A manifest that cannot be read: says which, and what to do."""


@dataclass(frozen=True)
class Lake:
    """All datasets below one root (`/path` or `s3://bucket/prefix`)."""

    root: str

    @classmethod
    def from_environment(cls) -> Lake:
        """The lake named by `NEO_LAKE`, or `.neo/lake` below the working folder."""
        return cls(os.environ.get("NEO_LAKE") or str(Path(DEFAULT_ROOT).absolute()))

    @property
    def store(self) -> Store:
        """The bytes below the root."""
        return Store(self.root)

    def manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """The manifest in force, or None if that partition was never committed.

        Raises:
            LakeError: the manifest is there but broken.
        """
        path = f"{partition_folder(asset, partition)}/{MANIFEST}"
        try:
            data = self.store.read(path)
        except FileNotFoundError:
            return None
        try:
            return Manifest.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            raise LakeError(
                f"{self.root}/{path}: not a manifest of this version ({first['loc']}: {first['msg']}); "
                f"rebuild it with `neo build {asset} --force`"
            ) from error

    def manifests(self, partitions: Iterable[tuple[str, str | None]]) -> list[Manifest | None]:
        """`manifest` of each asset and partition, in order: one request each, several at once on a remote store."""
        return self.store.each(lambda key: self.manifest(*key), partitions)

    def dataset(self, asset: str, partitions: Iterable[str | None] = (None,)) -> Dataset:
        """The handle over those partitions that are committed, in the order given."""
        manifests = self.manifests((asset, partition) for partition in partitions)
        return Dataset(self.store, asset, tuple(m for m in manifests if m is not None))

    def whole(self, asset: str) -> Dataset:
        """The handle over every committed partition of an asset."""
        return self.dataset(asset, map(_key, self.store.folders(asset)))

    def partitions(self, asset: str) -> list[str | None]:
        """The committed partitions of an asset, sorted."""
        names = self.store.folders(asset)
        committed = self.store.each(lambda name: self.store.exists(f"{asset}/{name}/{MANIFEST}"), names)
        return [_key(name) for name, is_there in zip(names, committed, strict=True) if is_there]

    def assets(self) -> list[str]:
        """Every asset (`area/name`) with a committed partition, sorted."""
        areas = self._areas()
        names = self.store.each(self.store.folders, areas)
        found = [f"{area}/{name}" for area, inside in zip(areas, names, strict=True) for name in inside]
        return [
            asset
            for asset, committed in zip(found, self.store.each(self._is_committed, found), strict=True)
            if committed
        ]

    def _is_committed(self, asset: str) -> bool:
        return any(self.store.exists(f"{asset}/{name}/{MANIFEST}") for name in self.store.folders(asset))

    def _areas(self) -> list[str]:
        """The folders that hold assets: those at the top but jobs' and engines' own, whose names begin with a dot."""
        return [name for name in self.store.folders("") if not name.startswith(".")]

    def writer(self, asset: str, partition: str | None) -> VersionWriter:
        """A writer for a new version of a partition; it takes the place of the version that is in force now."""
        found = self.store.tag(f"{partition_folder(asset, partition)}/{MANIFEST}")
        return VersionWriter(self.store, asset, partition, found=found)

    def garbage(self, older_than: timedelta = timedelta(0)) -> Iterator[str]:
        """Folders that nobody refers to: versions that were replaced, what killed writers, jobs and engines left.

        `older_than` protects those that are still at work, by the age of a folder's newest file.
        """
        before = datetime.now(UTC) - older_than
        for top in self.store.folders(""):
            depth = 2 if top.startswith(".") else 4
            yield from self._garbage(top, depth, before)

    def _garbage(self, top: str, depth: int, before: datetime) -> Iterator[str]:
        """Of an area, or of a folder with a dot: its folders at that depth, read in one listing."""
        newest: dict[str, datetime] = {}
        committed = set[str]()
        for path, modified, is_folder in self.store.listing(top, unfinished=True):
            parts = path.split("/")
            folder = "/".join(parts[:depth])
            if len(parts) > depth or (len(parts) == depth and is_folder):
                at = datetime.min.replace(tzinfo=UTC) if is_folder else modified
                newest[folder] = max(newest.get(folder, at), at)
            elif len(parts) == depth and parts[-1] == MANIFEST:
                committed.add(path.rpartition("/")[0])
            elif len(parts) == depth and parts[-1].startswith(f".{MANIFEST}."):  # of a killed writer, on a disk
                newest[path] = modified
        old = sorted(folder for folder, at in newest.items() if at <= before)
        if depth == 4:
            partitions = sorted({folder.rpartition("/")[0] for folder in old} & committed)
            current = self.store.each(self._in_force, partitions)
            old = [folder for folder in old if folder not in set(current)]
        yield from old

    def _in_force(self, partition: str) -> str:
        asset, _, name = partition.rpartition("/")
        manifest = self.manifest(asset, _key(name))
        return f"{partition}/{manifest.version}" if manifest else ""


def _key(folder: str) -> str | None:
    """The partition key that a folder stands for."""
    return None if folder == "_" else unquote(folder)
