from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.supplement import ReviewSettings
from neo_assets.retrieval.model import BASE_URL, REVIEW, THRESHOLD_SCHEMA
from neo_assets.retrieval.threshold import Stratum, choose_threshold, precision_above
from neo_assets_tests.retrieval.judging_tables import judgements, strata

SETTINGS = ReviewSettings(edges=(0.2, 0.5, 0.8, 0.96), floor=0.5)
POOL = strata([(0, 0.0, 0.2, 9000), (1, 0.2, 0.5, 900), (2, 0.5, 0.8, 100), (3, 0.8, 0.96, 100), (4, 0.96, 1.0, 800)])


def said(of: dict[int, tuple[int, int]], purpose: str = REVIEW):
    """(yes, no) of each stratum."""
    return [
        (stratum, belongs, purpose)
        for stratum, counts in of.items()
        for belongs, count in zip((True, False), counts, strict=True)
        for _ in range(count)
    ]


def chosen(table):
    (row,) = [row for row in table.to_pylist() if row["chosen"]]
    return row


def test_the_estimate_weighs_strata_by_their_pages():
    table = choose_threshold(POOL, judgements(said({2: (5, 5), 3: (8, 2), 4: (10, 0)})), SETTINGS)
    assert table.schema.equals(THRESHOLD_SCHEMA)
    rows = {row["threshold"]: row for row in table.to_pylist()}
    assert list(rows) == [0.5, 0.8, 0.96]
    # By hand: (100 · 0.5 + 100 · 0.8 + 800 · 1) / 1000, (100 · 0.8 + 800) / 900, 1.
    assert [rows[t]["precision"] for t in rows] == [0.93, round(880 / 900, 6), 1.0]
    assert [rows[t]["pages"] for t in rows] == [1000, 900, 800]
    assert [rows[t]["judged"] for t in rows] == [30, 20, 10]
    assert all(row["low"] < row["precision"] <= row["high"] for row in rows.values())
    assert chosen(table)["threshold"] == 0.8
    assert "0.9778, reaches 0.95" in chosen(table)["reason"]


def test_only_answers_about_the_sample_count():
    rows = said({2: (5, 5), 3: (8, 2), 4: (10, 0)})
    noise = [(4, None, REVIEW)] * 7 + said({2: (50, 0), 4: (0, 50)}, BASE_URL) + said({0: (0, 60)})
    assert choose_threshold(POOL, judgements(noise + rows), SETTINGS).equals(
        choose_threshold(POOL, judgements(rows), SETTINGS)
    )


def test_an_unjudged_stratum_hides_what_lies_below_it():
    table = choose_threshold(POOL, judgements(said({2: (9, 1), 4: (10, 0)})), SETTINGS)
    assert [row["precision"] for row in table.to_pylist()] == [None, None, 1.0]
    assert table["reason"][1].as_py() == "not estimated: no answer about pages of 0.8 to 0.96"
    assert chosen(table)["threshold"] == 0.96
    empty = POOL.filter([True, True, True, False, True])
    table = choose_threshold(empty, judgements(said({2: (9, 1), 4: (10, 0)})), SETTINGS)
    assert [row["precision"] for row in table.to_pylist()] == [round(890 / 900, 6), 1.0, 1.0]
    assert chosen(table)["threshold"] == 0.5


def test_without_a_good_enough_threshold_the_default_is_taken():
    table = choose_threshold(POOL, judgements(said({2: (5, 5), 3: (5, 5), 4: (9, 1)})), SETTINGS)
    row = chosen(table)
    assert (row["threshold"], row["precision"]) == (0.96, 0.9)
    assert row["reason"] == (
        "the default: no threshold reaches an estimated precision of 0.95; the best is 0.96 with 0.9"
    )
    row = chosen(choose_threshold(POOL, judgements([]), SETTINGS))
    assert row["threshold"] == 0.96 and row["precision"] is None
    assert row["reason"].startswith("the default: the precision of no threshold can be estimated; not estimated")


def test_the_recipe_can_have_the_default():
    fixed = SETTINGS.model_copy(update={"choose": False})
    row = chosen(choose_threshold(POOL, judgements(said({2: (9, 0), 3: (9, 0), 4: (9, 0)})), fixed))
    assert (row["threshold"], row["reason"]) == (0.96, "the default, as the recipe says (choose: false)")


def test_a_default_inside_a_stratum_is_not_estimated():
    other = SETTINGS.model_copy(update={"default_threshold": 0.9, "choose": False})
    row = chosen(choose_threshold(POOL, judgements(said({3: (9, 0), 4: (9, 0)})), other))
    assert (row["threshold"], row["pages"], row["precision"]) == (0.9, None, None)
    assert row["reason"].endswith("make it one of review.edges")


def test_nothing_below_the_floor_is_chosen():
    low = SETTINGS.model_copy(update={"default_threshold": 0.3})
    table = choose_threshold(POOL, judgements(said({1: (9, 0), 2: (9, 0), 3: (9, 0), 4: (9, 0)})), low)
    assert table["threshold"].to_pylist() == [0.5, 0.8, 0.96]
    assert chosen(table)["threshold"] == 0.5


def test_a_stopped_round_has_no_threshold():
    assert choose_threshold(POOL.slice(0, 0), judgements([]), SETTINGS).equals(THRESHOLD_SCHEMA.empty_table())


def test_one_stratum_has_the_interval_of_clopper_and_pearson():
    # 19 of 20: R's binom.test(19, 20) gives 0.7512671 to 0.9987349. Half a page on either side widens it a little.
    found = precision_above([Stratum(0.9, 1.0, 10**9, 20, 19)], 0.95)
    assert found is not None and found.share == 0.95
    assert (found.low, found.high) == pytest.approx((0.7512671, 0.9987349), abs=0.002)
    # All of 60: the two-sided interval's lower end is 0.025 to the power of 1/60.
    found = precision_above([Stratum(0.9, 1.0, 10**9, 60, 60)], 0.95)
    assert found is not None and found.high == 1.0
    assert found.low == pytest.approx(0.025 ** (1 / 60), abs=1e-4)


def test_what_was_judged_whole_is_known():
    found = precision_above([Stratum(0.5, 0.9, 8, 8, 3), Stratum(0.9, 1.0, 2, 2, 2)], 0.95)
    assert found is not None
    assert (found.share, found.low, found.high) == (0.5, 0.5, 0.5)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 10**6), st.integers(0, 60)), min_size=1, max_size=5))
def test_an_interval_holds_its_estimate_and_what_was_seen(parts):
    found = [Stratum(0.5, 1.0, judged + more, judged, min(yes, judged)) for judged, more, yes in parts]
    estimate = precision_above(found, 0.95)
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.share + 1e-9 <= estimate.high + 2e-9 <= 1 + 3e-9
    total = sum(one.pages for one in found)
    assert estimate.low >= sum(one.belong for one in found) / total - 1e-9


@pytest.mark.parametrize(
    ("pages", "pure"),
    [((10_000, 2_000, 500), (0.99, 0.9, 0.6)), ((1_000, 1_000), (0.3, 0.6)), ((100_000, 200, 200), (0.995, 0.5, 0.3))],
)
def test_over_many_samples_the_estimate_is_right_and_the_interval_covers(pages, pure):
    random = np.random.default_rng(7)
    belong = [round(n * share) for n, share in zip(pages, pure, strict=True)]
    truth, drawn, runs = sum(belong) / sum(pages), 60, 400
    shares, covered = [], 0
    for _ in range(runs):
        sample = [
            Stratum(0.5, 1.0, n, drawn, int(random.hypergeometric(good, n - good, drawn)))
            for n, good in zip(pages, belong, strict=True)
        ]
        found = precision_above(sample, 0.95)
        assert found is not None
        shares.append(found.share)
        covered += found.low <= truth <= found.high
    assert abs(float(np.mean(shares)) - truth) < 4 * float(np.std(shares)) / runs**0.5
    # 380 are due; three standard errors of a count of 400 with chance 0.95 are 13. More only means a wide interval.
    assert covered >= 367
