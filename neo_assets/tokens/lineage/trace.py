"""From a document to what a run read of it, and back, over the committed partitions of a lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.lake import Lake
from neo_assets.recipe.tokenizer import TokenizerSection
from neo_assets.tokens.lineage.exposures import find_exposures
from neo_assets.tokens.lineage.replay import Reading, ReplayError, documents_at, readings_of, spans_at, text_of
from neo_assets.tokens.order.chunks import ChunkError
from neo_assets.tokens.stages import open_chunks
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer


class LineageError(ValueError):
    """A document or position that the run did not read, or that the lake does not hold."""


def exposures_of(lake: Lake, url_or_id: str) -> list[dict[str, Any]]:
    """A row per document and checkpoint that read it (`CHECKPOINT_EXPOSURE_SCHEMA`), in order of training.

    Reads the row groups that may hold the document: milliseconds, however large the run.

    Raises:
        LineageError: nothing was trained on it.
    """
    exposures, index = lake.whole("training/exposures"), lake.dataset("release/exposure_index")
    if not (exposures and index):
        raise LineageError("no exposures are built; run `neo build release/exposure_index`")
    rows = find_exposures(exposures, index.named("by_url"), url_or_id).to_pylist()
    if not rows:
        raise LineageError(f"{url_or_id}: no checkpoint has read it; `neo why` says where it went")
    return sorted(rows, key=lambda row: (row["first_position"], row["doc_id"]))


def texts_of_document(lake: Lake, url_or_id: str, settings: TokenizerSection) -> Iterator[tuple[Reading, int, str]]:
    """What was read of a document: each reading's stretches, with the number of their first token and their text.

    Raises:
        LineageError: nothing was trained on it, or its chunks are not there.
    """
    rows, tokenizer = exposures_of(lake, url_or_id), _tokenizer(lake, settings)
    try:
        chunks = open_chunks(lake.whole("training/chunk"))
        spans = spans_at(chunks, sorted({position for row in rows for position in row["positions"]}))
        wanted = pa.array(sorted({row["doc_id"] for row in rows}), pa.string())
        spans = spans.filter(pc.is_in(spans["doc_id"], wanted))
        for reading in readings_of(spans, chunks, tokenizer.end_of_document_id):
            yield from ((reading, start, text) for start, text in text_of(reading, tokenizer))
    except (ReplayError, ChunkError) as error:
        raise LineageError(str(error)) from error


def documents_of_position(lake: Lake, position: int, settings: TokenizerSection) -> list[dict[str, Any]]:
    """What the sequence at a position of the run holds: a row per document, with the text of its tokens there.

    Raises:
        LineageError: no chunk holds the position.
    """
    try:
        return documents_at(open_chunks(lake.whole("training/chunk")), position, _tokenizer(lake, settings))
    except (ReplayError, ChunkError) as error:
        raise LineageError(str(error)) from error


def _tokenizer(lake: Lake, settings: TokenizerSection) -> Tokenizer:
    model = lake.dataset("tokenizer/tokenizer")
    if not model:
        raise LineageError("no tokenizer is built; run `neo build tokenizer/tokenizer`")
    return Tokenizer.load(model.file("tokenizer.model"), settings)
