from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.tokens.streams.indexed import index_bytes, token_dtype


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(0, 60_000), min_size=1, max_size=30), min_size=1, max_size=20), st.booleans())
def test_files_are_those_of_megatrons_builder(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], wide: bool
) -> None:
    megatron = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    folder = tmp_path_factory.mktemp("megatron")
    dtype = token_dtype(10**6 if wide else 4000)
    builder = megatron.IndexedDatasetBuilder(str(folder / "theirs.bin"), dtype=dtype.type)
    for document in documents:
        builder.add_document(np.array(document), [len(document)])
    builder.finalize(str(folder / "theirs.idx"))
    lengths = np.array([len(document) for document in documents], np.int64)
    assert index_bytes(lengths, dtype) == (folder / "theirs.idx").read_bytes()
    ours = b"".join(np.array(document, dtype).tobytes() for document in documents)
    assert ours == (folder / "theirs.bin").read_bytes()


def test_stored_type_is_megatrons_choice() -> None:
    megatron = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    for n_ids in (1, 64_256, 65_499, 65_500, 65_536, 10**6):
        assert token_dtype(n_ids) == np.dtype(megatron.DType.optimal_dtype(n_ids))


def test_offsets_beyond_32_bits() -> None:
    lengths = np.full(5, 2**31 - 1, np.int64)
    data = index_bytes(lengths, np.dtype("<i4"))
    pointers = np.frombuffer(data, "<i8", 5, 34 + 4 * 5)
    assert pointers.tolist() == [i * (2**31 - 1) * 4 for i in range(5)]
    assert np.frombuffer(data, "<i4", 5, 34).tolist() == lengths.tolist()
    with pytest.raises(ValueError, match="does not fit the format"):
        index_bytes(np.array([2**31]), np.dtype("<i4"))
