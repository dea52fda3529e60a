"""Running a crawl day in a process of its own, as the tests need it (a reactor runs once in a process)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.recipe.crawl import CrawlSection

SCRIPT = """
import datetime, json, sys
from contextlib import nullcontext
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawl import crawl
from neo_assets.web.bundled.proxy import serve
from neo_assets.web.bundled.site import seed_urls
arguments = json.loads(sys.argv[1])
settings, day = CrawlSection.model_validate_json(arguments["settings"]), datetime.date.fromisoformat(arguments["day"])
folder, log = Path(arguments["folder"]), []
state = pq.read_table(arguments["state"]).to_batches() if arguments["state"] else ()
proxy = arguments["proxy"]
with nullcontext(proxy) if proxy else serve(settings.epoch(day), log) as address:
    result = crawl(settings, seed_urls(), state, day, folder, address)
for name in ("pages", "state", "left_out"):
    pq.write_table(pa.Table.from_batches(getattr(result, name)()), folder / f"{name}.parquet")
(folder / "log.json").write_text(json.dumps([log, result.warcs, result.report]))
"""


@dataclass(frozen=True)
class Crawled:
    """What a crawl day gave, read back: tables, the URLs that the server was asked for, WARC names, report."""

    folder: Path
    pages: pa.Table
    state: pa.Table
    left_out: pa.Table
    asked: list[str]
    warcs: list[str]
    report: dict[str, Any]

    @property
    def warc_folder(self) -> Path:
        return self.folder / "warc"

    def row(self, url: str) -> dict[str, Any]:
        (found,) = [row for row in self.pages.to_pylist() if row["url"] == url]
        return dict(found)


def settings(**values: Any) -> CrawlSection:
    """The settings of the smallest recipe, in short."""
    defaults: dict[str, Any] = {
        "start": date(2024, 11, 1), "end": date(2024, 11, 3), "site": "bundled", "allowed_hosts": (".neo.test",),
        "contact": "test@example.org", "max_pages": 2000, "max_pages_per_host": 500, "max_depth": 6, "max_seconds": 300,
        "timeout_seconds": 120, "max_body_bytes": 2_000_000, "concurrency": 16, "concurrency_per_host": 8,
        "delay_seconds": 0, "max_crawl_delay_seconds": 0, "warc_max_bytes": 300_000, "retry_seconds": 0,
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


def crawl_in_process(folder: Path, day: date, before: Crawled | None = None, **values: Any) -> Crawled:
    """Crawl the bundled web of a day; `values` change the settings."""
    process = start_crawl(folder, day, before, **values)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-4000:]
    return crawled(folder)


def start_crawl(
    folder: Path, day: date, before: Crawled | None = None, proxy: str = "", **values: Any
) -> subprocess.Popen[str]:
    """Begin a crawl, or go on with the one in the folder; without a `proxy` the process serves the web itself."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = {
        "settings": settings(**values).model_dump_json(),
        "day": day.isoformat(),
        "folder": str(folder),
        "state": str(before.folder / "state.parquet") if before else "",
        "proxy": proxy,
    }
    command = [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def crawled(folder: Path) -> Crawled:
    """What a crawl that came to its end has left in its folder."""
    asked, warcs, report = json.loads((folder / "log.json").read_text())
    pages, state, left_out = (pq.read_table(folder / f"{name}.parquet") for name in ("pages", "state", "left_out"))
    return Crawled(folder, pages, state, left_out, asked, warcs, report)
