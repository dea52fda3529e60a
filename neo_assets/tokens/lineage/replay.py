"""Replay: what a run read of a document, and what it read at a position, from the chunks that it was trained on.

A document of a stream is read once per phase, epoch and repeat; such a *reading* is made of one piece per sequence
that holds a part of it. Sequences are in permuted order, and neighbours of the stream share one token, so pieces of a
reading lie anywhere in the run and overlap by that token. Sequences may be missing at its ends or within: those that a
fraction left out, or that a later chunk or nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import Dataset
from neo_assets.tokens.lookup import rows_with
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

Tokens = npt.NDArray[Any]


class ReplayError(ValueError):
    """A position or document that the chunks do not hold, or pieces that contradict one another."""


@dataclass(frozen=True)
class OpenChunk:
    """A chunk as it was trained on: its rows of tokens by position, and the documents at every position (`spans`)."""

    key: str
    first_position: int
    tokens: Tokens
    spans: Dataset

    def holds(self, position: int) -> bool:
        """Whether the position is one of its rows."""
        return self.first_position <= position < self.first_position + len(self.tokens)


@dataclass(frozen=True)
class Stretch:
    """Tokens of a document, from its token number `start` on, end-of-document token included where it is reached."""

    start: int
    tokens: Tokens


@dataclass(frozen=True)
class Reading:
    """One reading of a document: the stretches that were read, ascending, and the positions that hold them."""

    doc_id: str
    phase: str
    epoch: int
    repeat: int
    positions: tuple[int, ...]
    stretches: tuple[Stretch, ...]
    whole: bool


def row_of(chunks: Sequence[OpenChunk], position: int) -> Tokens:
    """The tokens of the sequence at a position of the run.

    Raises:
        ReplayError: no chunk holds it.
    """
    chunk = _chunk_at(chunks, position)
    return np.asarray(chunk.tokens[position - chunk.first_position])


def _chunk_at(chunks: Sequence[OpenChunk], position: int) -> OpenChunk:
    for chunk in chunks:
        if chunk.holds(position):
            return chunk
    raise ReplayError(f"no chunk holds position {position}; build training/chunk up to it")


def spans_of(chunks: Sequence[OpenChunk], doc_ids: Iterable[str]) -> pa.Table:
    """The spans of some documents in all chunks. One pass over the spans; memory: what is found."""
    wanted = pa.array(sorted(set(doc_ids)), pa.string())
    found = [
        pa.Table.from_batches([batch.filter(pc.is_in(batch.column("doc_id"), wanted))])
        for chunk in chunks
        for batch in chunk.spans.batches()
    ]
    if not found:
        raise ReplayError("there is no chunk to replay; build training/chunk")
    return pa.concat_tables(found)


def spans_at(chunks: Sequence[OpenChunk], positions: Iterable[int]) -> pa.Table:
    """The spans at some positions, found by the statistics of the span tables, which ascend by position.

    Raises:
        ReplayError: no chunk holds one of them.
    """
    return pa.concat_tables(rows_with(_chunk_at(chunks, at).spans, "position", at) for at in positions)


def readings_of(spans: pa.Table, chunks: Sequence[OpenChunk], end_of_document_id: int) -> list[Reading]:
    """The readings that some documents' spans make up, by document, then in order of first position.

    Raises:
        ReplayError: pieces differ in a token that they share, or a position is in no chunk.
    """
    by = ("doc_id", "phase", "epoch", "repeat", "document_offset", "length", "position")
    rows = spans.sort_by([(name, "ascending") for name in by]).to_pylist()
    grouped = groupby(rows, key=lambda row: (row["doc_id"], row["phase"], row["epoch"], row["repeat"]))
    readings = [_reading(key, list(pieces), chunks, end_of_document_id) for key, pieces in grouped]
    return sorted(readings, key=lambda reading: (reading.doc_id, min(reading.positions)))


def _reading(
    key: tuple[str, str, int, int], pieces: list[dict[str, Any]], chunks: Sequence[OpenChunk], end_of_document_id: int
) -> Reading:
    stretches: list[tuple[int, list[Tokens], int]] = []
    for piece in pieces:
        start, end = piece["document_offset"], piece["document_offset"] + piece["length"]
        tokens = row_of(chunks, piece["position"])[piece["offset"] : piece["offset"] + piece["length"]]
        if stretches and start <= stretches[-1][2]:
            first, parts, before = stretches.pop()
            if not np.array_equal(parts[-1][len(parts[-1]) - (before - start) :], tokens[: before - start]):
                raise ReplayError(f"pieces of {key[0]} differ at its token {start}; chunks or spans are damaged")
            stretches.append((first, [*parts, tokens[before - start :]], max(before, end)))
        else:
            stretches.append((start, [tokens], end))
    found = tuple(Stretch(start, np.concatenate(parts)) for start, parts, _ in stretches)
    whole = len(found) == 1 and found[0].start == 0 and int(found[0].tokens[-1]) == end_of_document_id
    return Reading(*key, tuple(sorted(piece["position"] for piece in pieces)), found, whole)


def documents_at(chunks: Sequence[OpenChunk], position: int, tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """What the sequence at a position holds: a row per document, in order, with its span and the text of its tokens.

    Raises:
        ReplayError: no chunk holds the position.
    """
    row, spans = row_of(chunks, position), spans_at(chunks, [position]).sort_by("offset").to_pylist()
    return [{**span, "text": tokenizer.decode(row[span["offset"] : span["offset"] + span["length"]])} for span in spans]


@dataclass
class Verification:
    """What comparing documents with their readings found.

    Attributes:
        n_whole: documents that some reading holds whole; their decoded tokens were compared with the text.
        n_partial: others, whose tokens were compared with those of the text, stretch by stretch.
        n_unread: documents without any reading.
        n_tokens: tokens compared.
        differing: documents that differ from what was read, were read elsewhere, or have no text.
    """

    n_whole: int = 0
    n_partial: int = 0
    n_unread: int = 0
    n_tokens: int = 0
    differing: list[str] = field(default_factory=list)


def verify_documents(
    texts: Mapping[str, str], positions: Mapping[str, Sequence[int]], chunks: Sequence[OpenChunk], tokenizer: Tokenizer
) -> Verification:
    """Compares documents with all their readings, at exactly the positions that are told of.

    Args:
        texts: by document id.
        positions: by document id, as the exposures have them (`exposures.positions_of`).

    The chunks must hold a document at its positions and nowhere else. A whole reading must decode to the text,
    character by character. All others must hold, at their place, tokens that as a whole decode to the text.
    """
    readings = readings_of(spans_of(chunks, positions), chunks, tokenizer.end_of_document_id)
    found, report = _by_document(readings), Verification()
    for doc_id, told in sorted(positions.items()):
        read = found.get(doc_id, [])
        whole = any(reading.whole for reading in read)
        report.n_whole, report.n_partial = report.n_whole + whole, report.n_partial + (bool(read) and not whole)
        report.n_unread += not read
        report.n_tokens += sum(len(stretch.tokens) for reading in read for stretch in reading.stretches)
        held = sorted(position for reading in read for position in reading.positions)
        text = texts.get(doc_id)
        if text is None or held != sorted(told) or not all(_agrees(reading, text, tokenizer) for reading in read):
            report.differing.append(doc_id)
    return report


def _by_document(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    return {doc_id: list(found) for doc_id, found in groupby(readings, key=lambda reading: reading.doc_id)}


def _agrees(reading: Reading, text: str, tokenizer: Tokenizer) -> bool:
    if reading.whole:
        return tokenizer.decode(reading.stretches[0].tokens) == text
    expected = np.append(tokenizer.encode(text), tokenizer.end_of_document_id)
    return tokenizer.decode(expected) == text and all(
        np.array_equal(expected[stretch.start : stretch.start + len(stretch.tokens)], stretch.tokens)
        for stretch in reading.stretches
    )


def texts_of(documents: Iterable[pa.RecordBatch], doc_ids: Iterable[str]) -> dict[str, str]:
    """The texts of some documents, from batches with `doc_id` and `text`; memory: what is found."""
    wanted, texts = pa.array(sorted(set(doc_ids)), pa.string()), dict[str, str]()
    for batch in documents:
        found = batch.filter(pc.is_in(batch.column("doc_id"), wanted))
        texts.update(zip(found.column("doc_id").to_pylist(), found.column("text").to_pylist(), strict=True))
    return texts


def text_of(reading: Reading, tokenizer: Tokenizer) -> Iterator[tuple[int, str]]:
    """Each stretch's first token number and its text; a character cut by a stretch's end shows as U+FFFD."""
    for stretch in reading.stretches:
        yield stretch.start, tokenizer.decode(stretch.tokens)
