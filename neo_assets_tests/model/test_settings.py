"""Settings of training: the published figures, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neo_assets.model.train.schedule import learning_rate
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.recipe.training import ArchitectureSettings, TrainingSection, n_parameters, padded_vocab_rows
from neo_assets_tests.model.settings import tiny_training


@pytest.fixture(scope="module")
def matrix() -> Recipe:
    return load_recipe("matrix")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Published bf16 shards of 15.59 GB; 2·64,256·3,072 + 28·(4·3,072² + 3·3,072·24,576 + 2·3,072) + 3,072.
        ("neo_7b", 7_793_716_224),
        # 2·64,128·2,048 + 18·(2·2,048² + 2·2,048·256 + 3·2,048·16,384 + 2·2,048) + 2,048.
        ("neo_2b", 2_244_552_704),
    ],
)
def test_parameters_are_the_published_ones(matrix: Recipe, name: str, expected: int) -> None:
    assert n_parameters(matrix.training.architectures[name]) == expected


@pytest.mark.parametrize(("name", "millions"), [("neo_980m", 979.9), ("neo_460m", 461.7), ("neo_250m", 250.9)])
def test_scaling_law_models_have_the_published_sizes(matrix: Recipe, name: str, millions: float) -> None:
    # From the sizes of the published files: 1.96 GB and 923 MB in bf16, and 250.9 M.
    assert n_parameters(matrix.training.architectures[name]) / 1e6 == pytest.approx(millions, abs=0.06)


def test_vocabulary_rows_are_the_published_ones() -> None:
    # 64,000 pieces and 5 appended ids: 64,128 rows at tensor parallel 1, 64,256 at 2.
    assert (padded_vocab_rows(64_005, 1), padded_vocab_rows(64_005, 2)) == (64_128, 64_256)


@given(st.integers(1, 10**6), st.integers(1, 8))
def test_rows_hold_all_ids_and_no_more_than_a_step_of_padding(n_ids: int, tensor_parallel: int) -> None:
    rows = padded_vocab_rows(n_ids, tensor_parallel)
    assert rows % (128 * tensor_parallel) == 0
    assert 0 <= rows - n_ids < 128 * tensor_parallel


def test_token_counts_are_the_published_ones(matrix: Recipe) -> None:
    fundamental, decay = matrix.training.phases
    seq_length = matrix.training.chosen.seq_length
    assert fundamental.batch_sequences * seq_length == 8_388_608  # tokens per step
    assert decay.batch_sequences * seq_length == 5_242_880
    assert fundamental.n_tokens(seq_length) == pytest.approx(3_726.33e9, rel=1e-5)
    assert decay.n_tokens(seq_length) == pytest.approx(776e9, rel=1e-3)
    assert fundamental.steps_per_chunk * fundamental.batch_sequences * seq_length == pytest.approx(20.0e9, rel=1e-3)
    assert decay.finetune


def test_decay_rates_are_the_published_ones(matrix: Recipe) -> None:
    decay = matrix.training.phases[1]
    rates = [learning_rate(decay, step) for step in (0, decay.n_steps // 2, decay.n_steps)]
    assert rates == pytest.approx([2e-4, 1e-4, 5e-5], rel=1e-12)


@pytest.mark.parametrize("recipe", ["mini", "matrix"])
def test_every_sequence_belongs_to_one_checkpoint(recipe: str) -> None:
    training = load_recipe(recipe).training
    places = [training.position(i) for i in range(training.n_checkpoints)]
    assert sum(phase.steps_in_chunk(chunk) for phase, chunk in places) == sum(p.n_steps for p in training.phases)
    before = 0
    for i, (phase, chunk) in enumerate(places):
        if i < 12 or i == len(places) - 1:  # sequences_before is linear
            assert training.sequences_before(i) == before
        before += phase.sequences_in_chunk(chunk)
    with pytest.raises(IndexError):
        training.position(training.n_checkpoints)
    with pytest.raises(IndexError):
        training.position(-1)


@pytest.mark.parametrize("recipe", ["mini", "matrix"])
def test_the_embedding_has_a_row_for_every_id(recipe: str) -> None:
    loaded = load_recipe(recipe)
    for architecture in loaded.training.architectures.values():
        assert architecture.vocab_rows == loaded.tokenizer.vocab_rows(architecture.tensor_parallel)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hidden_size": 30}, "must be a multiple of n_heads 4"),
        ({"hidden_size": 12}, "must be even for rotary positions"),
        ({"n_kv_groups": 3}, "must be a multiple of n_kv_groups 3"),
        ({"tensor_parallel": 3}, "must be multiples of tensor_parallel 3"),
        ({"layers": 3}, "Extra inputs are not permitted"),
        ({"n_layers": 0}, "greater than 0"),
    ],
)
def test_impossible_architectures_are_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    tiny = tiny_training().chosen.model_dump()
    with pytest.raises(ValidationError, match=reason):
        ArchitectureSettings.model_validate({**tiny, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"architecture": "huge"}, "choose one of: tiny"),
        ({"microbatch_sequences": 3}, "is no multiple of data_parallel 1 x microbatch_sequences 3"),
        ({"phases": ()}, "at least 1 item"),
    ],
)
def test_impossible_training_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        TrainingSection.model_validate({**tiny_training().model_dump(), **change})


def test_the_first_phase_cannot_continue_and_names_are_unique() -> None:
    fundamental, decay = tiny_training().model_dump()["phases"]
    with pytest.raises(ValidationError, match="set finetune: false"):
        TrainingSection.model_validate({**tiny_training().model_dump(), "phases": [decay, fundamental]})
    with pytest.raises(ValidationError, match="phase names must differ"):
        TrainingSection.model_validate({**tiny_training().model_dump(), "phases": [fundamental, fundamental]})
