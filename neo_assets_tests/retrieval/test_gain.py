"""The gain of rounds: what is summed, what is left out, and a chart for any progress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import rows_judged
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.supplement import RecallSettings
from neo_assets.retrieval.gain import (
    CHART,
    GAIN_SCHEMA,
    gain_chart,
    gain_markdown,
    gain_metadata,
    gain_of,
    measure_gain,
)
from neo_assets.retrieval.model import PROGRESS_SCHEMA, THRESHOLD_SCHEMA
from neo_assets.retrieval.progress import Asked, Counts, Truth, progress_row
from neo_assets_tests.retrieval.rounds import table

PNG = b"\x89PNG\r\n"


def progress(domain: str, *rounds: tuple[Counts, float | None, Truth | None]) -> pa.Table:
    rows = PROGRESS_SCHEMA.empty_table()
    for number, (counts, threshold, truth) in enumerate(rounds, start=1):
        chosen = [{"threshold": threshold, "precision": 0.95, "chosen": True}] if threshold else []
        thresholds = table(chosen, THRESHOLD_SCHEMA)
        rows = progress_row(domain, number, rows, counts, thresholds, Asked(50, 1), truth, RecallSettings())
    return rows


MATHS = progress(
    "maths",
    (Counts(100, 80, 20, 9, 2), 0.9, Truth(0.99, 0.5)),
    (Counts(200, 38, 2, 3, 4), 0.7, Truth(0.97, 0.9)),
    (Counts(240, 1, 0, 1, 4), 0.7, Truth(0.96, 0.92)),
    (Counts(241), None, None),
)
LAWS = progress("laws", (Counts(10), 0.96, None))


def test_gain_counts_up_to_the_round_that_stopped() -> None:
    found = gain_of(pa.concat_tables([MATHS, LAWS, MATHS.slice(1, 1)]))
    assert found.schema == GAIN_SCHEMA
    names = ("domain", "round", "threshold_drift", "recall_gain", "found_documents", "found_base_urls", "stopped")
    assert [tuple(row[name] for name in names) for row in found.to_pylist()] == [
        ("laws", 1, None, None, 0, 0, True),
        ("maths", 1, None, None, 100, 9, False),
        ("maths", 2, -0.2, 0.4, 140, 12, False),
        ("maths", 3, 0.0, 0.02, 141, 13, True),
    ]
    assert found["judged_per_new_document"].to_pylist() == [None, 0.5, 1.25, 50.0]


def test_the_summary_says_where_each_domain_went() -> None:
    assert gain_markdown(gain_of(pa.concat_tables([MATHS, LAWS]))).splitlines() == [
        "- **laws**: 10 seeds became 10 positives in 1 round, 0 new base URLs; estimated precision 0.950; "
        "50 pages judged; stopped after round 1: nothing new was found.",
        "- **maths**: 100 seeds became 241 positives in 3 rounds, 13 new base URLs; recall 0.500 → 0.900 → 0.920 "
        "at precision 0.990 → 0.970 → 0.960; 150 pages judged; stopped after round 3: new positives: 1, less than "
        "2 % of the 240 before.",
    ]


def test_metadata_names_every_round() -> None:
    found: dict[str, Any] = gain_metadata(gain_of(pa.concat_tables([MATHS, LAWS])))
    assert found["found documents"] == 141 and found["judged pages"] == 200
    rows = found["rounds"]
    assert len(rows) == 4 and list(rows[0])[:3] == ["domain", "round", "threshold"]
    assert not any(value is None for row in rows for value in row.values())


def test_a_chart_for_any_progress() -> None:
    several = gain_of(pa.concat_tables([MATHS, LAWS]))
    empty = gain_of(PROGRESS_SCHEMA.empty_table())
    charts = [gain_chart(several), gain_chart(empty), gain_chart(gain_of(LAWS))]
    assert all(chart.startswith(PNG) for chart in charts) and len(set(charts)) == 3
    assert gain_chart(several) == charts[0]
    assert gain_markdown(empty) == "*no domains*"


def test_from_the_lake(tmp_path: Path) -> None:
    """The domains are partitions; one without the table is no error."""
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    for domain, rows in (("laws", LAWS), ("maths", MATHS), ("none", None)):
        writer = lake.writer("round/positives", domain)
        writer.rows_in = rows_judged(MATHS)
        engine.write(MATHS.slice(0, 0), writer, "rows")
        if rows is not None:
            engine.write(rows, writer, "progress")
        writer.commit(Provenance())
    handle = lake.dataset("round/positives", ["laws", "maths", "none"])
    draft = measure_gain(handle.named("progress"))
    assert draft.tables["rows"] == gain_of(pa.concat_tables([LAWS, MATHS]))
    assert isinstance(draft.views[CHART], bytes)
    assert measure_gain(lake.dataset("round/positives", ["none"]).named("progress")).tables["rows"] == gain_of(
        PROGRESS_SCHEMA.empty_table()
    )
