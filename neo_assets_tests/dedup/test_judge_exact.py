"""Exact deduplication over the embedded engine: what the filters are asked changes the work, not the result."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neo_assets.dedup.bloom import BloomFilter, CorruptFilter, build_filter
from neo_assets.dedup.judge_exact import (
    FILTER_FILE,
    MaybeKnown,
    earlier_filters,
    judge_exact,
    judge_exact_filtered,
)
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.lake.store import DamagedError
from neo_assets.recipe.dedup import BloomSettings
from neo_assets_tests.dedup.relations import Documents, digested, text_digest

ENGINE = LocalEngine(part_rows=3)
CONFIRM, BELIEVE = BloomSettings(), BloomSettings(confirm=False)
SATURATED = BloomFilter(np.full(1, 2**64 - 1, np.uint64), 3, 1)
"""Takes every text for known."""

DAYS = st.lists(st.lists(st.sampled_from(["", "a", "b", "c", "d", "e"]), max_size=6), min_size=1, max_size=4)
_folders = itertools.count()


def lake_of(tmp_path: Path, days: list[list[str]], part_rows: int = 4) -> tuple[Lake, Dataset]:
    """`chinese/filtered` with a partition for each list of texts."""
    lake = Lake(str(tmp_path / f"lake{next(_folders)}"))
    for day, texts in enumerate(days, start=1):
        writer = lake.writer("chinese/filtered", f"2024-11-{day:02d}")
        writer.table(digested(ids(day, texts)), part_rows=part_rows)
        writer.commit(Provenance())
    return lake, lake.whole("chinese/filtered")


def ids(day: int, texts: list[str]) -> Documents:
    """Arrival order and order of ids differ within a day."""
    return {f"2024-11-{day:02d}:{(7 * i) % 9}": text for i, text in enumerate(texts)}


def up_to(documents: Dataset, day: int) -> Dataset:
    return Dataset(documents.store, documents.asset, documents.manifests[: day + 1])


def filter_files(folder: Path, documents: Dataset) -> list[str]:
    """A filter file for each partition, of few bits, so that errors happen."""
    paths = []
    for manifest in documents.manifests:
        rows = documents.partition(manifest.partition)
        made = build_filter((batch["text_digest"] for batch in rows.batches(["text_digest"])), rows.rows, 0.3)
        paths.append(str(folder / f"{next(_folders)}.bloom"))
        Path(paths[-1]).write_bytes(made.to_bytes())
    return paths


def rows(lake: Lake, relation: Relation, engine: LocalEngine = ENGINE) -> pa.Table:
    """The judged rows with their verdicts, as a query over a judgement sees them."""
    writer = lake.writer("chinese/exact_unique", None)
    writer.rows_in = rows_judged(relation)
    dataset = writer.commit(Provenance(), engine.write(relation, writer, "rows"))
    assert dataset.manifest.counts is not None and dataset.manifest.counts.balanced
    decisions = dataset.named("decisions")
    return dataset.read(), decisions.read() if decisions.parts else None


def naive(days: list[list[str]], day: int) -> tuple[list[str], dict[str, str]]:
    """Ids kept on the day, and the survivor of each other one."""
    first: Documents = {}
    for number, texts in enumerate(days[: day + 1], start=1):
        for doc_id, text in sorted(ids(number, texts).items()):
            first.setdefault(text, doc_id)
    today = ids(day + 1, days[day])
    kept = sorted(doc_id for doc_id, text in today.items() if first[text] == doc_id)
    return kept, {doc_id: first[text] for doc_id, text in today.items() if first[text] != doc_id}


RELAXED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(DAYS, st.integers(1, 5))
def test_every_day_is_judged_as_the_naive_rule_says(tmp_path: Path, days: list[list[str]], part_rows: int) -> None:
    lake, documents = lake_of(tmp_path, days, part_rows)
    for day, manifest in enumerate(documents.manifests):
        kept, decisions = rows(lake, judge_exact(ENGINE, up_to(documents, day), str(manifest.partition)))
        expected_kept, survivors = naive(days, day)
        assert kept["doc_id"].to_pylist() == expected_kept
        assert kept.schema.names == documents.schema.names
        found = [] if decisions is None else decisions.to_pylist()
        assert {row["doc_id"]: row["survivor"] for row in found} == survivors
        # All days at hand, as the sources of the English line are: later ones of greater precedence do no harm.
        again, _ = rows(lake, judge_exact(ENGINE, documents, str(manifest.partition)))
        assert again.equals(kept)


@RELAXED
@given(DAYS, st.booleans())
def test_confirmed_filters_change_no_row(tmp_path: Path, days: list[list[str]], saturated: bool) -> None:
    lake, documents = lake_of(tmp_path, days)
    paths = filter_files(tmp_path, documents)
    if saturated:
        Path(paths[0]).write_bytes(SATURATED.to_bytes())
    for day, manifest in enumerate(documents.manifests):
        seen, partition = up_to(documents, day), str(manifest.partition)
        expected = rows(lake, judge_exact(ENGINE, seen, partition))
        found = rows(lake, judge_exact_filtered(ENGINE, seen, paths[:day][::-1], partition, CONFIRM))
        assert found[0].equals(expected[0], check_metadata=True)
        assert found[1] is expected[1] is None or found[1].equals(expected[1], check_metadata=True)


@RELAXED
@given(DAYS)
def test_believed_filters_reject_what_they_take_for_known(tmp_path: Path, days: list[list[str]]) -> None:
    lake, documents = lake_of(tmp_path, days)
    paths = filter_files(tmp_path, documents)
    for day, manifest in enumerate(documents.manifests):
        seen, partition = up_to(documents, day), str(manifest.partition)
        today = ids(day + 1, days[day])
        kept, decisions = rows(lake, judge_exact_filtered(ENGINE, seen, paths[:day], partition, BELIEVE))
        known = asked(paths[:day], set(today.values()))
        assert known >= {text for texts in days[:day] for text in texts} & set(today.values())
        firsts = {text: min(d for d in today if today[d] == text) for text in today.values()}
        assert kept["doc_id"].to_pylist() == sorted(d for text, d in firsts.items() if text not in known)
        for row in [] if decisions is None else decisions.to_pylist():
            text = today[row["doc_id"]]
            if text in known:
                assert (row["rule"], row["survivor"], row["similarity"]) == ("bloom_duplicate", None, None)
                assert "0.001" in row["reason"] and str(text_digest(text)) in row["reason"]
            else:
                assert (row["rule"], row["survivor"]) == ("exact_duplicate", firsts[text])


def asked(paths: list[str], texts: set[str]) -> set[str]:
    """The texts that one of the filters takes for known."""
    ordered = sorted(texts)
    batch = pa.RecordBatch.from_pydict({"text_digest": pa.array([text_digest(text) for text in ordered], pa.string())})
    found = MaybeKnown(tuple(paths))(batch).column("maybe_known").to_pylist()
    return {text for text, known in zip(ordered, found, strict=True) if known}


def test_a_saturated_filter_rejects_everything_when_believed(tmp_path: Path) -> None:
    lake, documents = lake_of(tmp_path, [["x"], ["a", "b", "a"]])
    file = tmp_path / "all.bloom"
    file.write_bytes(SATURATED.to_bytes())
    found = judge_exact_filtered(ENGINE, documents, [str(file)], "2024-11-02", BELIEVE)
    kept, decisions = rows(lake, found)
    assert kept.num_rows == 0
    assert decisions["rule"].to_pylist() == ["bloom_duplicate"] * 3
    assert [decisions.schema.field(field.name).type for field in VERDICT_COLUMNS] == [f.type for f in VERDICT_COLUMNS]
    kept, decisions = rows(lake, judge_exact_filtered(ENGINE, documents, [str(file)], "2024-11-02", CONFIRM))
    assert kept["doc_id"].to_pylist() == ["2024-11-02:0", "2024-11-02:7"]
    assert decisions["survivor"].to_pylist() == ["2024-11-02:0"]


def test_workers_and_part_layout_do_not_matter(tmp_path: Path) -> None:
    days = [["a", "b"] * 4, ["b", "c", "c"] * 3, ["d", "a", "e"] * 3]
    found = []
    for workers, part_rows in ((1, 2), (2, 1), (1, 100)):
        lake, documents = lake_of(tmp_path, days, part_rows)
        paths = filter_files(tmp_path, up_to(documents, 1))
        engine = LocalEngine(workers=workers, part_rows=part_rows)
        judged = judge_exact_filtered(engine, documents, paths, "2024-11-03", CONFIRM)
        found.append([table.to_pydict() for table in rows(lake, judged, engine)])
    assert found[0] == found[1] == found[2]


def test_a_filter_for_each_earlier_partition_is_demanded(tmp_path: Path) -> None:
    _, documents = lake_of(tmp_path, [["a"], ["b"], ["c"]])
    paths = filter_files(tmp_path, documents)
    with pytest.raises(ValueError, match="1 filters for 2 partitions"):
        judge_exact_filtered(ENGINE, documents, paths[:1], "2024-11-03", CONFIRM)


def test_a_damaged_filter_stops_the_run_and_is_named(tmp_path: Path) -> None:
    lake, documents = lake_of(tmp_path, [["a"], ["b", "c"]])
    path = Path(filter_files(tmp_path, up_to(documents, 0))[0])
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFilter, match="SHA-256") as caught:
        rows(lake, judge_exact_filtered(ENGINE, documents, [str(path)], "2024-11-02", CONFIRM))
    assert str(path) in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301  # it crosses processes


def test_nulls_are_not_known(tmp_path: Path) -> None:
    file = tmp_path / "all.bloom"
    file.write_bytes(SATURATED.to_bytes())
    batch = pa.RecordBatch.from_pydict({"text_digest": pa.array([None, text_digest("a"), None], pa.string())})
    kernel = MaybeKnown((str(file),))
    assert pickle.loads(pickle.dumps(kernel))(batch)["maybe_known"].to_pylist() == [False, True, False]  # noqa: S301
    assert kernel(batch.slice(0, 0)).schema == kernel(batch).schema
    assert MaybeKnown(())(batch)["maybe_known"].to_pylist() == [False] * 3


def test_filters_are_those_of_the_versions_in_force(tmp_path: Path) -> None:
    lake, documents = lake_of(tmp_path, [["a"], ["b"], ["c"]])
    for manifest, path in zip(documents.manifests[:2], filter_files(tmp_path, documents), strict=False):
        writer = lake.writer("chinese/bloom", manifest.partition)
        writer.file(FILTER_FILE, Path(path).read_bytes())
        writer.commit(Provenance(inputs=documents.partition(manifest.partition).digests))
    paths = earlier_filters(lake.whole("chinese/bloom"), documents, "2024-11-03")
    assert [BloomFilter.open(path).n_added for path in paths] == [1, 1]
    again = Lake(f"{lake.root}/../{Path(lake.root).name}")  # where nothing was verified yet
    whole = Path(paths[0]).read_bytes()
    Path(paths[0]).write_bytes(whole[:-1])
    with pytest.raises(DamagedError, match="neo build chinese/bloom --partition 2024-11-01 --force --no-upstream"):
        earlier_filters(again.whole("chinese/bloom"), documents, "2024-11-03")
    Path(paths[0]).write_bytes(whole)
    assert earlier_filters(lake.dataset("chinese/bloom", []), up_to(documents, 0), "2024-11-01") == []
    with pytest.raises(CorruptFilter, match=r"is missing; run `neo build chinese/bloom --partition 2024-11-03`"):
        earlier_filters(lake.whole("chinese/bloom"), documents, "2024-11-01")
    writer = lake.writer("chinese/filtered", "2024-11-01")
    writer.table(digested({"2024-11-01:0": "another text"}))
    writer.commit(Provenance())
    with pytest.raises(CorruptFilter, match="2024-11-01 was not made from that version"):
        earlier_filters(lake.whole("chinese/bloom"), lake.whole("chinese/filtered"), "2024-11-03")
