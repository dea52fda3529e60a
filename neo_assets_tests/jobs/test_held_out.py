from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

import torch

import neo_assets.model.export.inference
from neo_assets.evaluation.held_out import Chosen, held_out_loss, piece_bytes, subset_loss
from neo_assets.jobs import held_out
from neo_assets.recipe.tokenizer import SamplingSettings, TokenizerSection
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.model.settings import EOD, SEED, tiny_training

SETTINGS = TokenizerSection(
    sampling=SamplingSettings(total_characters=1), vocab_size=320, character_coverage=1.0, add_dummy_prefix=True
)
TEXTS = ["the cat sat on the mat", "天地玄黄，宇宙洪荒", "def f(x):\n    return x + 2024\n"]


@pytest.fixture(scope="module")
def model() -> bytes:
    rows = {"doc_id": [str(i) for i in range(3)], "text": [text * 20 for text in TEXTS], "copies": [1] * 3}
    return train_tokenizer(pa.table(rows), SETTINGS, seed=1)


@given(text=st.text(min_size=1, max_size=40) | st.sampled_from(TEXTS))
def test_bytes_of_the_ids_are_those_of_the_text_and_of_the_dummy_prefix(model: bytes, text: str) -> None:
    tokenizer = Tokenizer(model, SETTINGS)
    lengths = piece_bytes(map(tokenizer.piece, range(tokenizer.vocab_size)), SETTINGS.n_ids)
    ids = tokenizer.encode(text)
    assert lengths[ids].sum() == len(text.encode()) + 1
    assert lengths[ids[1:]].sum() == len(text.encode()) + 1 - lengths[ids[0]]


class Documents:
    """A handle over the held-out documents of subsets."""

    def __init__(self, texts: dict[str, list[str]]) -> None:
        self.texts = texts
        self.manifests = [SimpleNamespace(partition=name) for name in texts]

    def partition(self, key: str) -> Documents:
        return Documents({key: self.texts[key]})

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        ((subset, texts),) = self.texts.items()
        ids = pa.array([f"{subset}:{i}" for i in range(len(texts))], pa.string())
        yield pa.record_batch({"doc_id": ids, "text": pa.array(texts, pa.string())}).select(columns)


def test_the_job_writes_a_row_per_subset_and_one_per_document(
    model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model)
    training = tiny_training(vocab_rows=384)
    tables: dict[str, pa.Table] = {}
    metadata: dict[str, Any] = {}

    def publish(key: str, write: Any, inputs: dict[str, Any], told: dict[str, Any]) -> None:
        assert set(inputs) == {"checkpoint", "tokenizer", "held_out"}
        write(SimpleNamespace(table=lambda table, name="rows": tables.update({name: table})))
        metadata.update(told)

    job = SimpleNamespace(
        keys=("ckpt_002",),
        publish=publish,
        recipe=SimpleNamespace(
            seed=3,
            training=training,
            tokenizer=SETTINGS,
            evaluation=SimpleNamespace(batch_sequences=2, held_out_sequences=4),
        ),
        inputs={
            "checkpoint": SimpleNamespace(partition=lambda key: SimpleNamespace(folder=lambda: tmp_path)),
            "tokenizer": SimpleNamespace(file=lambda name: tmp_path / name),
            "held_out": Documents({"web": TEXTS * 3, "code": TEXTS[2:], "empty": []}),
        },
    )

    @contextmanager
    def open_job() -> Iterator[Any]:
        yield job

    @contextmanager
    def open_model(folder: Path, n_threads: int) -> Iterator[Any]:
        yield SimpleNamespace(
            architecture=training.chosen, weights_digest="d", logits=lambda ids: torch.zeros((*ids.shape, 384))
        )

    monkeypatch.setattr(held_out, "open_range_job", open_job)
    monkeypatch.setattr(neo_assets.model.export.inference, "open_model", open_model)
    held_out.main()
    web, code, empty = tables["rows"].to_pylist()
    assert (web["checkpoint"], web["phase"], web["tokens_seen"]) == ("ckpt_002", "fundamental", 16 * 16)
    assert web["nats_per_token"] == pytest.approx(math.log(384))
    assert web["tokens"] <= 4 * 16  # the budget of sequences
    assert (code["subset"], code["documents"]) == ("code", 1)
    assert code["tokens"] == len(Tokenizer(model, SETTINGS).encode(TEXTS[2]))
    assert (empty["documents"], empty["tokens"]) == (0, 0)
    assert math.isnan(empty["nats_per_token"])
    documents = tables["documents"].to_pylist()
    assert sum(row["tokens"] for row in documents if row["subset"] == "web") == web["tokens"]
    assert metadata["held-out loss"] == {"web": web["nats_per_token"], "code": code["nats_per_token"]}
    assert metadata["subsets without held-out documents"] == 1


def test_on_the_tokens_of_a_step_it_is_the_loss_that_the_trainer_records(tmp_path: Path) -> None:
    """The untrained model's loss of the first step's sequences, packed from documents, masked at their ends."""
    from neo_assets.model.stack.gpt import build_model, deterministic, positions, process_group
    from neo_assets.model.train.run import Segment
    from neo_assets.model.train.trainer import train

    training = tiny_training(steps_per_chunk=4)
    phase, length = training.phases[0], training.chosen.seq_length
    draw = np.random.default_rng(5)
    chosen = [Chosen(f"d{i}", draw.integers(0, EOD, draw.integers(0, 40)).astype(np.int32)) for i in range(40)]
    stream = np.concatenate([[*one.ids, EOD] for one in chosen]).astype(np.int32)
    n_sequences = phase.n_steps * phase.batch_sequences
    rows = [stream[i * length : (i + 1) * length + 1] for i in range(n_sequences)]
    np.save(tmp_path / "chunk.npy", np.stack(rows))
    losses: list[float] = []
    segment = Segment(training, SEED, EOD, "r", 0, 0, {0: tmp_path / "chunk.npy"}, None, tmp_path / "out")
    train(segment, lambda event, values: losses.append(values["loss"]) if event == "step" else None)
    with deterministic(1), process_group(), torch.inference_mode():
        model = build_model(training.chosen, SEED).eval()
        measured = held_out_loss(
            lambda ids: model(ids, positions(ids), None), chosen, seq_length=length,
            max_sequences=phase.batch_sequences, eod_id=EOD, token_bytes=np.ones(64, np.int64),
        )  # fmt: skip
    assert subset_loss(measured).nats_per_token == pytest.approx(losses[0], rel=1e-6)
