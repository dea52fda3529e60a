from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neo_assets.tokens.streams.shard_files import ShardError
from neo_assets.tokens.streams.shards import TokenShards, write_shards
from neo_assets.tokens.streams.stream import damaged_blocks, open_stream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def laws(documents: pa.Table) -> pa.Table:
    return documents.filter(pa.compute.equal(documents["subset"], "law_zh")).slice(0, 40)


def reference(table: pa.Table, tokenizer: Tokenizer) -> list[list[int]]:
    """Each document's tokens, its end included."""
    return [[*tokenizer.encode(text).tolist(), tokenizer.end_of_document_id] for text in table["text"].to_pylist()]


def write(table: pa.Table, tokenizer: Tokenizer, folder: Path, **sizes: int) -> TokenShards:
    return write_shards(table.to_batches(max_chunksize=sizes.pop("batch", 7)), tokenizer, folder, "law_zh", **sizes)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.integers(1, 50), tokens_per_shard=st.integers(1, 30_000), n_workers=st.integers(1, 3))
def test_the_stream_does_not_depend_on_batches_shards_or_workers(
    laws: pa.Table,
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
    batch: int,
    tokens_per_shard: int,
    n_workers: int,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    sizes = {"tokens_per_shard": tokens_per_shard, "tokens_per_digest": 1000, "n_workers": n_workers}
    shards = write(laws, tokenizer, folder, batch=batch, **sizes)
    documents = reference(laws, tokenizer)
    stream = open_stream(folder, shards.spans)
    everything = [token for document in documents for token in document]
    assert stream.read(0, stream.n_tokens).tolist() == everything
    assert shards.n_tokens == len(everything)
    data = np.array(everything, "<u2")
    expected = [hashlib.sha256(data[i : i + 1000].tobytes()).hexdigest() for i in range(0, len(data), 1000)]
    assert shards.digests["sha256"].to_pylist() == expected
    assert sum(shards.digests["tokens"].to_pylist()) == len(everything)
    for row, document in zip(shards.spans.to_pylist(), documents, strict=True):
        assert stream.read(row["stream_start"], row["stream_end"]).tolist() == document
        shard = np.fromfile(folder / f"shard_{row['shard']:05d}.bin", "<u2")
        assert shard[row["shard_start"] : row["shard_end"]].tolist() == document
    assert shards.spans["doc_id"].to_pylist() == laws["doc_id"].to_pylist()
    assert shards.spans["url"].to_pylist() == laws["url"].to_pylist()


def test_a_shard_is_closed_by_the_document_that_fills_it(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    lengths = [len(document) for document in reference(laws, tokenizer)]
    for limit in (lengths[0], lengths[0] + 1, sum(lengths[:3]), sum(lengths)):
        counts, filled = [0], 0
        for length in lengths:
            if filled >= limit:
                counts, filled = [*counts, 0], 0
            counts[-1], filled = counts[-1] + 1, filled + length
        shards = write(laws, tokenizer, tmp_path / str(limit), tokens_per_shard=limit, batch=1000)
        assert [file.documents for file in shards.files] == counts


def test_large_documents_go_in_batches_of_their_own(
    laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(laws, tokenizer, tmp_path / "whole", batch=1000)
    monkeypatch.setattr("neo_assets.tokens.streams.shards.BATCH_BYTES", 3000)
    found = write(laws, tokenizer, tmp_path / "cut", batch=1000, n_workers=2)
    assert found.files == expected.files
    assert found.spans.combine_chunks().equals(expected.spans.combine_chunks())


def test_the_stream_names_its_tokenizer(laws: pa.Table, tokenizer: Tokenizer, model: bytes, tmp_path: Path) -> None:
    write(laws, tokenizer, tmp_path)
    assert json.loads((tmp_path / "stream.json").read_text())["tokenizer_sha256"] == hashlib.sha256(model).hexdigest()


def test_megatron_reads_every_document(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    megatron = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    shards = write(laws, tokenizer, tmp_path, tokens_per_shard=9000)
    assert len(shards.files) > 1
    read = []
    for file in shards.files:
        dataset = megatron.IndexedDataset(str(tmp_path / file.name))
        read += [np.array(dataset[i]).tolist() for i in range(len(dataset))]
        assert dataset.document_indices.tolist() == list(range(file.documents + 1))
        del dataset
    assert read == reference(laws, tokenizer)


def test_recorded_files_are_those_on_disk(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    shards = write(laws, tokenizer, tmp_path, tokens_per_shard=9000)
    again = write(laws, tokenizer, tmp_path / "elsewhere", tokens_per_shard=9000, batch=3)
    assert shards.files == again.files
    assert shards.spans.combine_chunks().equals(again.spans.combine_chunks())
    assert (tmp_path / "stream.json").read_bytes() == (tmp_path / "elsewhere" / "stream.json").read_bytes()
    for file in shards.files:
        assert hashlib.sha256((tmp_path / f"{file.name}.bin").read_bytes()).hexdigest() == file.bin_sha256
        assert hashlib.sha256((tmp_path / f"{file.name}.idx").read_bytes()).hexdigest() == file.idx_sha256
        lengths = np.fromfile(tmp_path / f"{file.name}.idx", "<i4", file.documents, offset=34)
        assert lengths.sum() == file.tokens


def test_one_changed_token_is_found(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    shards = write(laws, tokenizer, tmp_path, tokens_per_shard=9000, tokens_per_digest=500)
    assert damaged_blocks(open_stream(tmp_path, shards.spans), shards.digests) == []
    file = shards.files[1]
    data = bytearray((tmp_path / f"{file.name}.bin").read_bytes())
    data[100] ^= 1
    (tmp_path / f"{file.name}.bin").write_bytes(data)
    assert damaged_blocks(open_stream(tmp_path, shards.spans), shards.digests) == [(file.first_token + 50) // 500]


def test_broken_or_foreign_files_are_refused(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    shards = write(laws, tokenizer, tmp_path)
    with pytest.raises(ShardError, match="the spans cover"):
        open_stream(tmp_path, shards.spans.slice(0, 5))
    (tmp_path / "shard_00000.bin").write_bytes(b"\x00" * 10)
    with pytest.raises(ShardError, match="has 10 bytes instead"):
        open_stream(tmp_path, shards.spans)
    (tmp_path / "stream.json").unlink()
    with pytest.raises(ShardError, match="no complete token shards"):
        open_stream(tmp_path, shards.spans)


def test_reading_outside_is_an_error_not_a_wrap_around(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    stream = open_stream(tmp_path, write(laws, tokenizer, tmp_path).spans)
    for start, end in ((-1, 3), (0, stream.n_tokens + 1), (5, 4)):
        with pytest.raises(IndexError, match="not inside"):
            stream.read(start, end)


def test_order_duplicates_and_nulls_are_refused(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    for wrong in (laws.take([1, 0]), laws.take([0, 0])):
        with pytest.raises(ShardError, match="ascending doc_id"):
            write(wrong, tokenizer, tmp_path, batch=1)
    null = laws.slice(0, 1).set_column(3, "text", pa.array([None], pa.string()))
    with pytest.raises(ShardError, match="no text"):
        write(null, tokenizer, tmp_path)


def test_no_documents_make_an_empty_stream(laws: pa.Table, tokenizer: Tokenizer, tmp_path: Path) -> None:
    shards = write(laws.slice(0, 0), tokenizer, tmp_path)
    stream = open_stream(tmp_path, shards.spans)
    assert (stream.n_tokens, shards.files, stream.read(0, 0).tolist()) == (0, (), [])
    assert damaged_blocks(stream, shards.digests) == []
