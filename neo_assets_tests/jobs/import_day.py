"""Imports a folder's WARC files in a process of its own, for a test to kill: FOLDER WORK WORKERS."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from neo_assets.jobs.imports import import_day
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings

DAY = date(2026, 11, 1)
EXTRACTION = ExtractionSection(max_payload_bytes=1_000_000)


def settings(folder: Path, pattern: str = "*.warc.gz", kind: str = "warc", **more: object) -> ImportSettings:
    """An import of files in a folder."""
    given = {"kind": kind, "paths": (f"{folder}/{pattern}",), "arrived": DAY, "licence": "MIT", **more}
    return ImportSettings.model_validate(given)


def main() -> None:
    """Import, and leave the work folder."""
    folder, work, workers = sys.argv[1:]
    import_day({"cc": settings(Path(folder))}, EXTRACTION, DAY, Path(work), int(workers))


if __name__ == "__main__":
    main()
