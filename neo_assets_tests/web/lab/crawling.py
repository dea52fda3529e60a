"""Crawling the laboratory: the crawl in a process of its own, the web served by the test's process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.recipe.crawl import CrawlSection, RevisitSettings, TrapSettings
from neo_assets.web.bundled.proxy import serve_site
from neo_assets_tests.web.lab import behaviours, traps
from neo_assets_tests.web.lab.web import build_lab, seed_urls

FIRST_DAY = date(2024, 11, 1)
SCRIPT = """
import datetime, json, resource, sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawl import crawl
arguments = json.loads(sys.argv[1])
settings, day = CrawlSection.model_validate_json(arguments["settings"]), datetime.date.fromisoformat(arguments["day"])
folder = Path(arguments["folder"])
state = pq.read_table(arguments["state"]).to_batches() if arguments["state"] else []
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = crawl(settings, arguments["seeds"], state, day, folder / "work", arguments["proxy"])
for name in ("pages", "state", "left_out"):
    batches = list(getattr(result, name)())
    pq.write_table(pa.Table.from_batches(batches), folder / f"{name}.parquet")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(folder / "told.json").write_text(json.dumps([result.warcs, result.report, 1024 * before, 1024 * peak]))
"""


class TimedLog(list[str]):
    """The URLs that were asked for, and when (seconds of a monotonic clock)."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, str]] = []

    def append(self, url: str) -> None:
        self.times.append((time.monotonic(), url))
        super().append(url)


@dataclass(frozen=True)
class LabCrawl:
    """What a crawl of the laboratory gave: tables by URL, the requests that the servers saw, and what it cost."""

    folder: Path
    rows: dict[str, dict[str, Any]]
    state: dict[str, dict[str, Any]]
    left_out: dict[tuple[str, str], tuple[int, str]]
    asked: Counter[str]
    times: dict[str, list[float]]
    sent: dict[str, int]
    warcs: list[str]
    report: dict[str, Any]
    start_bytes: int
    """Memory of the crawling process before the crawl, and at its highest."""
    peak_bytes: int

    @property
    def work(self) -> Path:
        """Where the WARC files are."""
        return self.folder / "work"

    @property
    def pages(self) -> pa.Table:
        return pq.read_table(self.folder / "pages.parquet")


def settings(**values: Any) -> CrawlSection:
    """What the laboratory's truth assumes."""
    defaults: dict[str, Any] = {
        "start": FIRST_DAY, "seeds": seed_urls(), "allowed_hosts": (".lab.test",), "contact": "test@example.org",
        "max_pages": 3000, "max_pages_per_host": 300, "max_depth": traps.MAX_DEPTH, "max_seconds": 200,
        "max_body_bytes": behaviours.MAX_BODY_BYTES, "timeout_seconds": behaviours.TIMEOUT_SECONDS,
        "n_retries": behaviours.N_TRIES - 1, "retry_seconds": 0.05,
        "max_retry_after_seconds": behaviours.MAX_RETRY_AFTER_SECONDS, "concurrency": 32, "concurrency_per_host": 4,
        "delay_seconds": 0, "max_crawl_delay_seconds": 1, "warc_max_bytes": 1_000_000,
        "traps": TrapSettings(probe_pages=traps.PROBE_PAGES, min_new_share=traps.MIN_NEW_SHARE),
        "revisit": RevisitSettings(first_days=1, min_days=1, max_days=30, grow=2, shrink=0.5),
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


def crawl_lab(epoch: int, folder: Path, before: LabCrawl | None = None, **values: Any) -> LabCrawl:
    """Crawl an epoch of the laboratory after the crawl of the one before; `values` change the settings."""
    folder.mkdir(parents=True)
    log, sent = TimedLog(), Counter[str]()
    with serve_site(build_lab(epoch)[0], log, sent) as proxy:
        arguments = {
            "settings": settings(**values).model_dump_json(),
            "seeds": seed_urls(),
            "day": (FIRST_DAY + timedelta(days=epoch)).isoformat(),
            "folder": str(folder),
            "state": str(before.folder / "state.parquet") if before else "",
            "proxy": proxy,
        }
        command = [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps(arguments)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    times: dict[str, list[float]] = {}
    for moment, url in log.times:
        times.setdefault(url, []).append(moment)
    tables = {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in ("pages", "state", "left_out")}
    told = json.loads((folder / "told.json").read_text())
    return LabCrawl(
        folder,
        _by_url(tables["pages"]),
        _by_url(tables["state"]),
        {(row["host"], row["reason"]): (row["n_urls"], row["example"]) for row in tables["left_out"]},
        Counter(log),
        times,
        dict(sent),
        *told,
    )


def _by_url(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = list(rows)
    by_url = {row["url"]: row for row in found}
    assert len(by_url) == len(found), "a URL has two rows"
    return by_url
