"""Small kernels of the stages: which rows and columns go on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.retrieval.model import SCORE_SCHEMA, SEED_SCHEMA, base_url

CRAWL = "crawl"
"""The source of seeds that are pages of the pool."""


@dataclass(frozen=True)
class Take:
    """Kernel: the rows whose `column` has a value, with these columns only."""

    column: str
    columns: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.is_valid(batch.column(self.column))).select(list(self.columns))


@dataclass(frozen=True)
class Without:
    """Kernel: the batch without these columns."""

    columns: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.drop_columns([name for name in self.columns if name in batch.schema.names])


@dataclass(frozen=True)
class FromCrawl:
    """Kernel: the pages of these hosts and their subdomains, and those whose URL a pattern is found in, as seeds."""

    hosts: tuple[str, ...]
    url_patterns: tuple[str, ...] = ()

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        patterns = [re.compile(pattern) for pattern in self.url_patterns]
        pages = zip(batch.column("base_url").to_pylist(), batch.column("url").to_pylist(), strict=True)
        there = [is_of_host(site, self.hosts) or any(p.search(url or "") for p in patterns) for site, url in pages]
        rows = batch.filter(pa.array(there, pa.bool_()))
        for name, value in (("source", CRAWL), ("licence", "as each page states")):
            column = pa.array([value] * rows.num_rows, pa.string())
            if name in rows.schema.names:
                rows = rows.set_column(rows.schema.get_field_index(name), pa.field(name, pa.string()), column)
            else:
                rows = rows.append_column(pa.field(name, pa.string()), column)
        return rows.select([*SEED_SCHEMA.names, "sample_key"])


@dataclass(frozen=True)
class FromFiles:
    """Kernel: the seeds that are no pages of the pool."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.filter(pc.not_equal(batch.column("source"), CRAWL))
        return rows.select(["doc_id", "url", "title", "text"])


@dataclass(frozen=True)
class Collected:
    """Kernel: `known` becomes `collected`; the columns are those of `SCORE_SCHEMA`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        collected = pc.is_valid(batch.column("known"))
        return batch.append_column(SCORE_SCHEMA.field("collected"), collected).select(SCORE_SCHEMA.names)


@dataclass(frozen=True)
class BaseUrls:
    """Kernel: appends `base_url`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        sites = pa.array([base_url(url) for url in batch.column("url").to_pylist()], pa.string())
        return batch.append_column(pa.field("base_url", pa.string()), sites)


@dataclass(frozen=True)
class Named:
    """Kernel: appends a column of one text."""

    column: str
    value: str

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.append_column(
            pa.field(self.column, pa.string()), pa.array([self.value] * batch.num_rows, pa.string())
        )


def is_of_host(site: str, hosts: tuple[str, ...]) -> bool:
    """Whether a base URL's host is one of these, or a subdomain of one."""
    host = site.partition("://")[2].partition(":")[0]
    return any(f".{host}".endswith(f".{one}") for one in hosts)
