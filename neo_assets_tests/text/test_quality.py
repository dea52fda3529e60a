from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from neo_assets.recipe.references import QualityModelSettings
from neo_assets.text.quality import QualityModelError, QualityScore, line_of
from neo_assets.web.language import MODEL_SHA256, identify, model_path

ENGLISH = "The committee published a careful report on the history of the river"
CHINESE = "委员会发表了一份关于河流历史的详细报告"


def scorer(label: str) -> QualityScore:
    """The language identifier stands in for a quality model: one label's probability is asked of it."""
    settings = QualityModelSettings(path=model_path().name, sha256=MODEL_SHA256, label=label)
    return QualityScore.of(settings, model_path().parent, "english")


def test_scores_are_the_probability_of_the_label() -> None:
    texts = [ENGLISH, CHINESE, "", " \n\t", f"{ENGLISH}\n\nand \x00 \udc80 {ENGLISH}"]
    english = pickle.loads(pickle.dumps(scorer("en"))).scores(texts)  # noqa: S301
    assert english.dtype == np.float64 and english[0] > 0.9 and english[1] < 0.1 and english[4] > 0.9
    assert np.isnan(english[2:4]).all()
    assert english[0] == pytest.approx(identify(ENGLISH)[1], abs=1e-6)
    assert scorer("zh").scores([CHINESE])[0] == pytest.approx(identify(CHINESE)[1], abs=1e-6)


def test_a_line_is_words_joined_by_spaces() -> None:
    assert line_of("河流的历史。\n点击 购买", "chinese") == "河流 的 历史 。 点击 购买"
    assert line_of("  one\ntwo\u3000three ", "english") == "one two three"
    assert line_of(" \n", "chinese") == line_of("", "english") == ""


def test_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(QualityModelError, match=r"has no label 'fine'; it has .*en.*zh"):
        scorer("fine").scores(["x"])
    with pytest.raises(QualityModelError, match="is not the pinned quality model"):
        QualityScore(str(model_path()), hashlib.sha256(b"").hexdigest(), "en", "english").scores(["x"])
    with pytest.raises(QualityModelError, match="no quality model at"):
        QualityScore(str(tmp_path / "none.bin"), "0" * 64, "good", "english").scores(["x"])
