"""Partition keys come from the recipe; the mappings reach what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from neo_assets.ordinals import ordinal_index, ordinal_key
from neo_assets.partitions import ALL, LAST, PREVIOUS, SAME_ORDINAL, UP_TO, ordinal, partitions_of
from neo_assets.recipe.recipe import load_recipe

DAYS = dg.DailyPartitionsDefinition(start_date="2024-11-01", end_date="2024-11-04")
STEPS, OTHERS = ordinal("step", 3), ordinal("other", 3)


def upstream(mapping: Any, key: str | None, above: Any, below: Any) -> list[str]:
    subset = None if below is None else below.subset_with_partition_keys([key])
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(
        subset, below, above, datetime(2024, 12, 24, tzinfo=UTC), None
    )
    return sorted(result.partitions_subset.get_partition_keys())


@pytest.mark.parametrize(
    ("name", "mapping", "key", "definition", "expected"),
    [
        ("the day before the first", PREVIOUS, "2024-11-01", DAYS, []),
        ("the day before", PREVIOUS, "2024-11-03", DAYS, ["2024-11-02"]),
        ("up to the first day", UP_TO, "2024-11-01", DAYS, ["2024-11-01"]),
        ("up to a day", UP_TO, "2024-11-03", DAYS, ["2024-11-01", "2024-11-02", "2024-11-03"]),
        ("before the first step", PREVIOUS, "step_001", STEPS, []),
        ("before a step", PREVIOUS, "step_003", STEPS, ["step_002"]),
    ],
)
def test_mappings_within_one_definition(
    name: str, mapping: Any, key: str, definition: Any, expected: list[str]
) -> None:
    assert upstream(mapping, key, definition, definition) == expected, name


def test_mappings_between_definitions() -> None:
    assert upstream(SAME_ORDINAL, "step_002", OTHERS, STEPS) == ["other_002"]
    assert upstream(ALL, None, STEPS, None) == ["step_001", "step_002", "step_003"]
    assert upstream(LAST, None, STEPS, None) == ["step_003"]


@pytest.mark.parametrize("count", [1, 9, 59, 60, 61, 99, 100, 364])
def test_ordinals_count_up(count: int) -> None:
    keys = ordinal("chunk", count).get_partition_keys()
    assert list(keys) == [f"chunk_{i:03d}" for i in range(1, count + 1)] == sorted(keys)
    assert [ordinal_index(key) for key in keys] == list(range(count))
    assert [ordinal_key("chunk", i) for i in range(count)] == list(keys)


@pytest.mark.parametrize("count", [0, -1, 365, 1000])
def test_an_ordinal_holds_a_year_of_days(count: int) -> None:
    with pytest.raises(ValueError, match=f"chunk: {count} partitions; an ordinal holds 1 to 364"):
        ordinal("chunk", count)


@pytest.mark.parametrize("key", ["chunk", "chunk_", "chunk_000", "chunk_x", "_001", "001", "chunk_-01", "2024-11-01"])
def test_other_keys_are_no_ordinals(key: str) -> None:
    with pytest.raises(ValueError, match="is no ordinal partition key such as chunk_001"):
        ordinal_index(key)


def test_keys_of_the_mini_recipe() -> None:
    recipe = load_recipe("mini")
    partitions = partitions_of(recipe)
    assert partitions.crawl_days.get_partition_keys() == ["2024-11-01", "2024-11-02"]
    assert partitions.english_sources.get_partition_keys() == list(recipe.english.sources)
    assert partitions.subsets.get_partition_keys() == list(recipe.corpus.subsets)
    assert partitions.chunks.get_partition_keys() == [f"chunk_{i:03d}" for i in range(1, 13)]
    assert partitions.checkpoints.get_partition_keys() == [f"ckpt_{i:03d}" for i in range(1, 13)]


def test_keys_of_the_matrix_recipe() -> None:
    partitions = partitions_of(load_recipe("matrix"))
    # 444,213 steps in chunks of 2,384, then 148,000 in chunks of 2,000.
    assert len(partitions.checkpoints.get_partition_keys()) == 187 + 74
    # The crawl goes on: a day becomes a partition when it is over.
    days = partitions.crawl_days.get_partition_keys(current_time=datetime(2024, 12, 1, 12, tzinfo=UTC))
    assert (days[0], days[-1], len(days)) == ("2024-11-01", "2024-11-30", 30)
