from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.lake.dataset import Dataset
from neo_assets.tokens.lineage.exposures import checkpoint_exposures, positions_of
from neo_assets.tokens.lineage.replay import (
    OpenChunk,
    ReplayError,
    documents_at,
    readings_of,
    row_of,
    spans_at,
    spans_of,
    text_of,
    texts_of,
    verify_documents,
)
from neo_assets.tokens.order.chunks import ChunkError, open_tokens
from neo_assets.tokens.stages import open_chunks
from neo_assets.tokens.vocabulary.sample import draw_documents
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.small_run import N_CHUNKS, ROWS, SEQ, Run, small_run, steps_of


@pytest.fixture(scope="module")
def run(documents: pa.Table, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(documents, tokenizer, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def chunks(run: Run) -> list[OpenChunk]:
    reversed_handle = Dataset(run.chunk_dataset.store, "training/chunk", run.chunk_dataset.manifests[::-1])
    return open_chunks(reversed_handle)


@pytest.fixture(scope="module")
def texts(run: Run) -> dict[str, str]:
    return dict(zip(run.documents["doc_id"].to_pylist(), run.documents["text"].to_pylist(), strict=True))


@pytest.fixture(scope="module")
def positions(run: Run) -> dict[str, list[int]]:
    """Where every document was read, straight from the spans."""
    found: dict[str, list[int]] = {}
    for chunk in run.chunks:
        for row in chunk.spans.to_pylist():
            found.setdefault(row["doc_id"], []).append(row["position"])
    return found


def read_ids(run: Run) -> list[str]:
    return sorted({doc_id for chunk in run.chunks for doc_id in chunk.spans["doc_id"].to_pylist()})


def test_rows_are_those_of_the_chunks(run: Run, chunks: list[OpenChunk]) -> None:
    assert [chunk.key for chunk in chunks] == [f"chunk_{i:03d}" for i in range(1, 6)]
    for position in (0, ROWS - 1, ROWS, N_CHUNKS * ROWS - 1):
        np.testing.assert_array_equal(row_of(chunks, position), run.arrays[position // ROWS][position % ROWS])
    for position in (-1, N_CHUNKS * ROWS):
        with pytest.raises(ReplayError, match="no chunk holds position"):
            row_of(chunks, position)


def test_a_position_shows_its_documents(
    run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer, texts: dict[str, str]
) -> None:
    n_whole = 0
    for position in range(0, N_CHUNKS * ROWS, 2):
        rows = documents_at(chunks, position, tokenizer)
        assert [row["offset"] for row in rows] == np.cumsum([0, *(row["length"] for row in rows)])[:-1].tolist()
        assert sum(row["length"] for row in rows) == SEQ + 1
        for row in rows:
            tokens = np.append(tokenizer.encode(texts[row["doc_id"]]), tokenizer.end_of_document_id)
            if row["document_offset"] == 0 and row["length"] == len(tokens):
                assert row["text"] == texts[row["doc_id"]]
                n_whole += 1
    assert n_whole > 3


def test_url_to_positions_to_text(
    run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer, texts: dict[str, str]
) -> None:
    """Every document that was read, not a sample."""
    ids = read_ids(run)
    readings = readings_of(spans_of(chunks, ids), chunks, tokenizer.end_of_document_id)
    assert {reading.doc_id for reading in readings} == set(ids)
    whole = [reading for reading in readings if reading.whole]
    assert len({reading.doc_id for reading in whole}) > 30
    assert any(len(reading.positions) > 3 for reading in whole)
    assert any(reading.repeat == 1 for reading in whole)
    for reading in whole:
        assert list(text_of(reading, tokenizer)) == [(0, texts[reading.doc_id])]
    for reading in readings:
        tokens = np.append(tokenizer.encode(texts[reading.doc_id]), tokenizer.end_of_document_id)
        for stretch in reading.stretches:
            np.testing.assert_array_equal(tokens[stretch.start :][: len(stretch.tokens)], stretch.tokens)
        spans = spans_at(chunks, reading.positions)
        assert reading.doc_id in spans["doc_id"].to_pylist()
    # Pieces share tokens only where sequences meet: all of them together are the stored tokens.
    stored = sum(int(np.sum(chunk.spans["length"].to_numpy())) for chunk in run.chunks)
    assert stored == N_CHUNKS * ROWS * (SEQ + 1)


def test_verification_passes_on_what_was_read(run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer) -> None:
    """From the exposures of every checkpoint, as the published route goes."""
    eod = tokenizer.end_of_document_id
    exposures = [
        checkpoint_exposures(chunk.spans, steps_of(run, number, eod), mask_after_eod=True)
        for number, chunk in enumerate(run.chunks)
    ]
    ids = draw_documents(read_ids(run), 60, seed=1)
    texts = {**texts_of(run.documents.to_batches(max_chunksize=10), ids), "unread": ""}
    batches = pa.concat_tables(exposures).to_batches(max_chunksize=33)
    found = verify_documents(texts, positions_of(batches, [*ids, "unread"]), chunks, tokenizer)
    assert found.differing == []
    assert (found.n_whole + found.n_partial, found.n_unread) == (len(ids), 1)
    assert min(found.n_whole, found.n_partial) > 5
    assert found.n_tokens > 10_000


def test_verification_finds_one_changed_token_and_one_changed_text(
    run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer, texts: dict[str, str], positions: dict[str, list[int]]
) -> None:
    ids = read_ids(run)
    # The middle of a row: in one document's piece, not shared with a neighbour.
    tampered = np.array(chunks[0].tokens)
    tampered[11, SEQ // 2] = (tampered[11, SEQ // 2] + 1) % 2000
    hit = [row["doc_id"] for row in documents_at(chunks, 11, tokenizer) if row["offset"] <= SEQ // 2][-1]
    broken = [replace(chunks[0], tokens=tampered), *chunks[1:]]
    assert verify_documents(texts, positions, broken, tokenizer).differing == [hit]
    whole = [r for r in readings_of(spans_of(chunks, ids), chunks, tokenizer.end_of_document_id) if r.whole]
    for doc_id in {whole[0].doc_id, whole[-1].doc_id}:
        changed = {**texts, doc_id: texts[doc_id] + " "}
        assert verify_documents(changed, positions, chunks, tokenizer).differing == [doc_id]
        del changed[doc_id]
        assert verify_documents(changed, positions, chunks, tokenizer).differing == [doc_id]
        for elsewhere in (positions[doc_id][1:], [*positions[doc_id], 0]):
            told = {**positions, doc_id: elsewhere}
            assert verify_documents(texts, told, chunks, tokenizer).differing == [doc_id]


def test_verification_finds_a_changed_text_of_a_document_read_in_part(
    run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer, texts: dict[str, str], positions: dict[str, list[int]]
) -> None:
    readings = readings_of(spans_of(chunks, read_ids(run)), chunks, tokenizer.end_of_document_id)
    whole = {reading.doc_id for reading in readings if reading.whole}
    partial = [reading for reading in readings if reading.doc_id not in whole]
    for reading in (partial[0], partial[-1]):
        changed = {**texts, reading.doc_id: f"X {texts[reading.doc_id]}"}
        assert verify_documents(changed, positions, chunks, tokenizer).differing == [reading.doc_id]
    found = verify_documents(texts, positions, chunks, tokenizer)
    assert (found.n_whole, found.n_partial) == (len(whole), len({reading.doc_id for reading in partial}))
    assert found.n_tokens == sum(len(stretch.tokens) for reading in readings for stretch in reading.stretches)


def test_contradicting_pieces_are_found(run: Run, chunks: list[OpenChunk], tokenizer: Tokenizer) -> None:
    order = run.order.to_pylist()
    at = {(r["phase"], r["epoch"], r["subset"], r["sequence"], r["repeat"]): r["position"] for r in order}
    for row in order:
        same = row["phase"], row["epoch"], row["subset"], row["sequence"] + 1, row["repeat"]
        if row["position"] < ROWS and same in at and len(documents_at(chunks, row["position"], tokenizer)) == 1:
            break
    tampered = np.array(chunks[0].tokens)
    tampered[row["position"], SEQ] += 1  # shared with the sequence after it
    broken = [replace(chunks[0], tokens=tampered), *chunks[1:]]
    [doc_id] = [found["doc_id"] for found in documents_at(chunks, row["position"], tokenizer)]
    with pytest.raises(ReplayError, match="differ at its token"):
        readings_of(spans_of(chunks, [doc_id]), broken, tokenizer.end_of_document_id)


def test_missing_and_truncated_chunks(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ChunkError, match="missing or damaged"):
        open_tokens(tmp_path / "none.npy")
    data = run.chunks[0].path.read_bytes()
    for size in (len(data) - 2, 100, 3, 0):
        (tmp_path / "short.npy").write_bytes(data[:size])
        with pytest.raises(ChunkError, match="rebuild this partition of training/chunk"):
            open_tokens(tmp_path / "short.npy")
    np.save(tmp_path / "other.npy", np.zeros((2, 2)))
    with pytest.raises(ChunkError, match="no rows of token ids"):
        open_tokens(tmp_path / "other.npy")
    with pytest.raises(ReplayError, match="no chunk to replay"):
        spans_of([], ["x"])
