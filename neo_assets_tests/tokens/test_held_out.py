from __future__ import annotations

import pickle
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.corpus import HeldOutSettings
from neo_assets.tokens.held_out import LeaveHeldOut, TakeHeldOut
from neo_assets.tokens.keyed import key, uniform

FROZEN = [2, 6, 7, 9, 14, 17, 18, 19, 21, 23, 26, 31]
IDS = [f"source:{i:024x}" for i in range(20_000)]


def is_held_out(doc_id: str, settings: HeldOutSettings, seed: int) -> bool:
    return uniform(doc_id, key("held out", seed)) < Fraction(str(settings.share)) * 2**64


@given(st.lists(st.text(max_size=8)), st.sampled_from([0.0, 0.001, 0.3, 0.499]), st.integers(0, 3))
def test_every_document_is_either_taken_or_left(ids: list[str], share: float, seed: int) -> None:
    settings = HeldOutSettings(share=share)
    batch = pa.RecordBatch.from_pydict(
        {"doc_id": pa.array(ids, pa.string()), "n": pa.array(range(len(ids)), pa.int64())}
    )
    taken, left = TakeHeldOut(settings, seed)(batch), LeaveHeldOut(settings, seed)(batch)
    assert taken["n"].to_pylist() == [i for i, doc_id in enumerate(ids) if is_held_out(doc_id, settings, seed)]
    assert left["n"].to_pylist() == [i for i, doc_id in enumerate(ids) if not is_held_out(doc_id, settings, seed)]
    assert taken.schema == left.schema == batch.schema


def test_the_share_holds_and_a_larger_one_contains_it() -> None:
    small, large = HeldOutSettings(share=0.01), HeldOutSettings(share=0.1)
    in_small = {doc_id for doc_id in IDS if is_held_out(doc_id, small, 42)}
    in_large = {doc_id for doc_id in IDS if is_held_out(doc_id, large, 42)}
    assert in_small < in_large
    assert len(in_small) == pytest.approx(200, abs=60)
    assert len(in_large) == pytest.approx(2000, abs=200)
    assert in_small != {doc_id for doc_id in IDS if is_held_out(doc_id, small, 43)}
    assert not any(is_held_out(doc_id, HeldOutSettings(share=0), 42) for doc_id in IDS[:2000])


def test_kernels_pickle_and_keep_batches_apart() -> None:
    kernel = pickle.loads(pickle.dumps(LeaveHeldOut(HeldOutSettings(share=0.4), 1)))  # noqa: S301
    table = pa.table({"doc_id": IDS[:100]})
    whole = kernel(table.combine_chunks().to_batches()[0])["doc_id"].to_pylist()
    parts = [kernel(batch)["doc_id"].to_pylist() for batch in table.to_batches(max_chunksize=7)]
    assert [doc_id for part in parts for doc_id in part] == whole
    # Frozen when first written: a change here changes which documents are trained on.
    assert [i for i in range(100) if IDS[i] not in whole][:12] == FROZEN
