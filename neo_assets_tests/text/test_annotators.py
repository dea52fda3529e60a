"""The kernels that the recipe configures, in the order of the assets, on real text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.recipe.lines import Profile
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.text.annotators import annotator, released_chinese, released_english
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.normalise import NormaliseChinese, NormaliseEnglish
from neo_assets.text.reference_models import (
    train_importance_model,
    train_perplexity_model,
    train_reference_classifier,
)
from neo_assets.text.references import reference_documents
from neo_assets.text.rules import chinese_rules, english_rules
from neo_assets.text.signals import CHINESE_SIGNALS, ENGLISH_SIGNALS
from neo_assets_tests.text.batches import SEED, batch_of, chinese_paragraphs, english_paragraphs, through

CHINESE = "\n".join(chinese_paragraphs()[:8])
ENGLISH = "\n\n".join(english_paragraphs()[:6])
WEB = [
    pa.RecordBatch.from_pylist(
        [
            {"doc_id": f"{language}{i}", "language": language, "text": text}
            for language, texts in (("en", english_paragraphs()), ("zh", chinese_paragraphs()))
            for i, text in enumerate(texts[:40])
        ]
    )
]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("mini")


def trained(language: str, recipe: Recipe, folder: Path) -> list[Path]:
    section = getattr(recipe, language)
    documents = reference_documents(section.references, SEED, WEB)
    folders = []
    for train in (train_perplexity_model, train_importance_model, train_reference_classifier):
        target = folder / train.__name__
        target.mkdir()
        for name, data in train(documents, section.references, language).files.items():  # type: ignore[arg-type]
            (target / name).write_bytes(data)
        folders.append(target)
    return folders


def test_every_signal_has_a_value(recipe: Recipe, tmp_path: Path) -> None:
    for language, text, signals in (("english", ENGLISH, ENGLISH_SIGNALS), ("chinese", CHINESE, CHINESE_SIGNALS)):
        (tmp_path / language).mkdir()
        section = getattr(recipe, language)
        lists = (section.stop_words_file, section.bad_words_files, section.url_lists, section.references)
        kernel = annotator(language, *lists, trained(language, recipe, tmp_path / language))  # type: ignore[arg-type]
        [row] = kernel(batch_of(text)).to_pylist()
        without = [signal.name for signal in signals if row[signal.name] is None]
        assert without == ["rps_doc_ut1_blacklist"]  # the page is in no category


@pytest.mark.parametrize("profile", ["corrected", "faithful"])
def test_the_rules_of_both_profiles_find_their_signals(profile: Profile, recipe: Recipe) -> None:
    english, chinese = recipe.english, recipe.chinese
    source = english.sources["constitution"]
    [row] = through(
        batch_of(ENGLISH, language="en"),
        NormaliseEnglish(),
        annotator("english", english.stop_words_file, english.bad_words_files, english.url_lists, None, ()),
        *released_english(profile, english.stop_words_file, english.bad_words_files),
        JudgeByRules(english_rules(source, english.rule_sets, profile)),
    )
    assert row["verdict"] == "kept", row["reason"]
    [row] = through(
        batch_of(CHINESE),
        *released_chinese(profile, chinese.url_lists),
        NormaliseChinese(),
        annotator("chinese", chinese.stop_words_file, chinese.bad_words_files, chinese.url_lists, None, ()),
        JudgeByRules(chinese_rules(chinese.rules, profile)),
    )
    assert row["verdict"] == "kept", row["reason"]
