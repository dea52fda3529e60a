from __future__ import annotations

import pickle
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.corpus import HeldOutSettings
from neo_assets.tokens.held_out import LeaveDocuments, TakeDocuments, held_out_ids, ids_of
from neo_assets.tokens.keyed import key, uniform

FROZEN = [2, 6, 7, 9, 14, 17, 18, 19, 21, 23, 26, 31]
IDS = [f"source:{i:024x}" for i in range(20_000)]


def naive(ids: list[str], settings: HeldOutSettings, seed: int) -> set[str]:
    """All ids by their hash; as many from the front as the share or the least number asks for."""
    drawn = sorted((uniform(doc_id, key("held out", seed)), doc_id) for doc_id in ids)
    by_share = [doc_id for value, doc_id in drawn if value < Fraction(str(settings.share)) * 2**64]
    least = min(settings.min_documents, len(ids) // 4)
    return {doc_id for _, doc_id in drawn[: max(len(by_share), least)]}


@given(
    st.lists(st.text(max_size=8), unique=True),
    st.sampled_from([0.0, 0.001, 0.3, 0.499]),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_every_document_is_either_taken_or_left(ids: list[str], share: float, least: int, seed: int) -> None:
    settings = HeldOutSettings(share=share, min_documents=least)
    batch = pa.RecordBatch.from_pydict(
        {"doc_id": pa.array(ids, pa.string()), "n": pa.array(range(len(ids)), pa.int64())}
    )
    chosen = held_out_ids(ids_of([batch]), settings, seed)
    assert chosen == naive(ids, settings, seed) == held_out_ids(reversed(ids), settings, seed)
    taken, left = TakeDocuments(chosen)(batch), LeaveDocuments(chosen)(batch)
    assert taken["n"].to_pylist() == [i for i, doc_id in enumerate(ids) if doc_id in chosen]
    assert left["n"].to_pylist() == [i for i, doc_id in enumerate(ids) if doc_id not in chosen]
    assert taken.schema == left.schema == batch.schema


def test_the_share_holds_and_a_larger_one_contains_it() -> None:
    small, large = (held_out_ids(IDS, HeldOutSettings(share=share), 42) for share in (0.01, 0.1))
    assert small < large
    assert len(small) == pytest.approx(200, abs=60)
    assert len(large) == pytest.approx(2000, abs=200)
    assert small != held_out_ids(IDS, HeldOutSettings(share=0.01), 43)
    assert not held_out_ids(IDS, HeldOutSettings(share=0, min_documents=0), 42)


def test_a_small_subset_gives_some_but_never_most_of_its_documents() -> None:
    settings = HeldOutSettings(share=0.0001, min_documents=3)
    sizes = {n: len(held_out_ids(IDS[:n], settings, 42)) for n in (0, 1, 3, 4, 8, 11, 12, 100)}
    assert sizes == {0: 0, 1: 0, 3: 0, 4: 1, 8: 2, 11: 2, 12: 3, 100: 3}


def test_kernels_pickle_and_keep_batches_apart() -> None:
    chosen = held_out_ids(IDS[:100], HeldOutSettings(share=0.4), 1)
    kernel = pickle.loads(pickle.dumps(LeaveDocuments(chosen)))  # noqa: S301
    table = pa.table({"doc_id": IDS[:100]})
    whole = kernel(table.combine_chunks().to_batches()[0])["doc_id"].to_pylist()
    parts = [kernel(batch)["doc_id"].to_pylist() for batch in table.to_batches(max_chunksize=7)]
    assert [doc_id for part in parts for doc_id in part] == whole
    # Frozen when first written: a change here changes which documents are trained on.
    assert [i for i in range(100) if IDS[i] not in whole][:12] == FROZEN
