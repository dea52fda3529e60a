"""The sample dump is what its builder makes."""

from __future__ import annotations

from neo_assets.seed import SEED_FOLDER
from neo_assets_tests.web.sample_dump import NAME, sample_dump


def test_the_sample_dump_is_what_its_builder_makes() -> None:
    assert (SEED_FOLDER / NAME).read_bytes() == sample_dump()
