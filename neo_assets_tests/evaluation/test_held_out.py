from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch

from neo_assets.evaluation.held_out import (
    Chosen,
    DocumentLoss,
    choose_documents,
    held_out_loss,
    piece_bytes,
    subset_loss,
)

EOD, ROWS, LENGTH = 9, 12, 5
BYTES = np.arange(1, 10)
TABLE = np.random.default_rng(0).normal(size=(ROWS, ROWS)).astype(np.float32)
TEXTS = st.dictionaries(st.text(max_size=4), st.text("abcdefgh", max_size=12), max_size=12)


def encode(text: str) -> Any:
    return np.array([ord(c) - ord("a") for c in text], np.int32)


def prefix_logits(ids: Any) -> Any:
    """A model that sees its whole sequence: the next token depends on the sum of all before it."""
    return torch.from_numpy(TABLE)[ids.cumsum(1) % ROWS]


def naive(chosen: list[Chosen], max_sequences: int, mask: bool) -> dict[str, tuple[int, float, int, float]]:
    """Token by token, as the definition says."""
    stream = [(i, int(id_)) for i, one in enumerate(chosen) for id_ in [*one.ids, EOD]]
    found: dict[str, tuple[int, float, int, float]] = {}
    for at in range(1, min(len(stream), max_sequences * LENGTH + 1)):
        sequence_start = (at - 1) // LENGTH * LENGTH
        context = [id_ for _, id_ in stream[sequence_start:at]]
        if mask and context[-1] == EOD:
            continue
        owner, target = stream[at]
        scores = TABLE[sum(context) % ROWS].astype(np.float64)
        nats = float(np.log(np.exp(scores).sum()) - scores[target])
        text = target != EOD
        before = found.get(chosen[owner].doc_id, (0, 0.0, 0, 0.0))
        added = (1, nats, int(BYTES[target]) if text else 0, nats if text else 0.0)
        found[chosen[owner].doc_id] = tuple(a + b for a, b in zip(before, added, strict=True))  # type: ignore[assignment]
    return found


@given(TEXTS, st.integers(1, 6), st.booleans(), st.integers(1, 4))
def test_losses_are_those_of_the_definition(
    texts: dict[str, str], max_sequences: int, mask: bool, batch_sequences: int
) -> None:
    chosen = [Chosen(doc_id, encode(text)) for doc_id, text in texts.items()]
    measured = held_out_loss(
        prefix_logits, chosen, seq_length=LENGTH, max_sequences=max_sequences, eod_id=EOD,
        token_bytes=np.append(BYTES, 0), mask_after_eod=mask, batch_sequences=batch_sequences,
    )  # fmt: skip
    wanted = naive(chosen, max_sequences, mask)
    assert {one.doc_id for one in measured} == set(wanted)
    for one in measured:
        tokens, nats, n_bytes, text_nats = wanted[one.doc_id]
        assert (one.tokens, one.bytes) == (tokens, n_bytes)
        assert (one.nats, one.text_nats) == (pytest.approx(nats, rel=1e-5), pytest.approx(text_nats, rel=1e-5))


@given(TEXTS, st.integers(1, 60), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_choice_is_the_shortest_prefix_of_a_shuffle_whatever_the_order(
    texts: dict[str, str], n_tokens: int, seed: int, order: random.Random
) -> None:
    everything = choose_documents(texts.items(), encode, 10**9, seed)
    assert {one.doc_id for one in everything} == set(texts)
    wanted, total = [], 0
    for one in everything:
        if total >= n_tokens:
            break
        wanted.append(one.doc_id)
        total += len(texts[one.doc_id]) + 1
    shuffled = order.sample(sorted(texts.items()), len(texts))
    chosen = choose_documents(shuffled, encode, n_tokens, seed)
    assert [one.doc_id for one in chosen] == wanted
    assert all(np.array_equal(one.ids, encode(texts[one.doc_id])) for one in chosen)


def test_another_seed_chooses_others_and_few_are_encoded() -> None:
    encoded: list[str] = []

    def counting(text: str) -> Any:
        encoded.append(text)
        return encode(text)

    documents = [(f"doc{i}", "abcdefgh") for i in range(20_000)]
    first = choose_documents(documents, counting, 450, seed=1)
    assert len(first) == 50
    assert len(encoded) < 50 * (1 + math.log(20_000 / 50)) * 1.5
    assert {one.doc_id for one in first} != {one.doc_id for one in choose_documents(documents, encode, 450, seed=2)}


def test_a_model_without_knowledge_gets_the_logarithm_of_the_rows() -> None:
    chosen = [Chosen(f"d{i}", encode("abcdefgh"[: i + 2])) for i in range(4)]
    losses = held_out_loss(
        lambda ids: torch.zeros((*ids.shape, ROWS)), chosen, seq_length=LENGTH, max_sequences=99, eod_id=EOD,
        token_bytes=np.full(ROWS, 3),
    )  # fmt: skip
    found = subset_loss(losses)
    assert found.nats_per_token == pytest.approx(math.log(ROWS))
    assert found.bits_per_byte == pytest.approx(math.log2(ROWS) / 3)
    assert found.stderr == pytest.approx(0, abs=1e-6)
    assert found.tokens == sum(len(one.ids) for one in chosen)  # all but the first, and the end


def test_the_standard_error_is_that_of_repeated_samples() -> None:
    """Means of 2,000 samples of 200 documents scatter by what one sample says."""
    draw = np.random.default_rng(3)
    means, errors = [], []
    for _ in range(2_000):
        tokens = draw.integers(10, 200, 200)
        nats = tokens * (3 + draw.normal(0, 0.5, 200))
        found = subset_loss([DocumentLoss("", int(t), float(x), 1, 0.0) for t, x in zip(tokens, nats, strict=True)])
        means.append(found.nats_per_token)
        errors.append(found.stderr)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.06)


@pytest.mark.parametrize("losses", [[], [DocumentLoss("a", 4, 8.0, 0, 0.0)]])
def test_what_cannot_be_told_is_no_number(losses: list[DocumentLoss]) -> None:
    found = subset_loss(losses)
    assert math.isnan(found.stderr)
    assert math.isnan(found.bits_per_byte)
    assert math.isnan(found.nats_per_token) == (not losses)


def test_no_documents_and_empty_ones_measure_nothing() -> None:
    empty = [Chosen("a", encode("")), Chosen("b", encode(""))]
    for chosen in ([], empty[:1], empty):
        arguments = {"seq_length": LENGTH, "max_sequences": 3, "eod_id": EOD, "token_bytes": np.zeros(ROWS)}
        assert held_out_loss(prefix_logits, chosen, **arguments) == ()


def test_bytes_of_pieces() -> None:
    pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581the", "中", "<0x", "\u2581\u2581"]
    assert piece_bytes(pieces, 10).tolist() == [0, 0, 0, 1, 4, 3, 3, 2, 0, 0]
