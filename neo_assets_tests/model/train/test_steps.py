from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from neo_assets.lake.records import is_volatile
from neo_assets.model.train.steps import STEP_SCHEMA, StepRecord, read_steps, step_table, totals, write_steps

STEP = StepRecord(
    "run", "fundamental", 3, "ckpt_001", 12, 4, 1e-3, 2.0, 0.5, 64, 4, 60, None, 0, 0.25, 256.0, 0.1, 1
)  # fmt: skip
SKIPPED = replace(STEP, step=4, loss=math.nan, tokens_applied=0, skipped="loss is not finite", start=2, mfu=None)


def test_the_columns_are_the_fields_in_order_and_only_speed_is_volatile() -> None:
    assert STEP_SCHEMA.names == list(asdict(STEP))
    assert [f.name for f in STEP_SCHEMA if is_volatile(f)] == ["seconds", "tokens_per_second", "mfu", "start"]
    table = step_table([STEP, SKIPPED])
    assert table.schema.equals(STEP_SCHEMA)
    assert table["skipped"].to_pylist() == [None, "loss is not finite"]
    assert STEP.content == replace(STEP, seconds=9.0, tokens_per_second=1.0, mfu=None, start=7).content
    assert STEP.content != SKIPPED.content == replace(SKIPPED, start=3).content


def test_steps_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_steps(tmp_path / "steps.jsonl", [STEP, SKIPPED])
    assert repr(read_steps(tmp_path / "steps.jsonl")) == repr([STEP, SKIPPED])
    assert [path.name for path in tmp_path.iterdir()] == ["steps.jsonl"]


def test_totals_add_up() -> None:
    found = totals([STEP, replace(STEP, loss=4.0, tokens_applied=20, tokens_masked=44), SKIPPED])
    assert (found.tokens_read, found.tokens_masked, found.tokens_applied) == (192, 52, 80)
    assert (found.n_skipped, found.n_starts, found.last_loss) == (1, 2, 4.0)
    assert found.mean_loss == pytest.approx((2.0 * 60 + 4.0 * 20) / 80)
    assert found.tokens_per_second == pytest.approx(192 / 0.75)
    assert math.isnan(totals([SKIPPED]).mean_loss)
