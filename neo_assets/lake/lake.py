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
from neo_assets.lake.writer import VersionWriter

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
        path = f"{partition_folder(asset, partition)}/manifest.json"
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

    def dataset(self, asset: str, partitions: Iterable[str | None] = (None,)) -> Dataset:
        """The handle over those partitions that are committed, in the order given."""
        manifests = (self.manifest(asset, partition) for partition in partitions)
        return Dataset(self.store, asset, tuple(m for m in manifests if m is not None))

    def whole(self, asset: str) -> Dataset:
        """The handle over every committed partition of an asset."""
        return self.dataset(asset, self.partitions(asset))

    def partitions(self, asset: str) -> list[str | None]:
        """The committed partitions of an asset, sorted."""
        names = [name for name in self.store.folders(asset) if self.store.exists(f"{asset}/{name}/manifest.json")]
        return [None if name == "_" else unquote(name) for name in names]

    def assets(self) -> list[str]:
        """Every asset (`area/name`) with a committed partition, sorted."""
        found = (f"{area}/{name}" for area in self.store.folders("") for name in self.store.folders(area))
        return [asset for asset in found if self.partitions(asset)]

    def writer(self, asset: str, partition: str | None) -> VersionWriter:
        """A writer for a new version of a partition."""
        return VersionWriter(self.store, asset, partition)

    def garbage(self, older_than: timedelta = timedelta(0)) -> Iterator[str]:
        """Version folders that no manifest in force refers to: replaced, or left by a killed writer.

        `older_than` protects writers that are still at work, by the age of a version's newest file.
        """
        before = datetime.now(UTC) - older_than
        for area in self.store.folders(""):
            for name in self.store.folders(area):
                for partition in self.store.folders(f"{area}/{name}"):
                    manifest = self.manifest(f"{area}/{name}", None if partition == "_" else unquote(partition))
                    current = manifest.version if manifest else None
                    for version in self.store.folders(f"{area}/{name}/{partition}"):
                        folder = f"{area}/{name}/{partition}/{version}"
                        if version != current and self._newest(folder) <= before:
                            yield folder

    def _newest(self, folder: str) -> datetime:
        paths = [self.store.absolute(path) for path in self.store.files(folder)]
        times = [info.mtime for info in self.store.filesystem.get_file_info(paths) if info.mtime] if paths else []
        return max((t if t.tzinfo else t.replace(tzinfo=UTC) for t in times), default=datetime.min.replace(tzinfo=UTC))
