from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.tokens.order import (
    OrderError,
    PhaseDemand,
    build_order,
    check_order,
    n_sequences,
    n_tail_tokens,
    order_sha256,
    rows_of_subset,
)

SEQ = 8
TOKENS = {"a": 200, "b": 1, "c": 9, "d": 1000}
FACTORS = {"a": 1.0, "b": 1.0, "c": 3.0, "d": 0.5}
DEMANDS = [PhaseDemand("fundamental", FACTORS, 100), PhaseDemand("decay", {"a": 2.5, "d": 0.0}, 40)]


@given(st.integers(0, 100), st.integers(1, 12))
def test_sequences_cover_every_target_once(n_tokens: int, seq_length: int) -> None:
    rows = n_sequences(n_tokens, seq_length)
    sequences = [range(i * seq_length, i * seq_length + seq_length + 1) for i in range(rows)]
    assert all(r.stop <= n_tokens for r in sequences)
    targets = [position for r in sequences for position in r[1:]]
    assert targets == list(range(1, rows * seq_length + 1))
    stored = {position for r in sequences for position in r}
    assert n_tail_tokens(n_tokens, seq_length) == n_tokens - len(stored)
    assert n_tail_tokens(n_tokens, seq_length) <= seq_length


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 300), min_size=1),
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.7, 2.0, 3.3]), min_size=4, max_size=4),
    st.integers(0, 120) | st.none(),
    st.integers(0, 5),
)
def test_an_order_is_a_permutation_of_what_was_asked(
    tokens: dict[str, int], factors: list[float], n_rows: int | None, seed: int
) -> None:
    demand = PhaseDemand("p", dict(zip(tokens, factors, strict=False)), n_rows)
    counts = {name: n_sequences(n, SEQ) for name, n in tokens.items()}
    per_epoch = sum(rows_of_subset(n, demand.factors[name]) for name, n in counts.items())
    if per_epoch == 0:
        with pytest.raises(OrderError, match="no sequence of 9 tokens"):
            build_order(tokens, [demand], SEQ, seed)
        return
    order = build_order(tokens, [demand], SEQ, seed)
    check_order(order, tokens, [demand], SEQ)
    assert order.num_rows == (per_epoch if n_rows is None else n_rows)
    for epoch in range(order.num_rows // per_epoch):
        rows = order.slice(epoch * per_epoch, per_epoch).to_pylist()
        assert {row["epoch"] for row in rows} == {epoch}
        times = Counter((row["subset"], row["sequence"]) for row in rows)
        for name, n in counts.items():
            whole, partial = divmod(rows_of_subset(n, demand.factors[name]), n) if n else (0, 0)
            seen = Counter(times[name, i] for i in range(n))
            assert seen[whole + 1] == partial
            assert seen[whole] + seen[whole + 1] == n


def test_positions_and_token_ranges() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    assert order["position"].to_pylist() == list(range(140))
    assert order["phase"].to_pylist() == ["fundamental"] * 100 + ["decay"] * 40
    for row in order.to_pylist():
        assert row["token_start"] == row["sequence"] * SEQ
        assert row["token_end"] == row["token_start"] + SEQ + 1 <= TOKENS[row["subset"]]
    # 24 + 0 + 3 × 1 + 62 rows an epoch: the second epoch begins inside the phase, with its own permutation.
    epochs = order.slice(0, 100)["epoch"].to_pylist()
    assert epochs == [0] * 89 + [1] * 11
    one = [(r["subset"], r["sequence"]) for r in order.slice(0, 11).to_pylist()]
    assert one != [(r["subset"], r["sequence"]) for r in order.slice(89, 11).to_pylist()]


def test_the_order_is_fixed_by_seed_and_names_alone() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    reversed_names = dict(reversed(TOKENS.items()))
    swapped = [PhaseDemand(d.phase, dict(reversed(d.factors.items())), d.n_rows) for d in DEMANDS]
    assert build_order(reversed_names, swapped, SEQ, 42).equals(order)
    assert not build_order(TOKENS, DEMANDS, SEQ, 43).equals(order)
    longer = build_order(TOKENS, [PhaseDemand("fundamental", FACTORS, 150)], SEQ, 42)
    assert longer.slice(0, 100).equals(order.slice(0, 100))
    # Frozen when first written: a change here changes every published order.
    assert order_sha256(order) == "e7dfe7b8e73f7282bd4cf21655decdeba0f43900b29e13c048e9e19abfc0410f"


def test_adding_text_to_one_subset_keeps_the_relative_order_of_the_others() -> None:
    demand = [PhaseDemand("p", dict.fromkeys(TOKENS, 1.0))]
    before = build_order(TOKENS, demand, SEQ, 1)
    after = build_order({**TOKENS, "d": 2000}, demand, SEQ, 1)
    for name in "ac":
        kept = [[r["sequence"] for r in table.to_pylist() if r["subset"] == name] for table in (before, after)]
        assert kept[0] == kept[1]


def test_the_permutation_mixes() -> None:
    order = build_order({"a": 40_001, "b": 40_001}, [PhaseDemand("p", {"a": 1.0, "b": 1.0})], SEQ, 7)
    position = order["position"].to_numpy()
    assert abs(np.corrcoef(position, order["sequence"].to_numpy())[0, 1]) < 0.03
    first_half = Counter(order.slice(0, order.num_rows // 2)["subset"].to_pylist())
    assert abs(first_half["a"] / (order.num_rows // 2) - 0.5) < 0.02


def replace(order: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = order[column].to_pylist()
    values[row] = value
    return order.set_column(
        order.schema.get_field_index(column), column, pa.array(values, order.schema.field(column).type)
    )


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("position", 7, "positions are not"),
        ("token_start", 1, "do not follow"),
        ("phase", "other", "phases are missing"),
        ("repeat", 9, "beyond its factor"),
        ("epoch", 5, "instead of"),
    ],
)
def test_tampering_is_found(column: str, value: object, reason: str) -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    check_order(order, TOKENS, DEMANDS, SEQ)
    with pytest.raises(OrderError, match=reason):
        check_order(replace(order, column, 3, value), TOKENS, DEMANDS, SEQ)


def test_a_row_that_replaces_another_is_found() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    rows = [i for i, row in enumerate(order.slice(0, 89).to_pylist()) if row["subset"] == "a"]
    for column in ("sequence", "repeat", "token_start", "token_end"):
        order = replace(order, column, rows[1], order[column][rows[0]].as_py())
    with pytest.raises(OrderError, match="more than once"):
        check_order(order, TOKENS, DEMANDS, SEQ)
    outside = build_order({**TOKENS, "a": 2000}, [PhaseDemand("p", {"a": 1.0})], SEQ, 1)
    with pytest.raises(OrderError, match=r"rows, not as many|lies outside"):
        check_order(outside, TOKENS, [PhaseDemand("p", {"a": 1.0}, outside.num_rows)], SEQ)


def test_unknown_subsets_are_refused() -> None:
    with pytest.raises(OrderError, match="without a stream: x"):
        build_order(TOKENS, [PhaseDemand("p", {"x": 1.0})], SEQ, 1)
