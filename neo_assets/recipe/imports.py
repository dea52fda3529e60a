"""Settings of imports: dumps of other crawls and open data sets whose records arrive on a crawl day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.sources import FieldNames

SCHEMES = ("", "file", "http", "https", "s3", "gs", "seed")
DAY = "{day}"


class ImportSettings(Section):
    """One dump: where its files are, what is in them, and on which day it arrived.

    A *segment* is one file; an import that was broken off goes on with the first segment it had not finished.
    """

    kind: Literal["warc", "wet", "jsonl", "parquet", "redpajama"] = Field(
        description="warc: web pages, extracted by us; wet: Common Crawl's own text; jsonl: an object a line; "
        "parquet: a row each; redpajama: RedPajama-V2's documents with their quality signals. "
        "Files may be compressed with gzip or zstd, except Parquet's."
    )
    paths: tuple[str, ...] = Field(
        default=(),
        description="files: absolute local paths or globs, seed:// paths of the package, http(s):// URLs, s3:// or "
        "gs:// URLs or globs; {day} stands for the crawl day",
    )
    listing: str | None = Field(
        default=None, description="a text file with a path a line (.gz too), as Common Crawl's warc.paths.gz"
    )
    base: str = Field(default="", description="what stands before each path of the listing")
    segments: tuple[str, ...] = Field(
        default=(), description="globs: only files whose path matches one are taken, */segments/1707947473347.0/*"
    )
    max_segments: int | None = Field(default=None, gt=0, description="only so many files, the first by name")
    arrived: date | None = Field(
        default=None, description="the crawl day its records belong to; null where the paths hold {day}"
    )
    fields: FieldNames = Field(FieldNames(), description="Names of the fields or columns, for jsonl and parquet.")
    licence: str = Field(pattern=r"^[^'\\\n]+$", description="Licence of the texts, for the data card; no quotes.")
    max_record_bytes: int = Field(
        default=16 * 2**20, gt=0, le=2**30, description="A larger record is quarantined, never read whole."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.paths and not self.listing:
            raise ValueError("there is nothing to import: give paths or a listing")
        for path in (*self.paths, *filter(None, [self.listing])):
            scheme = urlsplit(path).scheme
            if scheme not in SCHEMES or (not scheme and not path.startswith("/")):
                raise ValueError(
                    f"{path!r} must be an absolute path or begin with file, http, https, s3, gs or seed://"
                )
        daily = any(DAY in path for path in (*self.paths, self.listing or ""))
        if daily == (self.arrived is not None):
            raise ValueError("give arrived, or write {day} in the paths, but not both: a record belongs to one day")
        if self.kind not in ("jsonl", "parquet") and self.fields != FieldNames():
            raise ValueError("fields is for kind: jsonl and kind: parquet only")
        return self

    def arrives_on(self, day: date) -> bool:
        """Whether the dump has records of a crawl day: its own, or any day if its paths name the day."""
        return self.arrived in (None, day)


def arriving(imports: Mapping[str, ImportSettings], day: date) -> dict[str, ImportSettings]:
    """The dumps that have records of a crawl day, in the order of their names."""
    return {name: settings for name, settings in sorted(imports.items()) if settings.arrives_on(day)}


def told(imports: Mapping[str, ImportSettings]) -> dict[str, Any]:
    """The dumps as plain JSON."""
    return {name: settings.model_dump(mode="json") for name, settings in imports.items()}
