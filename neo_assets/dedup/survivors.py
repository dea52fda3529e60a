"""Which of two duplicates survives: an order of all documents, written as a string that any engine can compare.

`precedence` is a key of fixed width that the policy gives, a slash, and the doc_id: of two duplicates the one with the
smaller string stays. Under the policy `earliest` it is the doc_id alone. Being a total order of the documents, and of
nothing else, it makes every survivor independent of part layout, worker count and order of processing.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.dedup import SurvivorSettings

PRECEDENCE = "precedence"
SEPARATOR = "/"
_LARGEST = 10**12 - 1


@dataclass(frozen=True)
class Precedence:
    """Kernel: appends `precedence` (string).

    Args:
        settings: the policy.
        arrival_first: what arrived earlier (by the source part of the doc_id, in a crawl the day) survives whatever
            the policy, so that a later partition never takes back what an earlier one published.
    """

    settings: SurvivorSettings
    arrival_first: bool = False

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        ids = batch.column("doc_id").cast(pa.string())
        return batch.append_column(pa.field(PRECEDENCE, pa.string()), self._of(batch, ids))

    def _of(self, batch: pa.RecordBatch, ids: pa.Array) -> pa.Array:
        if self.settings.policy == "earliest":
            return ids
        keys = [_digits(self._standing(batch, ids)), ids]
        if self.arrival_first:
            keys.insert(0, sources_of(ids))
        return pc.binary_join_element_wise(*keys, SEPARATOR)

    def _standing(self, batch: pa.RecordBatch, ids: pa.Array) -> pa.Array:
        """A whole number from 0 to 10^12 - 1, smaller for what shall survive."""
        match self.settings.policy:
            case "longest":
                return pc.subtract(_LARGEST, pc.fill_null(pc.utf8_length(batch.column("text")), 0).cast(pa.int64()))
            case "quality":
                score = pc.fill_null(batch.column(self.settings.quality_column).cast(pa.float64()), float("-inf"))
                # In steps of 1e-6 within ±100,000; what lies outside, and what is no number, counts as the border.
                steps = pc.multiply(pc.max_element_wise(pc.min_element_wise(score, 1e5), -1e5), 1e6)
                return pc.subtract(10**11, pc.round(steps).cast(pa.int64()))
            case _:
                priority = pa.array(self.settings.source_priority, pa.string())
                return pc.fill_null(pc.index_in(sources_of(ids), priority).cast(pa.int64()), len(priority))


def sources_of(ids: pa.Array) -> pa.Array:
    """The source part of every doc_id: what stands before its last colon."""
    return pc.replace_substring_regex(ids, ":[^:]*$", "")


def doc_id_of(expression: str) -> str:
    """SQL for the doc_id in a precedence."""
    return f"SPLIT_PART({expression}, '{SEPARATOR}', -1)"


def ids_of(precedences: pa.Array) -> pa.Array:
    """The doc_ids in precedences."""
    return pc.replace_substring_regex(precedences, f"^.*{SEPARATOR}", "")


def _digits(numbers: pa.Array) -> pa.Array:
    return pc.utf8_lpad(numbers.cast(pa.string()), 12, "0")
