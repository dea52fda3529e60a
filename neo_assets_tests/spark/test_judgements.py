"""Every method of deduplication gives the same on Spark as on the local engine: digests, and every part's bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.spark.engine import SparkEngine
from neo_assets.recipe.dedup import SurvivorSettings
from neo_assets_tests.spark.judgements import NEAR, NEAR_VARIANTS, SOURCES, Line

if TYPE_CHECKING:
    from neo_assets.compute.spark import LazySession

pytestmark = [pytest.mark.slow, pytest.mark.needs("spark")]

PART_ROWS = 30
"""Several parts of every table, so that rows really are divided and put together."""
N_DOCUMENTS = 100


def lines(folder: Path, spark: LazySession) -> dict[str, Line]:
    engines = {
        "local": LocalEngine(workers=1, part_rows=PART_ROWS, scratch=str(folder)),
        "spark": SparkEngine(spark, PART_ROWS, spark.scratch),
    }
    return {name: Line(folder / name, engine, SOURCES[:2]) for name, engine in engines.items()}


@pytest.mark.needs("hours")
def test_the_english_way(spark: LazySession, tmp_path: Path) -> None:
    """Exact, near by the first document and by components, paragraphs, passages; every source sees all others."""
    both = lines(tmp_path, spark)
    for line in both.values():
        line.start(SurvivorSettings(policy="longest"), N_DOCUMENTS)
        line.exact()
        line.near("earlier", NEAR)
        line.components("earlier", NEAR_VARIANTS["components"])
        line.paragraphs(after="near/earlier")
        line.substrings()
    assert_equal(both)


@pytest.mark.needs("hours")
def test_the_chinese_way(spark: LazySession, tmp_path: Path) -> None:
    """Filters, near with an index that grows day by day, lines; every day sees those before it."""
    both = lines(tmp_path, spark)
    for line in both.values():
        line.start(SurvivorSettings(), N_DOCUMENTS)
        line.filtered_by_bloom(tmp_path)
        line.exact()
        line.near_day_by_day("unverified", NEAR_VARIANTS["unverified"])
        line.near_day_by_day("verified", NEAR)
        line.similar_lines(after="near/verified")
    assert_equal(both)


def assert_equal(both: dict[str, Line]) -> None:
    local, spark = both["local"], both["spark"]
    digests = local.digests()
    assert len(digests) > 20
    assert any(key.endswith(" decisions") for key in digests), "nothing was judged"
    assert [key for key, digest in digests.items() if spark.digests().get(key) != digest] == []
    assert spark.digests().keys() == digests.keys()
    assert spark.bytes_of_parts() == local.bytes_of_parts()
    assert max(map(len, local.bytes_of_parts().values())) > 1
