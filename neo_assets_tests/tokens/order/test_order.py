from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.tokens.keyed import counter_hashes, key
from neo_assets.tokens.order import permutation
from neo_assets.tokens.order.check import check_order, checked_order, order_sha256
from neo_assets.tokens.order.order import build_order, order_batches
from neo_assets.tokens.order.plan import (
    ORDER_SCHEMA,
    OrderError,
    PhaseDemand,
    n_sequences,
    n_tail_tokens,
    rows_of_subset,
)

SEQ = 8
TOKENS = {"a": 200, "b": 1, "c": 9, "d": 1000}
FACTORS = {"a": 1.0, "b": 1.0, "c": 3.0, "d": 0.5}
DEMANDS = [PhaseDemand("fundamental", FACTORS, 100), PhaseDemand("decay", {"a": 2.5, "d": 0.0}, 40)]


def naive_order(tokens: Mapping[str, int], demands: list[PhaseDemand], seq_length: int, seed: int) -> pa.Table:
    """Every epoch in memory, sorted at once by Python."""
    rows: list[dict[str, object]] = []
    for demand in demands:
        counts = {name: n_sequences(tokens[name], seq_length) for name in sorted(demand.factors)}
        per_epoch = sum(rows_of_subset(n, demand.factors[name]) for name, n in counts.items())
        wanted = per_epoch if demand.n_rows is None else demand.n_rows
        first = len(rows)
        for epoch in range(-(-wanted // per_epoch)):
            found = []
            for name, n in counts.items():
                left, repeat = rows_of_subset(n, demand.factors[name]), 0
                while left:
                    draw = (seed, demand.phase, epoch, name, repeat)
                    fraction = counter_hashes(key("fraction", *draw), n).tolist()
                    place = counter_hashes(key("order", *draw), n).tolist()
                    chosen = sorted(range(n), key=lambda i: fraction[i])[:left]
                    found += [(place[i], name, i, repeat) for i in chosen]
                    left, repeat = left - len(chosen), repeat + 1
            for _, name, i, repeat in sorted(found)[: first + wanted - len(rows)]:
                start = i * seq_length
                values = (len(rows), demand.phase, epoch, name, i, repeat, start, start + seq_length + 1)
                rows.append(dict(zip(ORDER_SCHEMA.names, values, strict=True)))
    return pa.Table.from_pylist(rows, schema=ORDER_SCHEMA)


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(9, 300), min_size=1),
    st.lists(st.sampled_from([0.5, 1.0, 1.7, 2.0, 3.3]), min_size=4, max_size=4),
    st.integers(0, 200) | st.none(),
    st.sampled_from([1, 3, 17, 1000]),
    st.integers(1, 50),
)
def test_memory_changes_nothing(
    tokens: dict[str, int], factors: list[float], n_rows: int | None, memory_rows: int, batch_rows: int
) -> None:
    demand = PhaseDemand("p", dict(zip(tokens, factors, strict=False)), n_rows)
    demands = [demand, PhaseDemand("q", {min(tokens): 2.5}, 7)]
    if sum(rows_of_subset(n_sequences(n, SEQ), demand.factors[name]) for name, n in tokens.items()) == 0:
        return
    expected = naive_order(tokens, demands, SEQ, 5)
    batches = list(order_batches(tokens, demands, SEQ, 5, memory_rows=memory_rows, batch_rows=batch_rows))
    assert [b.num_rows for b in batches[:-1]] == [batch_rows] * (len(batches) - 1)
    assert pa.Table.from_batches(batches, ORDER_SCHEMA).equals(expected)


def test_blocks_of_hashes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, demands = {"a": 3001, "b": 1001}, [PhaseDemand("p", {"a": 1.4, "b": 0.3})]
    expected = build_order(tokens, demands, SEQ, 3)
    monkeypatch.setattr(permutation, "BLOCK", 16)
    found = pa.Table.from_batches(order_batches(tokens, demands, SEQ, 3, memory_rows=20))
    assert found.equals(expected.combine_chunks()) or found.combine_chunks().equals(expected.combine_chunks())


@given(st.integers(1, 400), st.data())
def test_the_smallest_hashes_are_chosen(n: int, data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, n))
    hashes = counter_hashes(key("x"), n).tolist()
    bits = np.unpackbits(permutation.smallest(key("x"), n, rows), count=n)
    assert set(np.flatnonzero(bits).tolist()) == set(sorted(range(n), key=lambda i: hashes[i])[:rows])


def test_equal_hashes_keep_the_order_of_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of two bits, so that almost all are equal, and at the borders of ranges where these are two."""
    values = np.array([0, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)

    def coarse(key_bytes: bytes, n: int, first: int = 0) -> np.ndarray:  # type: ignore[type-arg]
        return values[counter_hashes(key_bytes, n, first) >> np.uint64(62)]

    monkeypatch.setattr(permutation, "counter_hashes", coarse)
    hashes = [tuple(pair) for pair in coarse(key("x"), 90).tolist()]
    expected = sorted(range(90), key=lambda i: (hashes[i], i))
    for rows in (1, 7, 30, 31, 60, 89):
        bits = np.unpackbits(permutation.smallest(key("x"), 90, rows), count=90)
        assert np.flatnonzero(bits).tolist() == sorted(expected[:rows])
    whole = permutation.Reading(0, 0, 90, 90, key("x"), b"")
    for memory_rows in (11, 45, 90):
        drawn = np.concatenate([part[1] for part in permutation.permuted([whole], memory_rows)])
        assert drawn.tolist() == expected


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
        ("token_end", 1, "do not follow"),
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


def test_a_row_of_a_subset_that_the_phase_does_not_read_is_found() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    with pytest.raises(OrderError, match="phase decay does not read c"):
        check_order(replace(order, "subset", 120, "c"), TOKENS, DEMANDS, SEQ)


def test_the_sequence_after_the_last_is_outside() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    row = next(i for i, name in enumerate(order["subset"].to_pylist()) if name == "a")
    for column, value in (("sequence", 24), ("token_start", 24 * SEQ), ("token_end", 25 * SEQ + 1)):
        order = replace(order, column, row, value)
    with pytest.raises(OrderError, match="a lies outside its stream of 24 sequences"):
        check_order(order, TOKENS, DEMANDS, SEQ)


def test_every_repeated_sequence_is_found_in_another_batch_too() -> None:
    demand = [PhaseDemand("p", {"a": 2.0})]
    order = build_order(TOKENS, demand, SEQ, 42)
    rows = order.to_pylist()
    for row in rows:
        other = (row["position"] + 1) % len(rows)
        twice = order
        for column in ("sequence", "repeat", "token_start", "token_end"):
            twice = replace(twice, column, other, row[column])
        found = f"epoch 0 holds sequence {row['sequence']}, repeat {row['repeat']} of a more than once"
        for batch_rows in (1, 48):
            with pytest.raises(OrderError, match=found):
                check_order(twice.to_batches(max_chunksize=batch_rows), TOKENS, demand, SEQ)
    with pytest.raises(OrderError, match="a repeat of a goes beyond its factor"):
        check_order(replace(order, "repeat", 0, 2), TOKENS, demand, SEQ)


def test_a_shifted_token_range_is_found() -> None:
    order = build_order(TOKENS, DEMANDS, SEQ, 42)
    for column in ("token_start", "token_end"):
        order = replace(order, column, 3, order[column][3].as_py() + 1)
    with pytest.raises(OrderError, match="do not follow"):
        check_order(order, TOKENS, DEMANDS, SEQ)


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


@pytest.mark.parametrize("batch_rows", [1, 7, 90, 1000])
def test_the_check_passes_batches_on(batch_rows: int) -> None:
    batches = list(order_batches(TOKENS, DEMANDS, SEQ, 42, batch_rows=batch_rows))
    passed = list(checked_order(iter(batches), TOKENS, DEMANDS, SEQ))
    assert passed == batches
    with pytest.raises(OrderError, match=r"not as many as asked|instead of"):
        list(checked_order(batches[:-1], TOKENS, DEMANDS, SEQ))
    assert order_sha256(batches) == order_sha256(build_order(TOKENS, DEMANDS, SEQ, 42))


def test_rows_after_the_last_phase_are_found() -> None:
    longer = [DEMANDS[0], PhaseDemand("decay", DEMANDS[1].factors, 41)]
    with pytest.raises(OrderError, match="rows after position 139"):
        check_order(build_order(TOKENS, longer, SEQ, 42), TOKENS, DEMANDS, SEQ)


def test_a_repeat_that_takes_the_place_of_another_is_found() -> None:
    demand = [PhaseDemand("p", {"c": 3.0, "a": 2.5})]
    order = build_order(TOKENS, demand, SEQ, 42)
    rows = order.to_pylist()
    taken = {row["sequence"] for row in rows if (row["subset"], row["repeat"]) == ("a", 2)}
    one = next(row for row in rows if (row["subset"], row["repeat"]) == ("a", 0) and row["sequence"] not in taken)
    # The number of rows stays right, but sequence `one` would be read twice in repeat 2's stead.
    with pytest.raises(OrderError, match="more rows of a than its factor allows"):
        check_order(replace(order, "repeat", one["position"], 2), TOKENS, demand, SEQ)


def test_a_large_order_is_drawn_in_little_memory() -> None:
    """Twenty passes over a million sequences; what is sorted at a time is 1/20 of it."""
    tokens, demands = {"a": 8_000_001}, [PhaseDemand("p", {"a": 1.0})]
    few, all_at_once = (
        order_sha256(order_batches(tokens, demands, SEQ, 1, memory_rows=rows)) for rows in (50_000, 1 << 22)
    )
    assert few == all_at_once
