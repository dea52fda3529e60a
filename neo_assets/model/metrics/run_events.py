"""The steps of a whole run as one TensorBoard event file, byte for byte the same for the same steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from neo_assets.model.metrics.event_file import FILE_VERSION, event

Record = Mapping[str, Any]
"""One step: the columns of the table of steps."""

SCALARS = {
    "train/loss": "loss",
    "train/learning_rate": "lr",
    "train/gradient_norm": "grad_norm",
    "train/tokens_applied": "tokens_applied",
    "train/step": "step",
}

EVENT_FILE = "events.out.tfevents.0.steps"
"""Name of the file of a whole run; TensorBoard finds files by `tfevents` in their name."""


def tensorboard_file(steps: pa.Table) -> bytes:
    """The event file of a whole run, byte for byte the same for the same steps: no speed, and its own clock.

    Args:
        steps: columns of `SCALARS` with first_position and n_sequences, in training order.

    A step's time is its position in seconds after 1970. About 60 µs and 150 bytes a step.
    """
    columns = ["first_position", "n_sequences", *SCALARS.values()]
    records = (record for batch in steps.select(columns).to_batches() for record in batch.to_pylist())
    return b"".join(_events(records))


def position(record: Record) -> int:
    """Sequences of the whole run that were read when the step was done."""
    return int(record["first_position"]) + int(record["n_sequences"])


def _events(records: Iterable[Record]) -> Iterator[bytes]:
    yield event(0.0, 0, file_version=FILE_VERSION)
    for record in records:
        at = position(record)
        yield event(float(at), at, scalars=step_values(record, SCALARS))


def step_values(record: Record, columns: Mapping[str, str]) -> list[tuple[str, float]]:
    """Tag and value of the columns that a record has."""
    return [(tag, float(record[name])) for tag, name in columns.items() if record.get(name) is not None]
