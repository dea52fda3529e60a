from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.lake import Lake
from neo_assets.tokens.order.chunks import ChunkError, order_window, write_chunk
from neo_assets.tokens.order.order import build_order
from neo_assets.tokens.order.plan import PhaseDemand
from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.streams.stream import TokenStream, open_stream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.small_run import committed

SEQ, ROWS = 128, 90
FACTORS = {"novel_en": 1.0, "novel_zh": 0.5, "law_zh": 2.0, "poem_zh": 1.0, "empty": 1.0}


@pytest.fixture(scope="module")
def order(streams: dict[str, TokenStream]) -> pa.Table:
    tokens = {name: stream.n_tokens for name, stream in streams.items()}
    return build_order(
        tokens, [PhaseDemand("fundamental", FACTORS, 4 * ROWS), PhaseDemand("decay", FACTORS, ROWS)], SEQ, 42
    )


@pytest.fixture(scope="module")
def chunks(order: pa.Table, streams: dict[str, TokenStream], tmp_path_factory: pytest.TempPathFactory) -> list:  # type: ignore[type-arg]
    folder = tmp_path_factory.mktemp("chunks")
    windows = [order_window(order, i * ROWS, ROWS) for i in range(5)]
    return [write_chunk(window, streams, folder / f"{i}.npy") for i, window in enumerate(windows)]


@pytest.fixture(scope="module")
def document_tokens(documents: pa.Table, tokenizer: Tokenizer) -> dict[str, list[int]]:
    """The tokens of every document, its end included, straight from its text."""
    texts = zip(documents["doc_id"].to_pylist(), documents["text"].to_pylist(), strict=True)
    return {doc_id: [*tokenizer.encode(text).tolist(), tokenizer.end_of_document_id] for doc_id, text in texts}


def test_every_token_of_every_chunk_is_the_one_of_its_document(chunks, document_tokens) -> None:  # type: ignore[no-untyped-def]
    for number, chunk in enumerate(chunks):
        array = np.load(chunk.path)
        assert array.shape == (ROWS, SEQ + 1)
        assert array.dtype == np.uint16
        rebuilt = np.full(array.shape, -1, np.int64)
        for span in chunk.spans.to_pylist():
            row = rebuilt[span["position"] - number * ROWS]
            target = row[span["offset"] : span["offset"] + span["length"]]
            assert (target == -1).all()
            begin = span["document_offset"]
            target[:] = document_tokens[span["doc_id"]][begin : begin + span["length"]]
        np.testing.assert_array_equal(rebuilt, array)


@settings(max_examples=80)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 6))
def test_spans_where_documents_and_rows_end_together(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], seq_length: int
) -> None:
    owner = [number for number, length in enumerate(lengths) for _ in range(length)]
    if len(owner) <= seq_length:
        return
    ends = np.cumsum(lengths)
    starts = {"stream_start": ends - lengths, "stream_end": ends}
    spans = pa.table({**starts, "doc_id": [f"d{i}" for i in range(len(lengths))]})
    spans = spans.append_column("url", pa.nulls(len(lengths), pa.string()))
    tokens = np.arange(len(owner), dtype="<u2")
    stream = TokenStream("s", tokens.dtype, len(owner), spans, (tokens,), np.array([0]))
    order = build_order({"s": len(owner)}, [PhaseDemand("p", {"s": 1.0})], seq_length, 1)
    found = write_chunk(order, {"s": stream}, tmp_path_factory.mktemp("chunk") / "c.npy").spans.to_pylist()
    expected = []
    for row in order.to_pylist():
        before = None
        for offset, token in enumerate(range(row["token_start"], row["token_end"])):
            if owner[token] != before:
                before = owner[token]
                expected.append([row["position"], offset, 0, token - owner.index(before), f"d{before}"])
            expected[-1][2] += 1
    assert [[s[c] for c in ("position", "offset", "length", "document_offset", "doc_id")] for s in found] == expected


def test_rows_are_the_streams_at_the_orders_positions(chunks, order, streams) -> None:  # type: ignore[no-untyped-def]
    for number, chunk in enumerate(chunks):
        array = np.load(chunk.path)
        for row, planned in zip(array, order.slice(number * ROWS, ROWS).to_pylist(), strict=True):
            stream = streams[planned["subset"]]
            np.testing.assert_array_equal(row, stream.read(planned["token_start"], planned["token_end"]))


def test_spans_carry_url_subset_phase_and_epoch(chunks, order, documents) -> None:  # type: ignore[no-untyped-def]
    urls = dict(zip(documents["doc_id"].to_pylist(), documents["url"].to_pylist(), strict=True))
    planned = {row["position"]: row for row in order.to_pylist()}
    for chunk in chunks:
        for span in chunk.spans.to_pylist():
            assert span["url"] == urls[span["doc_id"]]
            for column in ("subset", "phase", "epoch", "repeat"):
                assert span[column] == planned[span["position"]][column]


def test_counters_are_kept_apart(chunks) -> None:  # type: ignore[no-untyped-def]
    for chunk in chunks:
        assert (chunk.n_rows, chunk.n_stored_tokens, chunk.n_target_positions) == (ROWS, ROWS * (SEQ + 1), ROWS * SEQ)
        rows = chunk.mix.to_pylist()
        assert sum(row["rows"] for row in rows) == ROWS
        assert sum(row["stored_tokens"] for row in rows) == ROWS * (SEQ + 1)
        assert sum(row["target_positions"] for row in rows) == ROWS * SEQ
        assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_a_chunk_depends_on_neither_shards_nor_path(
    chunks, order, documents, streams, tokenizer: Tokenizer, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    other = {}
    for name, stream in streams.items():
        ids = set(stream.spans["doc_id"].to_pylist())
        chosen = documents.filter(pa.array([doc_id in ids for doc_id in documents["doc_id"].to_pylist()], pa.bool_()))
        shards = write_shards(
            chosen.to_batches(max_chunksize=3), tokenizer, tmp_path / name, name, tokens_per_shard=777
        )
        other[name] = open_stream(tmp_path / name, shards.spans)
    again = write_chunk(order_window(order, ROWS, ROWS), other, tmp_path / "again.npy")
    assert again.sha256 == chunks[1].sha256 == hashlib.sha256(again.path.read_bytes()).hexdigest()
    assert again.spans.combine_chunks().equals(chunks[1].spans.combine_chunks())
    assert len({chunk.sha256 for chunk in chunks}) == 5


def test_windows_outside_the_order_and_missing_streams_are_refused(order, streams, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ChunkError, match="lacks positions of 400 to 489"):
        order_window(order, 400, 90)
    few = {name: stream for name, stream in streams.items() if name != "law_zh"}
    with pytest.raises(ChunkError, match="no token stream for law_zh"):
        write_chunk(order_window(order, 0, 50), few, tmp_path / "x.npy")
    with pytest.raises(ChunkError, match="empty window"):
        write_chunk(order.slice(0, 0), streams, tmp_path / "x.npy")


def test_digests_are_of_the_tokens_and_of_the_window(chunks, order) -> None:  # type: ignore[no-untyped-def]
    for number, chunk in enumerate(chunks):
        tokens = np.load(chunk.path)
        assert tokens.dtype.str == "<u2"
        assert chunk.tokens_sha256 == hashlib.sha256(tokens.tobytes()).hexdigest()
        assert chunk.sha256 == hashlib.sha256(chunk.path.read_bytes()).hexdigest()
        lines = [
            "\t".join(str(value) for value in row.values()) for row in order.slice(number * ROWS, ROWS).to_pylist()
        ]
        expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
        assert chunk.window_sha256 == expected


def test_windows_of_a_committed_order_read_few_parts(order, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    dataset = committed(Lake(str(tmp_path)), "training/order", None, 40, rows=order)
    for first, n in ((0, 90), (39, 2), (40, 40), (449, 1), (0, 450)):
        assert order_window(dataset, first, n).equals(order.slice(first, n))
    with pytest.raises(ChunkError, match="lacks positions of 440 to 459"):
        order_window(dataset, 440, 20)


def test_an_order_of_longer_streams_is_refused(order, streams, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    short = {**streams, "poem_zh": replace(streams["poem_zh"], n_tokens=500)}
    with pytest.raises(ChunkError, match=r"the order reads poem_zh up to token \d+, its stream has 500"):
        write_chunk(order_window(order, 0, 200), short, tmp_path / "x.npy")
