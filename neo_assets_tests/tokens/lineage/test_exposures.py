from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.tokens.lineage.exposures import (
    DOCUMENTS_BY_URL,
    EXPOSURE_INDEX,
    ExposureError,
    checkpoint_exposures,
    find_exposures,
)
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.small_run import BATCH, N_CHUNKS, ROWS, SEQ, Run, committed, small_run, steps_of

SKIPPED = {20: "loss is not finite", 33: "loss spike"}


@pytest.fixture(scope="module")
def run(documents: pa.Table, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(documents, tokenizer, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def steps(run: Run, tokenizer: Tokenizer) -> list[pa.Table]:
    return [steps_of(run, number, tokenizer.end_of_document_id, skipped=SKIPPED) for number in range(N_CHUNKS)]


@pytest.fixture(scope="module")
def tables(run: Run, steps: list[pa.Table]) -> list[pa.Table]:
    pairs = zip(run.chunks, steps, strict=True)
    return [checkpoint_exposures(chunk.spans, given, mask_after_eod=True) for chunk, given in pairs]


def test_each_document_is_told_token_by_token(run: Run, tables: list[pa.Table], tokenizer: Tokenizer) -> None:
    """Counted anew from the order and the streams, one token at a time, without spans."""
    for number, table in enumerate(tables):
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        positions: dict[str, list[int]] = defaultdict(list)
        for row in run.order.slice(number * ROWS, ROWS).to_pylist():
            stream = run.streams[row["subset"]]
            starts, ids = (stream.spans[name].to_pylist() for name in ("stream_start", "doc_id"))
            skipped = number < 4 and row["position"] // BATCH in SKIPPED
            for offset, token in enumerate(range(row["token_start"], row["token_end"])):
                doc_id = ids[int(np.searchsorted(starts, token, side="right")) - 1]
                if row["position"] not in positions[doc_id]:
                    positions[doc_id].append(row["position"])
                counts[doc_id]["stored_tokens"] += 1
                if offset == 0:
                    continue
                counts[doc_id]["target_positions"] += 1
                before = stream.read(token - 1, token)[0]
                fate = "masked" if before == tokenizer.end_of_document_id else "skipped" if skipped else "applied"
                counts[doc_id][f"{fate}_positions"] += 1
        rows = table.to_pylist()
        assert [row["doc_id"] for row in rows] == sorted(counts)
        for row in rows:
            found = positions[row["doc_id"]]
            assert row["positions"] == sorted(found)
            assert (row["first_position"], row["last_position"]) == (min(found), max(found))
            assert row["sequences"] == len(found)
            assert (row["run"], row["checkpoint"]) == ("0123456789ab", f"ckpt_{number + 1:03d}")
            for name in ("stored_tokens", *(f"{f}_positions" for f in ("target", "masked", "skipped", "applied"))):
                assert row[name] == counts[row["doc_id"]][name]


def test_a_skipped_step_exposes_nothing(run: Run, steps: list[pa.Table], tables: list[pa.Table]) -> None:
    skipped = set(range(20 * BATCH, 21 * BATCH)) | set(range(33 * BATCH, 34 * BATCH))
    only_there = [row for row in tables[1].to_pylist() if set(row["positions"]) <= skipped]
    assert only_there
    assert all(row["applied_positions"] == 0 and row["skipped_positions"] > 0 for row in only_there)
    for table, given in zip(tables, steps, strict=True):
        for name, column in (("target_positions", "tokens_read"), ("applied_positions", "tokens_applied")):
            assert pc.sum(table[name]) == pc.sum(given[column])
        assert pc.sum(table["masked_positions"]) == pc.sum(given["tokens_masked"])


def test_without_masking_every_target_counts(run: Run, tokenizer: Tokenizer) -> None:
    given = steps_of(run, 0, tokenizer.end_of_document_id, mask_after_eod=False)
    table = checkpoint_exposures(run.chunks[0].spans, given, mask_after_eod=False)
    assert pc.sum(table["applied_positions"]).as_py() == ROWS * SEQ
    with pytest.raises(ExposureError, match=r"step \d+ recorded \d+ tokens_applied, its documents have \d+"):
        checkpoint_exposures(run.chunks[0].spans, given, mask_after_eod=True)


def test_chunk_and_steps_must_belong_together(run: Run, steps: list[pa.Table]) -> None:
    with pytest.raises(ExposureError, match="chunk holds positions 0 to 89, its checkpoint read 90 to 179"):
        checkpoint_exposures(run.chunks[0].spans, steps[1], mask_after_eod=True)
    gap = pa.concat_tables([steps[0].slice(0, 3), steps[0].slice(4)])
    with pytest.raises(ExposureError, match="do not follow one another"):
        checkpoint_exposures(run.chunks[0].spans, gap, mask_after_eod=True)
    mixed = steps[0].set_column(0, "run", pa.array(["a"] * 17 + ["b"]))
    with pytest.raises(ExposureError, match="several values of run"):
        checkpoint_exposures(run.chunks[0].spans, mixed, mask_after_eod=True)


def test_the_index_sums_up_the_checkpoints(tables: list[pa.Table]) -> None:
    import duckdb

    exposures = pa.concat_tables(tables)
    rows = duckdb.sql(EXPOSURE_INDEX).to_arrow_table().to_pylist()
    naive: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in exposures.to_pylist():
        naive[row["doc_id"]].append(row)
    assert [row["doc_id"] for row in rows] == sorted(naive)
    for row in rows:
        parts = naive[row["doc_id"]]
        assert row["checkpoints"] == [part["checkpoint"] for part in parts]
        assert row["first_position"] == min(part["first_position"] for part in parts)  # type: ignore[type-var]
        assert row["last_position"] == max(part["last_position"] for part in parts)  # type: ignore[type-var]
        assert (row["url"], row["subset"]) == (parts[0]["url"], parts[0]["subset"])
        for name in ("sequences", "stored_tokens", "target_positions", "applied_positions", "skipped_positions"):
            assert row[name] == sum(part[name] for part in parts)  # type: ignore[misc]
    types = {field.name: field.type for field in duckdb.sql(EXPOSURE_INDEX).to_arrow_table().schema}
    assert types["sequences"] == types["applied_positions"] == pa.int64()
    urls = duckdb.sql(DOCUMENTS_BY_URL).fetchall()
    assert urls == sorted({(row["url"], row["doc_id"]) for row in rows})


def test_a_document_is_found_by_url_or_id(tables: list[pa.Table], tmp_path: Path) -> None:
    import duckdb

    lake, exposures = Lake(str(tmp_path)), pa.concat_tables(tables)
    urls = committed(lake, "release/exposure_index", None, 20, rows=duckdb.sql(DOCUMENTS_BY_URL).to_arrow_table())
    names = [committed(lake, "training/exposures", f"ckpt_{i:03d}", 9, rows=t).manifest for i, t in enumerate(tables)]
    dataset = Dataset(lake.store, "training/exposures", tuple(names))
    for row in exposures.take(pa.array([0, 17, 40])).to_pylist():
        expected = exposures.filter(pc.equal(exposures["doc_id"], row["doc_id"])).combine_chunks()
        for name in (row["doc_id"], row["url"]):
            assert find_exposures(dataset, urls, name).combine_chunks().equals(expected)
    assert find_exposures(dataset, urls, "http://nowhere.test/").num_rows == 0
