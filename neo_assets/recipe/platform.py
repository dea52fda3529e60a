"""Settings of the platform itself: they change where and how work is done, never what comes out."""

from __future__ import annotations

from pydantic import Field

from neo_assets.recipe.base import Section


class PlatformSection(Section):
    """How the local engine works. Not part of any asset's code version."""

    part_rows: int = Field(10_000, gt=0, description="rows per Parquet part")
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?(MB|GB|TB)$", description="DuckDB's memory limit")
