"""The configurations beside the graphs, as paddleocr reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.models import MODELS
from neo_assets.documents.models.configs import config_text

CHARACTERS = st.lists(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\u0085\u2028\u2029"), min_size=1, unique=True
)


@given(CHARACTERS)
def test_a_dictionary_comes_back_character_by_character(characters: list[str]) -> None:
    text = config_text(MODELS["ppocr_v6_small_rec"], characters)
    read = yaml.safe_load(text.encode())["PostProcess"]["character_dict"]
    assert list(read) == characters


def test_blanks_of_a_dictionary_stay() -> None:
    characters = ["a", "\u3000", " ", "'", '"', "\\", "#", ":", "🛃", "b"]
    read = yaml.safe_load(config_text(MODELS["ppocr_v4_rec"], characters))
    assert list(read["PostProcess"]["character_dict"]) == characters


def test_a_dictionary_of_words_is_refused() -> None:
    with pytest.raises(ValueError, match="single characters"):
        config_text(MODELS["ppocr_v4_rec"], ["ab"])


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_model_is_named(name: str) -> None:
    model = MODELS[name]
    labels = ["<td>"] if model.kind == "table" else ["x"]
    assert yaml.safe_load(config_text(model, labels))["Global"] == {"model_name": model.paddle_name}
    assert config_text(replace(model), labels) == config_text(model, labels)
