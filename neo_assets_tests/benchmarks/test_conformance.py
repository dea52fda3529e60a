"""Ours gives the right verdict on every case of the conformance table, for a reason that fits."""

from __future__ import annotations

from functools import lru_cache

import pytest

from benchmarks.conformance import NOT_COMPARED, compared, details, is_right, record, summary
from benchmarks.conformance_cases import Case, cases
from benchmarks.peers.environments import OURS, PEERS
from benchmarks.peers.ours import reasons

CASES = cases()


@lru_cache(maxsize=1)
def failed_rules() -> dict[str, list[str]]:
    return reasons([record(case) for case in CASES], "chinese")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.identity)
def test_verdict(case: Case) -> None:
    failed = failed_rules()[case.identity]
    assert ("reject" if failed else "keep") == case.verdict, f"{case.why}; failed {failed}"
    assert not failed or case.rules & set(failed), f"{case.why}; failed {failed}, not any of {sorted(case.rules)}"


def test_the_table_covers_what_it_should() -> None:
    assert len(CASES) >= 60
    assert len({case.identity for case in CASES}) == len(CASES)
    assert {case.verdict for case in CASES} == {"keep", "reject"}
    assert all(bool(case.rules) == (case.verdict == "reject") for case in CASES)
    assert all(set(aspects) <= {case.aspect for case in CASES} for aspects in NOT_COMPARED.values())


def test_a_wrong_verdict_counts_against_a_system_and_is_named() -> None:
    keep, reject = CASES[0], next(case for case in CASES if case.verdict == "reject")
    dolma = next(peer for peer in PEERS if peer.title == "dolma")
    asked = [
        (OURS, {keep.identity: "", reject.identity: "characters"}),
        (dolma, {keep.identity: "word_count", reject.identity: ""}),
    ]
    assert summary([keep, reject], asked)[-1][1:] == ("2/2", "0/2")
    listed = details([keep, reject], asked)
    assert "- word_count" in listed
    assert "+ |" in listed


def test_an_error_is_no_right_verdict() -> None:
    reject = next(case for case in CASES if case.verdict == "reject")
    assert is_right(reject, "too short")
    assert not is_right(reject, "error: ZeroDivisionError: division by zero")


def test_limits_of_our_recipe_are_not_held_against_others() -> None:
    house = next(case for case in CASES if case.house)
    assert compared(house, OURS)
    assert not any(compared(house, peer) for peer in PEERS if peer.title != "released rules")
