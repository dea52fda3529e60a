"""The walk from what is released up to everything behind it, and what cards and manifest take from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neo_assets.lake.dataset import Dataset, input_name
from neo_assets.lake.lake import Lake
from neo_assets.provenance.cards import CardError
from neo_assets.provenance.facts import data_card_of, manifest_of, upstream
from neo_assets.recipe.recipe import load_recipe
from neo_assets_tests.provenance.lakes import DAY_1, DAY_2, commit, documents_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def names(*datasets: Dataset) -> list[str]:
    return [input_name(m.asset, m.partition) for m in upstream(*datasets)]


def test_everything_behind_is_found_once_in_order(lake: Lake) -> None:
    documents_lake(lake)
    assert names(lake.dataset("release/exposure_index")) == [
        *(f"chinese/filtered|{day}" for day in (DAY_1, DAY_2)),
        *(f"chinese/near_unique|{day}" for day in (DAY_1, DAY_2)),
        "corpus/decontaminated|zh",
        "corpus/redacted|zh",
        *(f"crawl/extracted|{day}" for day in (DAY_1, DAY_2)),
        *(f"crawl/pages|{day}" for day in (DAY_1, DAY_2)),
        "release/exposure_index",
        "training/chunk|chunk_001",
        "training/token_shards|zh",
    ]


def test_only_what_is_behind_is_found(lake: Lake) -> None:
    documents_lake(lake)
    first_day = lake.dataset("chinese/near_unique", [DAY_1])
    assert names(first_day) == [
        f"{a}|{DAY_1}" for a in ("chinese/filtered", "chinese/near_unique", "crawl/extracted", "crawl/pages")
    ]
    assert names() == []
    assert names(first_day, first_day) == names(first_day)


def test_a_chain_through_one_asset(lake: Lake) -> None:
    before = commit(lake, "t/chain|step_001", [{"n": 1}])
    for step in ("step_002", "step_003"):
        before = commit(lake, f"t/chain|{step}", [{"n": step}], before)
    assert names(before) == ["t/chain|step_001", "t/chain|step_002", "t/chain|step_003"]


def test_an_input_that_is_no_longer_in_force_is_refused(lake: Lake) -> None:
    source = commit(lake, "t/source", [{"n": 1}])
    made = commit(lake, "t/made|p", [{"n": 2}], source)
    commit(lake, "t/source", [{"n": 1}], code="other-code")  # equal content, so still what it was made from
    assert names(made) == ["t/made|p", "t/source"]
    commit(lake, "t/source", [{"n": 3}])
    with pytest.raises(
        CardError, match=r"t/made\|p was made from a t/source that is no longer in force; run `neo build"
    ):
        upstream(made)
    lake.store.delete_folder("t/source")
    with pytest.raises(CardError, match=r"no longer in force"):
        upstream(made)


def test_the_release_manifest_lists_files_and_all_digests(lake: Lake) -> None:
    documents_lake(lake)
    index = lake.dataset("release/exposure_index")
    weights = commit(lake, "release/weights", [], index, files={"model.bin": b"w"})
    release = load_recipe("mini").release
    manifest = json.loads(manifest_of(release, weights, index))
    assert {(u["asset"], u["partition"]): u["digest"] for u in manifest["upstream"]} == {
        (m.asset, m.partition): m.digest for m in upstream(weights)
    }
    assert manifest["files"] == {"release/weights/model.bin": weights.manifest.files["model.bin"].sha256}
    # The same content, whenever and by whatever made, is the same manifest.
    assert manifest_of(release, index, weights) == manifest_of(release, weights, index)


def test_the_data_card_adds_partitions_up_and_names_crawl_days(lake: Lake) -> None:
    documents_lake(lake)
    documents = lake.dataset("corpus/decontaminated", ["zh"])
    row = {"subset": "cc_zh", "documents": 3, "characters": 700}
    mix = {"phase": "decay", "subset": "cc_zh", "repeat_factor": 1.0, "weighted_tokens": 30, "share": 1.0}
    tables = {
        "statistics": commit(
            lake,
            "corpus/statistics",
            [row],
            pii=[{"subset": "cc_zh", "kind": "phone", "places": 2, "documents": 1}],
            contamination=[{"subset": "cc_zh", "task": "exam", "items": 1, "documents": 2, "matched_characters": 24}],
        ),
        "token_statistics": commit(lake, "training/token_statistics", [row | {"tokens": 30}]),
        "mix": commit(lake, "corpus/mix", [mix | {"category": "common_crawl"}]),
    }
    recipe = load_recipe("mini")
    card = data_card_of(recipe.release, recipe.english.sources, documents, tables)
    assert f"{DAY_1}, {DAY_2}" in card
    stages = [line for line in card.splitlines() if line.startswith(("| chinese/", "| corpus/", "| crawl/"))]
    # In, kept, rejected, quarantined, both days together.
    assert stages == [
        "| chinese/filtered | 5 | 4 | 1 | 0 |",
        "| chinese/near_unique | 4 | 3 | 1 | 0 |",
        "| corpus/decontaminated | 3 | 2 | 1 | 0 |",
        "| crawl/extracted | 6 | 5 | 0 | 1 |",
    ]
    assert "| cc_zh | phone | 2 | 1 |" in card and "| cc_zh | exam | 1 | 2 | 24 |" in card
    assert "| gutenberg | text | public domain |" in card
