from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.provenance.cards import (
    Artefact,
    CardError,
    DataFacts,
    ModelFacts,
    data_card,
    manifest_digest,
    manifest_json,
    model_card,
    release_manifest,
    table,
)
from neo_assets.recipe.release import ReleaseSection

RELEASE = ReleaseSection(
    name="r", title="A model", description="It speaks.", intended_use="Study.", limitations=("Small.", "Unaligned.")
)
MODEL = ModelFacts(
    release=RELEASE,
    architecture={"layers": 2, "dtype": "float32"},
    n_parameters=1_234_567,
    phases=[{"phase": "fundamental", "steps": 4_000, "peak rate": 0.0002}],
    tokens_applied=9_876_543,
    unigram_entropy=6.9,
    final_loss=5.25,
    scores=[{"task": "zh_x", "score": 0.31, "baseline": 0.25}],
    checkpoints=[],
    weights_digest="w" * 64,
    tokenizer_digest="t" * 64,
    recipe_name="mini",
    versions={"torch": "2", "lm_eval": "0.4"},
)
STAGE = {"stage": "filtered", "in": 10, "kept": 6, "rejected": 3, "quarantined": 1}
DATA = DataFacts(
    release=RELEASE,
    subsets=[{"subset": "a", "documents": 1_000, "share": 0.4}, {"subset": "b", "documents": 2_000, "share": 0.6}],
    stages=[STAGE],
    sources=[{"source": "laws | old", "licence": "public domain"}],
    mixes=[],
    recipe_name="mini",
    crawl_days=("2024-11-01", "2024-11-02"),
)


def front_matter(card: str) -> dict[str, object]:
    head = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(head, dict)
    return head


def test_the_model_card_says_what_was_measured() -> None:
    card = model_card(MODEL)
    assert front_matter(card) == {
        "language": ["zh", "en"],
        "library_name": "transformers",
        "license": "apache-2.0",
        "pipeline_tag": "text-generation",
    }
    expected = ["# A model", "1,234,567 weights", "9,876,543 tokens", "1.650 below the unigram entropy", "- Unaligned."]
    for text in [*expected, "| zh_x | 0.31 | 0.25 |", "w" * 64, "## Checkpoints\n\n*none*"]:
        assert text in card, text
    assert "0.350 above the unigram entropy" in model_card(replace(MODEL, final_loss=7.25))


def test_the_data_card_adds_up_itself() -> None:
    card = data_card(DATA)
    assert "| total | 3,000 |  |" in card
    assert "| laws \\| old | public domain |" in card
    assert "crawled on 2024-11-01, 2024-11-02" in card
    assert "Nothing was crawled" in data_card(replace(DATA, crawl_days=()))


def test_a_stage_that_loses_rows_is_refused() -> None:
    with pytest.raises(CardError, match="filtered: 10 rows in, 9 out"):
        data_card(replace(DATA, stages=[{**STAGE, "kept": 5}]))


def test_tables() -> None:
    assert table([]) == "*none*"
    assert (
        table([{"a": "x\ny", "n": 1000}, {"a": None, "n": None}])
        == "| a | n |\n| --- | ---: |\n| x y | 1,000 |\n|  |  |"
    )
    assert table([{"ok": True}]).endswith("| yes |")
    with pytest.raises(CardError, match="all rows need the columns"):
        table([{"a": 1}, {"b": 1}])


@given(
    st.lists(
        st.fixed_dictionaries({"a": st.text(), "b": st.integers() | st.floats() | st.none()}), min_size=1, max_size=5
    )
)
def test_no_cell_breaks_a_table(rows: list[dict[str, object]]) -> None:
    lines = table(rows).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines)


def test_the_manifest_is_in_order_whatever_order_it_is_given_in() -> None:
    a, b, c = Artefact("x/a", "p2", "d2", "v"), Artefact("x/a", "p1", "d1", "v", 5), Artefact("w/z", None, "d3", "v")
    one = release_manifest("r", "mini", "rd", {"b": "2", "a": "1"}, [a, b, c])
    two = release_manifest("r", "mini", "rd", {"a": "1", "b": "2"}, [c, b, a, a])
    assert manifest_json(one) == manifest_json(two)
    assert manifest_digest(one) == manifest_digest(two)
    assert [(u["asset"], u["partition"]) for u in one["upstream"]] == [("w/z", None), ("x/a", "p1"), ("x/a", "p2")]
    assert json.loads(manifest_json(one)) == one
    assert manifest_digest(release_manifest("r", "mini", "rd", {"a": "1"}, [a, b, c])) != manifest_digest(one)


def test_two_digests_of_one_partition_are_refused() -> None:
    with pytest.raises(CardError, match="x/a p has two digests"):
        release_manifest("r", "mini", "rd", {}, [Artefact("x/a", "p", "1", "v"), Artefact("x/a", "p", "2", "v")])
