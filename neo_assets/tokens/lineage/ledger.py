"""The ledger: what became of every position of a run, from the records of its steps.

Tokens are target positions. Planned ones are in the order; read ones were taken from a chunk; of these, masked ones
bore no loss (their input is the end of a document), skipped ones were in a step whose update was left out, and applied
ones moved the weights: planned = read = masked + skipped + applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import pyarrow as pa

from neo_assets.lake.records import volatile

APPLIED, APPLIED_AGAIN = "applied", "applied after a roll-back"

LEDGER_SCHEMA = pa.schema(
    [
        pa.field("run", pa.string()),
        pa.field("checkpoint", pa.string()),
        pa.field("phase", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("first_step", pa.int64()),
        pa.field("last_step", pa.int64()),
        pa.field("first_position", pa.int64()),
        pa.field("last_position", pa.int64()),
        pa.field("tokens_planned", pa.int64()),
        pa.field("tokens_read", pa.int64()),
        pa.field("tokens_masked", pa.int64()),
        pa.field("tokens_skipped", pa.int64()),
        pa.field("tokens_applied", pa.int64()),
        pa.field("tokens_undone", pa.int64()),
        volatile(pa.field("n_starts", pa.int32())),
    ]
)
"""One row per stretch of steps of one checkpoint with one outcome: `applied`, `applied after a roll-back`, or
`skipped: ` and the reason. `tokens_undone` were read and applied before, and taken back by a roll-back. `n_starts`
counts the process starts of the checkpoint up to the end of the stretch, restarts included."""

STEP_COLUMNS = (
    *("run", "checkpoint", "phase", "step", "first_position", "n_sequences"),
    *("tokens_read", "tokens_masked", "tokens_applied", "skipped", "rolled_back", "start"),
)
SUMS = ("planned", "read", "masked", "skipped", "applied", "undone")


class LedgerError(ValueError):
    """Positions or tokens that are not accounted for."""


def ledger_of(steps: pa.Table, seq_length: int) -> pa.Table:
    """The ledger (`LEDGER_SCHEMA`) of steps in order of training. O(steps)."""
    rows = steps.select(STEP_COLUMNS).to_pylist()
    same = ("run", "checkpoint", "phase")
    stretches = groupby(rows, key=lambda row: (*(row[name] for name in same), _outcome(row)))
    found = [_stretch(key, list(given), seq_length) for key, given in stretches]
    return pa.Table.from_pylist(found, schema=LEDGER_SCHEMA)


def _outcome(step: dict[str, Any]) -> str:
    if step["skipped"] is not None:
        return f"skipped: {step['skipped']}"
    return APPLIED_AGAIN if step["rolled_back"] else APPLIED


def _stretch(key: tuple[str, ...], steps: list[dict[str, Any]], seq_length: int) -> dict[str, Any]:
    read, masked, applied = (sum(s[name] for s in steps) for name in ("tokens_read", "tokens_masked", "tokens_applied"))
    first, last = steps[0], steps[-1]
    return {
        **dict(zip(("run", "checkpoint", "phase", "outcome"), key, strict=True)),
        "first_step": first["step"],
        "last_step": last["step"],
        "first_position": first["first_position"],
        "last_position": last["first_position"] + last["n_sequences"] - 1,
        "tokens_planned": sum(s["n_sequences"] for s in steps) * seq_length,
        "tokens_read": read,
        "tokens_masked": masked,
        "tokens_skipped": read - masked - applied,
        "tokens_applied": applied,
        "tokens_undone": sum(s["tokens_read"] * s["rolled_back"] for s in steps),
        "n_starts": max(s["start"] for s in steps),
    }


def ledger_totals(ledger: pa.Table) -> dict[str, int]:
    """Tokens of the whole ledger by what became of them, steps that were skipped, and restarts of its checkpoints."""
    rows = ledger.to_pylist()
    starts: dict[str, int] = {}
    for row in rows:
        starts[row["checkpoint"]] = max(starts.get(row["checkpoint"], 0), row["n_starts"])
    skipped = (r["last_step"] - r["first_step"] + 1 for r in rows if r["outcome"].startswith("skipped"))
    return {
        **{f"tokens {name}": sum(row[f"tokens_{name}"] for row in rows) for name in SUMS},
        "steps skipped": sum(skipped),
        "restarts": sum(starts.values()) - len(starts),
    }


def check_ledger(ledger: pa.Table, n_positions: int, seq_length: int) -> None:
    """That the ledger is of one run and accounts for positions 0 to n_positions - 1 of the order, each once.

    Raises:
        LedgerError: it does not; the message says where.
    """
    rows = ledger.to_pylist()
    if len(runs := {row["run"] for row in rows}) > 1:
        raise LedgerError(f"the checkpoints are of several runs: {', '.join(sorted(runs))}; rebuild the older ones")
    position, step, phase = 0, 0, None
    for row in rows:
        where = f"{row['checkpoint']}, steps {row['first_step']} to {row['last_step']} of {row['phase']}"
        step = step if row["phase"] == phase else 0
        if (row["first_position"], row["first_step"]) != (position, step):
            raise LedgerError(
                f"{where}: begins at position {row['first_position']}; position {position}, step {step} is due"
            )
        position, step, phase = row["last_position"] + 1, row["last_step"] + 1, row["phase"]
        _check_tokens(row, where, seq_length)
    if position != n_positions:
        raise LedgerError(f"the ledger ends before position {position}, the order of its checkpoints at {n_positions}")


def _check_tokens(row: dict[str, Any], where: str, seq_length: int) -> None:
    planned, read, masked, skipped, applied, _ = (row[f"tokens_{name}"] for name in SUMS)
    in_row = (row["last_position"] - row["first_position"] + 1) * seq_length
    if not planned == in_row == read:
        raise LedgerError(f"{where}: {read} tokens were read, {planned} planned, the positions hold {in_row}")
    if min(masked, skipped, applied) < 0 or masked + skipped + applied != read:
        raise LedgerError(f"{where}: {masked} masked, {skipped} skipped and {applied} applied are not the {read} read")
    was_applied = row["outcome"] in (APPLIED, APPLIED_AGAIN)
    if (skipped if was_applied else applied) != 0:
        raise LedgerError(f"{where} are {row['outcome']}, but {applied} tokens are applied and {skipped} skipped")


def concat_steps(tables: Iterable[pa.Table]) -> pa.Table:
    """The step tables of several checkpoints, in order of training whatever order they come in."""
    return pa.concat_tables(table.select(STEP_COLUMNS) for table in tables).sort_by("first_position")
