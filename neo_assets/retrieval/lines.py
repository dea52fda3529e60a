"""A document as the line that a recall classifier learns from and scores."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.model import SAMPLE_SCHEMA
from neo_assets.text import quality
from neo_assets.text.normalise import unify

_MARKS = (quality.LABEL_PREFIX, "</s>", "\0")
"""What fastText takes for a label, for the end of the line, and for a space."""


def line_of(text: str, language: Line, max_chars: int) -> str:
    """The words of the first `max_chars` characters, joined by spaces; '' if there is none.

    English words are what stands between whitespace, Chinese ones what jieba cuts; letters keep their case. fastText's
    own marks are removed. MAP-Neo writes a line break as the two characters backslash and n, which glues the last word
    of a line to the first of the next; here it is a space as any other. Chinese symbols are unified: seeds at hand
    often have full-width ones where crawled pages after normalisation have none, and that would be all that is learned.
    """
    text = text[:max_chars]
    for mark in _MARKS:
        # A space in its place: what stood around it must not become a mark.
        text = text.replace(mark, " ")
    return quality.line_of(unify(text) if language == "chinese" else text, language)


@dataclass(frozen=True)
class Lines:
    """Kernel: the column `text` becomes `line`; a missing text is an empty one."""

    language: Line
    max_chars: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        lines = pa.array([line_of(text or "", self.language, self.max_chars) for text in texts], pa.string())
        return batch.set_column(batch.schema.get_field_index("text"), SAMPLE_SCHEMA.field("line"), lines)
