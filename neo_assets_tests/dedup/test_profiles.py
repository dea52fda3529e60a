from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.profiles import bloom_settings, near_settings, paragraph_settings, substring_settings
from neo_assets.recipe.dedup import BloomSettings, NearSettings, ParagraphSettings, SubstringSettings
from neo_assets_tests.dedup.relations import Documents, compared_pairs, component_verdicts

ENGLISH, CHINESE = NearSettings(normalisation="english"), NearSettings(normalisation="chinese")
WORDS = st.sampled_from(["alpha beta", "gamma", "delta epsilon", "zeta", "ab"])
CORPORA = st.lists(st.lists(WORDS, max_size=3).map(" ".join), min_size=1, max_size=8).map(
    lambda texts: {f"d{i}": text for i, text in enumerate(texts)}
)


def test_the_corrected_profile_changes_nothing() -> None:
    assert near_settings(ENGLISH, "corrected") is ENGLISH
    for derive, given_settings in (
        (bloom_settings, BloomSettings()),
        (paragraph_settings, ParagraphSettings()),
        (substring_settings, SubstringSettings()),
    ):
        assert derive(given_settings, "corrected") is given_settings
        assert derive(given_settings, "faithful") != given_settings


def test_released_code_normalises_english_only() -> None:
    assert near_settings(ENGLISH, "faithful").normalisation == "english"
    assert near_settings(CHINESE, "faithful").normalisation == "none"


def test_released_code_merges_texts_shorter_than_a_shingle_and_whatever_meets() -> None:
    released = near_settings(ENGLISH, "faithful")
    texts = {"a": "short", "b": "other", "c": "a text that is longer than a shingle", "d": ""}
    verdicts = component_verdicts(texts, compared_pairs(texts, {}, released), released)
    assert {d: row["survivor"] for d, row in verdicts.items()} == {"a": None, "b": "a", "c": None, "d": "a"}


@settings(max_examples=15)
@given(CORPORA)
def test_a_link_to_the_first_of_a_bucket_gives_the_components_of_all_links(texts: Documents) -> None:
    released = near_settings(ENGLISH, "faithful")
    all_links = released.model_copy(update={"partners_per_bucket": 100})
    one, every = (component_verdicts(texts, compared_pairs(texts, {}, s), s) for s in (released, all_links))
    assert {d: row["survivor"] for d, row in one.items()} == {d: row["survivor"] for d, row in every.items()}
