"""Real documents of the seed, and tokenizers trained on them once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.streams.stream import TokenStream, open_stream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SMALL, SUBSETS, seed_documents


@pytest.fixture(scope="session")
def documents() -> pa.Table:
    return seed_documents()


@pytest.fixture(scope="session")
def small_sample(documents: pa.Table) -> pa.Table:
    """A few documents of each subset."""
    parts = [documents.filter(pc.equal(documents["subset"], name)).slice(0, 12) for name in SUBSETS]
    table = pa.concat_tables(parts)
    return table.append_column("copies", pa.array([1] * table.num_rows, pa.int32()))


@pytest.fixture(scope="session")
def model(small_sample: pa.Table) -> bytes:
    return train_tokenizer(small_sample, SMALL, seed=42)


@pytest.fixture(scope="session")
def tokenizer(model: bytes) -> Tokenizer:
    return Tokenizer(model, SMALL)


@pytest.fixture(scope="session")
def prefixed_tokenizer(small_sample: pa.Table) -> Tokenizer:
    """With the dummy prefix, as in the published model."""
    settings = SMALL.model_copy(update={"add_dummy_prefix": True})
    return Tokenizer(train_tokenizer(small_sample, settings, seed=42), settings)


@pytest.fixture(scope="session")
def streams(
    documents: pa.Table, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TokenStream]:
    """The token stream of each subset over about 60 documents, in shards of different sizes; one subset is empty."""
    opened = {}
    for number, name in enumerate((*SUBSETS, "empty")):
        chosen = documents.filter(pc.equal(documents["subset"], name)).slice(0, 60)
        folder = tmp_path_factory.mktemp(name)
        shards = write_shards(chosen.to_batches(), tokenizer, folder, name, tokens_per_shard=2000 * (number + 1))
        opened[name] = open_stream(folder, shards.spans)
    return opened
