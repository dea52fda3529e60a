"""Our table reader on 24 pictures of known tables, clean and as simulated scans, with the lines as they are."""

from __future__ import annotations

import statistics
import time

from benchmarks.document_truth.table_content import make_table
from benchmarks.document_truth.table_pictures import pictures, scanned
from benchmarks.document_truth.teds import teds
from benchmarks.report import Table

N_TABLES = 24


def tables_alone(seed: int) -> list[Table]:
    """TEDS, TEDS of the structure, and CPU seconds a table."""
    from neo_assets.documents.tables import TableReader
    from neo_assets.recipe.documents import TableSettings

    reader = TableReader(TableSettings())
    clean = list(pictures(make_table(seed * N_TABLES + number) for number in range(N_TABLES)))
    rows = []
    for name, some in (("clean", clean), ("scan", [scanned(picture) for picture in clean])):
        reader.read(some[0].pixels, some[0].lines, name == "scan")
        start = time.process_time()
        found = [reader.read(picture.pixels, picture.lines, name == "scan") for picture in some]
        seconds = (time.process_time() - start) / len(some)
        pairs = [(table.html if table else "", picture.table) for table, picture in zip(found, some, strict=True)]
        cells = [
            statistics.mean(
                teds(html, truth.html, only, sections=False) for html, truth in pairs if truth.language in of
            )
            for of in (("zh", "en"), ("zh",), ("en",))
            for only in (False, True)
        ]
        rows.append((name, *(f"{cell:.3f}" for cell in cells), f"{seconds:.2f}"))
    columns = ("pictures", "TEDS", "structure", "zh TEDS", "zh structure", "en TEDS", "en structure", "CPU s/table")
    return [
        Table(
            f"{N_TABLES} tables alone, our reader",
            columns,
            rows,
            "Texts of lines are given: what is judged is where they belong.",
        )
    ]
