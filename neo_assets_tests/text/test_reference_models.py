from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from neo_assets.recipe.references import ReferenceSettings
from neo_assets.text.importance import TARGETS, importance, log_ratios
from neo_assets.text.language_model import characters, perplexity, train
from neo_assets.text.reference_classifier import CLASSES, probabilities, scores, train_classifier
from neo_assets.text.reference_models import (
    Language,
    ReferenceModelError,
    ReferenceModels,
    Trained,
    train_importance_model,
    train_perplexity_model,
    train_reference_classifier,
)
from neo_assets.text.references import REFERENCE_SCHEMA, REFERENCE_SETS, texts_by_set
from neo_assets.text.units import Units, chinese_words, code_points, english_words

FILES = ({"path": "x"},)
SETTINGS = ReferenceSettings.model_validate(
    {**dict.fromkeys(REFERENCE_SETS, FILES), "web_language": "en", "classifier": {"buckets": 4096, "held_out": 0.2}}
)
ENGLISH = {
    "wikipedia": "The river rises in the northern province and was named in the nineteenth century",
    "books": "She looked at him with a heavy heart and said that her mother would not come this evening",
    "openwebtext": "The senate voted on the bill after the police released an update of the report",
    "wikiref": "According to the archived press report the survey was published by the institute",
    "web": "Click here to buy now and get the best offer of the day with free shipping",
}
CHINESE = {
    "wikipedia": "长江发源于青藏高原，是亚洲第一长河，流经十一个省市。",
    "books": "话说天下大势，分久必合，合久必分。她低着头说，母亲今晚不来了。",
    "openwebtext": "记者昨日获悉，该市警方发布通报，案件正在进一步调查之中。",
    "wikiref": "根据研究所发表的报告，这项调查的数据来自档案馆。",
    "web": "点击这里立即购买长江大河的高原游，全场包邮，关注我们获取更多优惠。",
}
SIGNALS = {
    "ccnet_perplexity", "ccnet_bucket", "rps_doc_ml_wikiref_score", "rps_doc_ml_palm_score",
    "rps_doc_ml_wikipedia_score", *(f"rps_doc_{name}_importance" for name in TARGETS),
}  # fmt: skip


def documents(sentences: dict[str, str]) -> pa.Table:
    """Of each set, documents of a sentence and parts of it again."""
    rows = [
        {"set": name, "doc_id": f"{name}-{i:02d}", "text": sentence + sentence[i:] + sentence[: 40 - 2 * i]}
        for name, sentence in sentences.items()
        for i in range(12)
    ]
    return pa.Table.from_pylist(rows, REFERENCE_SCHEMA)


def trained(sentences: dict[str, str], language: Language) -> list[Trained]:
    makers = (train_perplexity_model, train_importance_model, train_reference_classifier)
    return [make(documents(sentences), SETTINGS, language) for make in makers]


def models_in(folder: Path, models: list[Trained]) -> ReferenceModels:
    folders = [folder / str(i) for i in range(len(models))]
    for place, model in zip(folders, models, strict=True):
        place.mkdir()
        for name, data in model.files.items():
            (place / name).write_bytes(data)
    return ReferenceModels.of(*folders)


def words_of(texts: list[str], language: Language) -> Units:
    return english_words(texts) if language == "english" else chinese_words(texts)


def measured(models: ReferenceModels, texts: list[str], language: Language) -> dict[str, npt.NDArray[Any]]:
    return models.measure(*code_points(texts), words_of(texts, language))


@pytest.mark.parametrize(("sentences", "language"), [(ENGLISH, "english"), (CHINESE, "chinese")])
def test_a_batch_is_measured_as_by_each_model_alone(
    sentences: dict[str, str], language: Language, tmp_path: Path
) -> None:
    learned_texts = texts_by_set(documents(sentences))
    models = pickle.loads(pickle.dumps(models_in(tmp_path, trained(sentences, language))))  # noqa: S301
    texts = [*sentences.values(), "", " ?!\n", "𠀀 unseen Ünseen 未见"]
    found = measured(models, texts, language)
    found_web = measured(models, learned_texts["web"], language)
    assert found.keys() == SIGNALS
    assert all(values.dtype == np.float64 and values.shape == (len(texts),) for values in found.values())

    words = {name: words_of(learned_texts[name], language) for name in CLASSES}
    learned = words["wikipedia"] if language == "english" else characters(code_points(learned_texts["wikipedia"]))
    read = words_of(texts, language)
    units = read if language == "english" else characters(code_points(texts))
    perplexities = perplexity(units, train(learned, SETTINGS.language_model))
    np.testing.assert_allclose(found["ccnet_perplexity"], perplexities, atol=1e-6)
    weights = importance(read, log_ratios(words, words["web"], SETTINGS.importance_buckets))
    chances = scores(probabilities(read, train_classifier(words, SETTINGS.classifier).weights))
    for i, name in enumerate(TARGETS):
        np.testing.assert_allclose(found[f"rps_doc_{name}_importance"], weights[:, i], atol=1e-6)
    for name, chance in chances.items():
        np.testing.assert_allclose(found[f"rps_doc_ml_{name}_score"], chance, atol=1e-6)

    assert np.isnan(found["ccnet_perplexity"][5:7]).all() and np.isnan(found["ccnet_bucket"][5:7]).all()
    limits = np.sort(found_web["ccnet_perplexity"])[[3, 7]]  # thirds of twelve documents
    assert limits[0] < limits[1]
    np.testing.assert_array_equal(found_web["ccnet_bucket"], np.searchsorted(limits, found_web["ccnet_perplexity"]))
    assert found["ccnet_bucket"][0] == 0
    assert found["rps_doc_books_importance"][5] == 0 and found["rps_doc_ml_wikiref_score"][5] == 0.5
    assert found["rps_doc_ml_wikiref_score"][3] > 0.8 > 0.2 > found["rps_doc_ml_wikiref_score"][4]


def test_the_result_does_not_depend_on_the_batch(tmp_path: Path) -> None:
    models = models_in(tmp_path, trained(ENGLISH, "english"))
    texts = ["", *ENGLISH.values(), "One more."]
    together = measured(models, texts, "english")
    for i, text in enumerate(texts):
        for name, values in measured(models, [text], "english").items():
            np.testing.assert_array_equal(values[0], together[name][i])


def test_equal_input_gives_equal_files_and_facts() -> None:
    first, second = trained(CHINESE, "chinese"), trained(CHINESE, "chinese")
    assert first == second
    facts = first[0].metadata | first[2].metadata
    assert facts["held-out accuracy"] == 1.0 and facts["held out"] == 10
    assert facts["median perplexity, wikipedia"] < facts["median perplexity, web"]


def test_without_settings_there_is_no_model() -> None:
    for make in (train_perplexity_model, train_importance_model, train_reference_classifier):
        assert make(REFERENCE_SCHEMA.empty_table(), None, "english") == Trained({}, {})


def test_changed_or_missing_files_are_refused(tmp_path: Path) -> None:
    models = models_in(tmp_path, trained(ENGLISH, "english"))
    path = tmp_path / "2" / "weights.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ReferenceModelError, match="changed after they were pinned"):
        measured(models, ["a text"], "english")
    path.unlink()
    with pytest.raises(ReferenceModelError, match=r"no model file .*weights\.npy"):
        ReferenceModels.of(tmp_path / "0", tmp_path / "1", tmp_path / "2")
