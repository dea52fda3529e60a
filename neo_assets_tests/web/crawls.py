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
from pathlib import Path
import pyarrow.parquet as pq
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawl import crawl, seeds
from neo_assets.web.proxy import serve
arguments = json.loads(sys.argv[1])
settings, day = CrawlSection.model_validate_json(arguments["settings"]), datetime.date.fromisoformat(arguments["day"])
folder, log = Path(arguments["folder"]), []
state = pq.read_table(arguments["state"]) if arguments["state"] else None
with serve(settings.epoch(day), log) as proxy:
    result = crawl(settings, seeds(settings), state, day, folder, proxy)
pq.write_table(result.pages, folder / "pages.parquet")
pq.write_table(result.state, folder / "state.parquet")
(folder / "log.json").write_text(json.dumps([log, result.warcs, result.report]))
"""


@dataclass(frozen=True)
class Crawled:
    """What a crawl day gave, read back: tables, the URLs that the server was asked for, WARC names, report."""

    folder: Path
    pages: pa.Table
    state: pa.Table
    asked: list[str]
    warcs: list[str]
    report: dict[str, Any]

    def row(self, url: str) -> dict[str, Any]:
        (found,) = [row for row in self.pages.to_pylist() if row["url"] == url]
        return dict(found)


def settings(**values: Any) -> CrawlSection:
    """The settings of the smallest recipe, in short."""
    defaults: dict[str, Any] = {
        "start": date(2024, 11, 1), "end": date(2024, 11, 3), "site": "bundled", "allowed_hosts": (".neo.test",),
        "contact": "test@example.org", "max_pages": 2000, "max_pages_per_host": 500, "max_depth": 6, "max_seconds": 300,
        "timeout_seconds": 120, "max_body_bytes": 2_000_000, "concurrency": 16, "concurrency_per_host": 8,
        "delay_seconds": 0, "max_crawl_delay_seconds": 0, "warc_max_bytes": 300_000,
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


def crawl_in_process(folder: Path, day: date, before: Crawled | None = None, **values: Any) -> Crawled:
    """Crawl the bundled web of a day; `values` change the settings."""
    folder.mkdir(parents=True)
    arguments = {
        "settings": settings(**values).model_dump_json(),
        "day": day.isoformat(),
        "folder": str(folder),
        "state": str(before.folder / "state.parquet") if before else "",
    }
    command = [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps(arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    asked, warcs, report = json.loads((folder / "log.json").read_text())
    tables = [pq.read_table(folder / f"{name}.parquet") for name in ("pages", "state")]
    return Crawled(folder, tables[0], tables[1], asked, warcs, report)
