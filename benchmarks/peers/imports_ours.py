"""Our import of WARC files into a version of a lake: python -m benchmarks.peers.imports_ours CORES WORK FOLDER."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

from neo_assets.jobs.imports import import_day
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings

DAY = date(2026, 11, 1)


def main() -> None:
    """Import, commit, and say what it took."""
    cores, work, folder = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    started = time.perf_counter()
    settings = ImportSettings(kind="warc", paths=(f"{folder}/*.warc.gz",), arrived=DAY, licence="as each page states")
    result = import_day({"dump": settings}, ExtractionSection(max_payload_bytes=2_000_000), DAY, work, cores)
    writer = Lake(str(work / "lake")).writer("crawl/imports", DAY.isoformat())
    counts = result.write(writer)["dump"]
    digest = writer.commit(Provenance()).manifest.digest
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"texts": counts["kept"], "work": time.perf_counter() - started, "digest": digest, "peak_mib": peak})
    )


if __name__ == "__main__":
    main()
