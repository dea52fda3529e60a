"""What the ranks of every machine open by path, as node 0 tells the others: plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_assets.lake.fetched import FetchedVersion, fetched_versions
from neo_assets.lake.manifest import FileRecord
from neo_assets.lake.store import Store


def paths_of(spec: Mapping[str, Any]) -> list[Path]:
    """The chunks of a segment's specification and the checkpoint that it starts from, so far as they are there."""
    given = (*spec["chunks"].values(), *([spec["start"]] if spec["start"] else []))
    return [path for path in map(Path, given) if path.exists()]


def fetched_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of them that this process has fetched from an object store: another machine has to do so too."""
    paths = paths_of(spec)
    return [
        _as_json(version)
        for version in fetched_versions()
        if any(path.is_relative_to(version.folder) for path in paths)
    ]


def version_of(given: Mapping[str, Any]) -> FetchedVersion:
    """A version that `fetched_of` told."""
    files = ((name, FileRecord.model_validate(record)) for name, record in given["files"].items())
    return FetchedVersion(Store(given["root"]), given["folder"], tuple(files))


def _as_json(version: FetchedVersion) -> dict[str, Any]:
    files = {name: record.model_dump(mode="json") for name, record in version.files}
    return {"root": version.store.root, "folder": version.folder, "files": files}
