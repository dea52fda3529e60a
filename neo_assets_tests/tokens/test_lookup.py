from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.tokens.lookup import last_value, rows_at, rows_over, rows_with
from neo_assets_tests.tokens.small_run import committed


def table_of(values: list[str]) -> pa.Table:
    lists = [[i] * (i % 3) for i in range(len(values))]
    return pa.table(
        {
            "list": pa.array(lists, pa.list_(pa.int64())),
            "name": pa.array(values, pa.string()),
            "n": pa.array(range(len(values)), pa.int64()),
        }
    )


@settings(max_examples=40)
@given(
    st.lists(st.text(max_size=3), min_size=1, max_size=40),
    st.integers(1, 9),
    st.text(max_size=3),
    st.integers(0, 45),
    st.integers(0, 45),
)
def test_found_rows_are_those_of_a_filter(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], part_rows: int, other: str, first: int, n: int
) -> None:
    values = sorted(values, key=lambda value: value.encode("utf-8"))
    lake, table = Lake(str(tmp_path_factory.mktemp("lake"))), table_of(values)
    dataset = committed(lake, "a/b", None, part_rows, rows=table)
    for value in {*values, other}:
        assert rows_with(dataset, "name", value).equals(table.filter(pc.equal(table["name"], value)).combine_chunks())
    assert rows_at(dataset, first, n).equals(table.slice(first, n))
    assert rows_at(dataset, first, n, ["n"])["n"].to_pylist() == list(range(len(values)))[first : first + n]


def test_row_groups_and_partitions(tmp_path: Path) -> None:
    lake, table = Lake(str(tmp_path)), table_of([f"{i // 2:04d}" for i in range(200)])
    one, two = (committed(lake, "a/b", key, 60, rows=table) for key in ("x", "y"))
    for part in one.parts:
        path = Path(one.store.absolute(part.path))
        pq.write_table(pq.read_table(path), path, row_group_size=7)
    both = Dataset(one.store, "a/b", one.manifests + two.manifests)
    found = rows_with(both, "name", "0059", ["n"])
    assert found.column_names == ["n"]
    assert found["n"].to_pylist() == [118, 119] * 2
    assert rows_with(both, "n", 5)["name"].to_pylist() == ["0002"] * 2
    assert rows_with(both, "name", "no").num_rows == 0
    assert rows_at(one, 55, 20)["n"].to_pylist() == list(range(55, 75))


def test_only_what_is_needed_is_read(tmp_path: Path) -> None:
    dataset = committed(Lake(str(tmp_path)), "a/b", None, 10, rows=table_of([f"{i:04d}" for i in range(1000)]))
    opened = []

    class Counting:
        def open(self, path: str):  # type: ignore[no-untyped-def]
            opened.append(path)
            return dataset.store.open(path)

    counted = Dataset(Counting(), "a/b", dataset.manifests)  # type: ignore[arg-type]
    assert rows_at(counted, 505, 10)["n"].to_pylist() == list(range(505, 515))
    assert len(set(opened)) == 3  # one for the schema
    opened.clear()
    assert rows_with(counted, "name", "0777")["n"].to_pylist() == [777]
    assert len(set(opened)) < 12  # log2(100 parts), the part found, the next, and one for the schema


def stretches(lengths: list[int]) -> pa.Table:
    ends = np.cumsum(lengths)
    return pa.table({"begin": ends - lengths, "end": ends, "n": range(len(lengths))})


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(-3, 200), st.integers(1, 30))),
    st.integers(1, 9),
)
def test_rows_that_meet_stretches_are_those_of_a_filter(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], given_: list[tuple[int, int]], part_rows: int
) -> None:
    table = stretches(lengths)
    starts = np.sort(np.array([start for start, _ in given_], np.int64))
    ends = np.maximum.accumulate(starts + np.array([length for _, length in given_], np.int64))
    dataset = committed(Lake(str(tmp_path_factory.mktemp("lake"))), "a/b", None, part_rows, rows=table)
    expected = [
        row["n"]
        for row in table.to_pylist()
        if any(start < row["end"] and row["begin"] < end for start, end in zip(starts, ends, strict=True))
    ]
    for held in (table, dataset):
        found = rows_over(held, "begin", "end", starts, ends)
        assert found["n"].to_pylist() == expected
        assert found.schema == table.schema
        assert last_value(held, "end", 7) == sum(lengths)


def test_tables_without_rows(tmp_path: Path) -> None:
    empty = stretches([1]).slice(0, 0)
    for held in (empty, committed(Lake(str(tmp_path)), "a/b", None, 10, rows=empty)):
        assert rows_over(held, "begin", "end", np.array([0]), np.array([5])).equals(empty)
        assert last_value(held, "end", 7) == 7


def test_only_parts_that_stretches_lie_in_are_read(tmp_path: Path) -> None:
    dataset = committed(Lake(str(tmp_path)), "a/b", None, 10, rows=stretches([10] * 1000))
    opened = []

    class Counting:
        def open(self, path: str):  # type: ignore[no-untyped-def]
            opened.append(path)
            return dataset.store.open(path)

    counted = Dataset(Counting(), "a/b", dataset.manifests)  # type: ignore[arg-type]
    found = rows_over(counted, "begin", "end", np.array([0, 5000, 5095]), np.array([10, 5001, 5105]))
    assert found["n"].to_pylist() == [0, 500, 509, 510]
    assert len(set(opened)) < 20  # three ways of log2(100 parts), shared at first
    opened.clear()
    assert rows_over(counted, "begin", "end", np.array([], np.int64), np.array([], np.int64)).num_rows == 0
    assert len(opened) == 1  # for the schema
    opened.clear()
    two = committed(Lake(str(tmp_path)), "a/two", None, 10, rows=stretches([10] * 20))
    counted, paths = Dataset(Counting(), "a/two", two.manifests), [part.path for part in two.parts]  # type: ignore[arg-type]
    # Of the first, the schema and where it ends are always looked at.
    for start, end, read in ((95, 100, paths[0]), (100, 101, paths[1])):
        opened.clear()
        assert rows_over(counted, "begin", "end", np.array([start]), np.array([end])).num_rows == 1
        assert sorted(opened) == sorted([paths[0], paths[0], read])
