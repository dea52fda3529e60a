"""Which document stands at the end of the chain of survivors that the decisions of deduplication make.

A removed document names its survivor, which another stage, or the same one, may have removed in favour of a third.
Ids are numbered in their order once; chains are then followed in arrays, all at once, by doubling the step: log2 of
the longest chain rounds. Memory: at the peak about 500 bytes per removed document (ids of 35 characters), half of it
while they are numbered; time: about 5 µs each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import DECISIONS, Dataset
from neo_assets.lake.records import REJECTED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_NAMED = 6


class BrokenChainError(ValueError):
    """Decisions that contradict each other: a document removed twice, or survivors that name each other in a circle."""


@dataclass(frozen=True)
class Removed:
    """All documents that a stage removed for another one, in the order of their ids: a row each."""

    ids: pa.Array
    """Every id that occurs, as removed or as survivor, sorted (large_string). The columns below are places in it."""
    document: Ints
    survivor: Ints
    """What the decision names; it may itself be removed."""
    similarity: Floats
    """As measured with that survivor; NaN where it was not."""
    stage: Ints
    """Which of the stages removed it."""
    unnamed: tuple[int, ...]
    """Per stage: documents rejected without a survivor. They belong to no cluster."""

    def only(self, stage: int) -> Mask:
        """The rows of one stage."""
        rows: Mask = self.stage == stage
        return rows

    def names(self, places: Ints) -> list[str]:
        """The ids at these places."""
        found: list[str] = self.ids.take(pa.array(places)).to_pylist()
        return found


@dataclass(frozen=True)
class Chains:
    """Where the chain of each row of `Removed` ends, and in how many steps."""

    final: Ints
    """Place of the id of the last survivor, which no decision looked at removed."""
    steps: Ints


def read_removed(stages: Sequence[Dataset]) -> Removed:
    """The documents that these stages removed, from their decisions tables, read a batch at a time.

    Raises:
        BrokenChainError: a document was removed twice.
    """
    columns: list[list[pa.Array]] = [[], [], []]
    of_stage, unnamed = [np.empty(0, np.int64)], []
    for number, stage in enumerate(stages):
        without = 0
        for batch in stage.named(DECISIONS).batches(["doc_id", "verdict", "survivor", "similarity"]):
            rejected = batch.filter(pc.equal(batch["verdict"], REJECTED))
            named = rejected.filter(pc.is_valid(rejected["survivor"]))
            without += rejected.num_rows - named.num_rows
            of_stage.append(np.full(named.num_rows, number, np.int64))
            for held, name in zip(columns, ("doc_id", "survivor", "similarity"), strict=True):
                held.append(named[name].cast(pa.float64() if name == "similarity" else pa.large_string()))
        unnamed.append(without)
    documents, survivors = (pa.chunked_array(chunks, pa.large_string()) for chunks in columns[:2])
    similarity = pa.chunked_array(columns[2], pa.float64()).to_numpy()
    ids = pc.unique(pa.chunked_array([*documents.chunks, *survivors.chunks], pa.large_string()))
    ids = ids.take(pc.sort_indices(ids))
    document, survivor = _places(documents, ids), _places(survivors, ids)
    order = np.argsort(document)
    found = Removed(
        ids, document[order], survivor[order], similarity[order], np.concatenate(of_stage)[order], tuple(unnamed)
    )
    twice = found.document[1:][np.diff(found.document) == 0]
    if len(twice):
        names = " and ".join(sorted({stage.asset for stage in stages}))
        raise BrokenChainError(f"{names}: {found.names(twice[:1])[0]} is removed twice; rebuild them with --force")
    return found


def _places(values: pa.ChunkedArray, ids: pa.Array) -> Ints:
    return np.asarray(pc.index_in(values, value_set=ids).to_numpy(), np.int64)


def follow(removed: Removed, rows: Mask | None = None) -> Chains:
    """The ends of the chains that the decisions of these rows (all if None) make; a value per chosen row.

    Raises:
        BrokenChainError: the survivors of some documents name each other in a circle.
    """
    document, survivor = (removed.document, removed.survivor)
    if rows is not None:
        document, survivor = document[rows], survivor[rows]
    target = np.arange(len(removed.ids), dtype=np.int64)
    target[document] = survivor
    length = np.zeros(len(target), np.int64)
    length[document] = 1
    # After r rounds every chain of up to 2^r steps is at its end; a longer one has a document twice.
    for _ in range(len(document).bit_length() + 1):
        further = target[target]
        if np.array_equal(further, target):
            break
        length += length[target]
        target = further
    final = target[document]
    is_removed = np.zeros(len(target), np.bool_)
    is_removed[document] = True
    if is_removed[final].any():
        start = int(document[is_removed[final]].min())
        raise BrokenChainError(_circle(removed, dict(zip(document.tolist(), survivor.tolist(), strict=True)), start))
    return Chains(final, length[document])


def _circle(removed: Removed, survivors: dict[int, int], start: int) -> str:
    """What to say of the circle that the chain of this document runs into."""
    seen: dict[int, None] = {}
    while start not in seen:
        seen[start] = None
        start = survivors[start]
    circle = [*list(seen)[list(seen).index(start) :], start]
    names = removed.names(np.array(circle[:_NAMED]))
    shown = " → ".join(names) + (" → …" if len(circle) > _NAMED else "")
    return f"survivors name each other in a circle: {shown}; rebuild the stages that removed them with --force"
