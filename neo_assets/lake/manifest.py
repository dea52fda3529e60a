"""The manifest: the one record of what a partition of an asset holds, and of what made it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Record):
    """One Parquet file of a table. `path` is relative to the lake, `digest` covers its rows, `sha256` its bytes."""

    path: str
    rows: int
    bytes: int
    digest: str
    sha256: str


class TableRecord(_Record):
    """A table of a version: its parts in row order, and the digest over all its rows."""

    digest: str
    columns: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Rows in all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        """Parquet bytes in all parts."""
        return sum(part.bytes for part in self.parts)


class FileRecord(_Record):
    """A file of a version that is no table: a model, a WARC, a plot. `content` says if it counts as content."""

    path: str
    bytes: int
    sha256: str
    content: bool = True


class Counts(_Record):
    """Conservation of a stage that judges records: `rows_in == kept + rejected + quarantined`."""

    rows_in: int
    kept: int
    rejected: int
    quarantined: int

    @property
    def balanced(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.kept + self.rejected + self.quarantined


class Provenance(_Record):
    """What a version was made from: digests of its inputs, the code, the recipe sections, the engine."""

    inputs: dict[str, str] = Field(default_factory=dict, description="'area/name|partition' -> content digest")
    code_version: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict, description="recipe path -> value used")
    engine: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)


class Resources(_Record):
    """What making a version took."""

    cpu_seconds: float = 0.0
    worker_cpu_seconds: float = Field(default=0.0, description="the part spent in worker processes")
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0
    workers: int = 1
    engine_metrics: dict[str, float] = Field(default_factory=dict, description="what else the engine counted")


class Manifest(_Record):
    """One committed version of one partition of one asset."""

    format: int = FORMAT
    asset: str
    partition: str | None
    version: str
    created: str
    digest: str = Field(description="of every table but the decisions, and of the files that count as content")
    tables: dict[str, TableRecord] = Field(default_factory=dict)
    files: dict[str, FileRecord] = Field(default_factory=dict)
    counts: Counts | None = None
    provenance: Provenance = Provenance()
    resources: Resources = Resources()
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the main table; 0 for a version of files only."""
        return self.tables["rows"].rows if "rows" in self.tables else 0

    @property
    def bytes(self) -> int:
        """Bytes of all tables and files."""
        return sum(t.bytes for t in self.tables.values()) + sum(f.bytes for f in self.files.values())
