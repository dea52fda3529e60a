from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.tokens.order.chunks import write_chunk
from neo_assets.tokens.order.order import build_order
from neo_assets.tokens.order.plan import PhaseDemand
from neo_assets.tokens.stages import open_streams, tokens_by_subset
from neo_assets.tokens.streams.shard_files import ShardError
from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.streams.stream import TokenStream, check_tokenizers, open_stream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.small_run import SEQ, short_documents

SUBSETS = ("novel_en", "law_zh", "empty")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.fixture(scope="module")
def whole(documents: pa.Table, tokenizer: Tokenizer, folder: Path) -> dict[str, TokenStream]:
    """The streams of some subsets, their spans in memory."""
    opened = {}
    for name in SUBSETS:
        few = short_documents(documents)
        chosen = few.filter(pa.compute.equal(few["subset"], name))
        shards = write_shards(chosen.to_batches(), tokenizer, folder / name, name, tokens_per_shard=900)
        opened[name] = open_stream(folder / name, shards.spans)
    return opened


@pytest.fixture(scope="module")
def committed(whole: dict[str, TokenStream], folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The same in a lake, a partition each, in parts of four documents."""
    lake, manifests = Lake(str(tmp_path_factory.mktemp("lake"))), []
    for name, stream in whole.items():
        writer = lake.writer("training/token_shards", name)
        writer.table(pa.table({"digest": ["x"]}))
        writer.table(stream.spans, "spans", 4)
        writer.folder_of_files(folder / name)
        written = writer.commit(Provenance(), metadata={"tokens": stream.n_tokens})
        manifests.append(written.manifest)
    return Dataset(lake.store, "training/token_shards", tuple(manifests))


def test_committed_streams_give_the_same_chunk(
    whole: dict[str, TokenStream], committed: Dataset, tmp_path: Path
) -> None:
    opened = open_streams(committed)
    assert {name: stream.n_documents for name, stream in opened.items()} == {"novel_en": 25, "law_zh": 25, "empty": 0}
    tokens = tokens_by_subset(committed)
    assert tokens == {name: stream.n_tokens for name, stream in whole.items()}
    order = build_order(tokens, [PhaseDemand("p", {"novel_en": 1.0, "law_zh": 2.0, "empty": 1.0})], SEQ, 7)
    for first, n in ((0, 1), (5, 30), (0, order.num_rows)):
        window = order.slice(first, n)
        one, other = (write_chunk(window, streams, tmp_path / "c.npy") for streams in (whole, opened))
        assert one.sha256 == other.sha256
        assert one.spans.equals(other.spans)


def test_only_the_documents_of_a_window_are_held(committed: Dataset, tmp_path: Path) -> None:
    opened = open_streams(committed)
    stream = opened["novel_en"]
    middle = stream.n_tokens // 2
    found = stream.documents(*(pa.array([at]).to_numpy() for at in (middle, middle + 1)))
    [row] = found.to_pylist()
    assert row["stream_start"] <= middle < row["stream_end"]


def test_streams_of_two_tokenizers_are_refused(whole: dict[str, TokenStream], committed: Dataset) -> None:
    sha256 = whole["empty"].tokenizer_sha256
    assert sha256 is not None
    assert set(open_streams(committed, sha256)) == set(SUBSETS)
    with pytest.raises(ShardError, match="shards of empty, law_zh, novel_en were made with another tokenizer"):
        open_streams(committed, "c" * 64)
    marked = {name: replace(stream, tokenizer_sha256="a" * 64) for name, stream in whole.items()}
    check_tokenizers(marked)
    for other, said in (("b" * 64, "bbbbbbbbbbbb"), (None, "not recorded")):
        mixed = {**marked, "law_zh": replace(marked["law_zh"], tokenizer_sha256=other)}
        with pytest.raises(ShardError, match=rf"law_zh were made with another tokenizer \({said} instead of a{{12}}\)"):
            check_tokenizers(mixed)
    check_tokenizers({}, "c" * 64)
