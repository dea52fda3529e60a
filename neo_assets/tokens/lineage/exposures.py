"""Exposures: for every document, where a run was trained on it, and how many of its tokens moved the weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import Dataset
from neo_assets.tokens.lookup import rows_with
from neo_assets.tokens.order.chunks import target_positions

CHECKPOINT_EXPOSURE_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("run", pa.string()),
        pa.field("checkpoint", pa.string()),
        pa.field("first_position", pa.int64()),
        pa.field("last_position", pa.int64()),
        pa.field("positions", pa.list_(pa.int64())),
        pa.field("sequences", pa.int64()),
        pa.field("stored_tokens", pa.int64()),
        pa.field("target_positions", pa.int64()),
        pa.field("masked_positions", pa.int64()),
        pa.field("skipped_positions", pa.int64()),
        pa.field("applied_positions", pa.int64()),
    ]
)
"""One row per document in a checkpoint's chunk, by `doc_id`. `positions` are those of the run's order that hold a part
of it, ascending, and `sequences` is how many. Of its target positions, masked ones bear no loss, skipped ones were in a
step whose update was left out, and applied ones moved the weights."""

EXPOSURE_INDEX = """
SELECT doc_id, MIN(url) AS url, MIN(subset) AS subset, run,
       MIN(first_position) AS first_position, MAX(last_position) AS last_position,
       CAST(SUM(sequences) AS BIGINT) AS sequences, CAST(SUM(stored_tokens) AS BIGINT) AS stored_tokens,
       CAST(SUM(target_positions) AS BIGINT) AS target_positions,
       CAST(SUM(masked_positions) AS BIGINT) AS masked_positions,
       CAST(SUM(skipped_positions) AS BIGINT) AS skipped_positions,
       CAST(SUM(applied_positions) AS BIGINT) AS applied_positions,
       ARRAY_SORT(ARRAY_AGG(checkpoint)) AS checkpoints
FROM exposures GROUP BY doc_id, run ORDER BY doc_id, run
"""
"""The exposures of a whole run, a row per document, from those of its checkpoints. `checkpoints` are those whose own
chunk holds the document: every checkpoint from the first of them on has seen it."""

DOCUMENTS_BY_URL = """
SELECT DISTINCT url, doc_id FROM exposures WHERE url IS NOT NULL ORDER BY url, doc_id
"""
"""Which documents a URL stands for, by URL: what a look-up begins with."""


class ExposureError(ValueError):
    """A chunk and the steps of its checkpoint that do not belong together."""


def checkpoint_exposures(spans: pa.Table, steps: pa.Table, *, mask_after_eod: bool) -> pa.Table:
    """The exposures of the documents of one chunk (`CHECKPOINT_EXPOSURE_SCHEMA`), ordered by document id.

    Args:
        spans: of the chunk (`CHUNK_SPAN_SCHEMA`).
        steps: of its checkpoint.
        mask_after_eod: whether the first token of a document bears no loss, unless it begins a sequence.

    Raises:
        ExposureError: positions without a step or the reverse, several runs, or a step that counted other tokens than
            the documents of its positions have.

    O(spans log spans). Sums over documents are the sums over steps.
    """
    targets = target_positions(spans).to_numpy().astype(np.int64)
    masked = np.zeros_like(targets)
    if mask_after_eod:
        # The input before a document's first token is the end of another document.
        begins, inside = (spans.column(name).to_numpy() for name in ("document_offset", "offset"))
        masked = ((begins == 0) & (inside > 0)).astype(np.int64)
    steps = steps.sort_by("first_position")
    step = _step_of(spans.column("position").to_numpy(), steps)
    applied = np.where(steps.column("skipped").is_valid().to_numpy()[step], 0, targets - masked)
    _check_counts(step, targets, applied, steps)
    counts = {"target_positions": targets, "masked_positions": masked, "applied_positions": applied}
    table = spans.select(["doc_id", "url", "subset", "position", "length"])
    for name, values in {**counts, "skipped_positions": targets - masked - applied}.items():
        table = table.append_column(name, pa.array(values))
    run, checkpoint = (_only(steps, name) for name in ("run", "checkpoint"))
    return _by_document(table.sort_by([("doc_id", "ascending"), ("position", "ascending")]), run, checkpoint)


def _step_of(position: npt.NDArray[np.int64], steps: pa.Table) -> npt.NDArray[np.int64]:
    """The number of the step that read each position."""
    first, n = (steps.column(name).to_numpy() for name in ("first_position", "n_sequences"))
    if not len(first) or not np.array_equal(first[1:], (first + n)[:-1]):
        raise ExposureError("the steps do not follow one another position by position; rebuild the checkpoint")
    positions = np.unique(position)
    if not np.array_equal(positions, np.arange(first[0], first[-1] + n[-1])):
        found = f"{positions[0]} to {positions[-1]}" if len(positions) else "none"
        wanted = f"{first[0]} to {first[-1] + n[-1] - 1}"
        raise ExposureError(f"the chunk holds positions {found}, its checkpoint read {wanted}; rebuild the checkpoint")
    return np.asarray(np.searchsorted(first, position, side="right") - 1, np.int64)


def _check_counts(
    step: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], applied: npt.NDArray[np.int64], steps: pa.Table
) -> None:
    """That the trainer counted, step by step, what follows from the documents."""
    for column, counted in (("tokens_read", targets), ("tokens_applied", applied)):
        sums = np.zeros(steps.num_rows, np.int64)
        np.add.at(sums, step, counted)
        recorded = steps.column(column).to_numpy()
        if (wrong := np.flatnonzero(sums != recorded)).size:
            at = int(wrong[0])
            raise ExposureError(
                f"step {steps.column('step')[at]} recorded {recorded[at]} {column}, its documents have {sums[at]};"
                " chunk and checkpoint are of different data or masking"
            )


def _only(steps: pa.Table, name: str) -> str:
    values = steps.column(name).unique().to_pylist()
    if len(values) != 1:
        raise ExposureError(f"the steps are of several values of {name}: {values}")
    return str(values[0])


def _by_document(table: pa.Table, run: str, checkpoint: str) -> pa.Table:
    """One row per document of rows ordered by document and position. A sequence holds a document at most once."""
    doc_ids = table.column("doc_id").combine_chunks()
    changes = pc.not_equal(doc_ids.slice(1), doc_ids.slice(0, max(0, len(doc_ids) - 1))).to_numpy(zero_copy_only=False)
    begin = np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.int64)[: max(0, len(doc_ids))]
    end = np.append(begin[1:], len(doc_ids))
    positions = table.column("position").to_numpy()
    names = ("target_positions", "masked_positions", "skipped_positions", "applied_positions")
    first = table.select(["doc_id", "url", "subset"]).take(pa.array(begin))
    columns = {
        **{name: first.column(name) for name in first.column_names},
        "run": pa.repeat(pa.scalar(run, pa.string()), len(begin)),
        "checkpoint": pa.repeat(pa.scalar(checkpoint, pa.string()), len(begin)),
        "first_position": positions[begin],
        "last_position": positions[end - 1],
        "positions": pa.ListArray.from_arrays(pa.array(np.append(begin, end[-1:]), pa.int32()), pa.array(positions)),
        "sequences": end - begin,
        "stored_tokens": _sums(table.column("length").to_numpy().astype(np.int64), begin),
        **{name: _sums(table.column(name).to_numpy(), begin) for name in names},
    }
    return pa.table([columns[name] for name in CHECKPOINT_EXPOSURE_SCHEMA.names], schema=CHECKPOINT_EXPOSURE_SCHEMA)


def _sums(values: npt.NDArray[np.int64], begin: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(np.add.reduceat(values, begin), np.int64)


def find_exposures(exposures: Dataset, by_url: Dataset, url_or_id: str) -> pa.Table:
    """The exposures of a document, named by URL or id, checkpoint by checkpoint; empty if no run read it.

    Args:
        exposures: of checkpoints (`CHECKPOINT_EXPOSURE_SCHEMA`), a partition each.
        by_url: what `DOCUMENTS_BY_URL` gave.

    Reads a row group of either, and of every checkpoint (see `lookup.rows_with`).
    """
    named = rows_with(by_url, "url", url_or_id, ["doc_id"]).column("doc_id").to_pylist()
    found = [rows_with(exposures, "doc_id", doc_id) for doc_id in named or [url_or_id]]
    return pa.concat_tables(found)


def positions_of(exposures: Iterable[pa.RecordBatch], doc_ids: Iterable[str]) -> dict[str, list[int]]:
    """The positions of some documents over all checkpoints, empty for those never read. One pass over the exposures."""
    wanted = sorted(set(doc_ids))
    positions: dict[str, list[int]] = {doc_id: [] for doc_id in wanted}
    for batch in exposures:
        found = batch.filter(pc.is_in(batch.column("doc_id"), pa.array(wanted, pa.string())))
        for doc_id, at in zip(found.column("doc_id").to_pylist(), found.column("positions").to_pylist(), strict=True):
            positions[doc_id] += at
    return positions
