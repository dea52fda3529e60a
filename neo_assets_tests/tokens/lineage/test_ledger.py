from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from neo_assets.lake.records import is_volatile
from neo_assets.tokens.lineage.ledger import LedgerError, check_ledger, concat_steps, ledger_of, ledger_totals
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.small_run import BATCH, N_CHUNKS, ROWS, SEQ, STEPS, Run, small_run, steps_of


@pytest.fixture(scope="module")
def run(documents: pa.Table, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(documents, tokenizer, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def steps(run: Run, tokenizer: Tokenizer) -> pa.Table:
    """A run with one broken loss, a spike that was rolled back, and two restarts."""
    eod = tokenizer.end_of_document_id
    tables = [
        steps_of(run, 0, eod, starts={i: 1 + (i >= 3) + (i >= 7) for i in range(STEPS)}),
        steps_of(run, 1, eod, skipped={20: "loss is not finite", 21: "loss is not finite", 30: "other"}),
        steps_of(run, 2, eod, rolled_back={40: 1, 41: 1}, skipped={42: "loss spike", 43: "near"}),
        steps_of(run, 3, eod),
        steps_of(run, 4, eod, skipped={0: "first", 17: "last"}),
    ]
    return concat_steps(reversed(tables))


def test_stretches_follow_outcomes_and_checkpoints(steps: pa.Table) -> None:
    rows = ledger_of(steps, SEQ).to_pylist()
    told = [
        (r["checkpoint"][-1], r["outcome"].removeprefix("skipped: "), r["first_step"], r["last_step"]) for r in rows
    ]
    assert told == [
        ("1", "applied", 0, 17),
        ("2", "applied", 18, 19),
        ("2", "loss is not finite", 20, 21),
        ("2", "applied", 22, 29),
        ("2", "other", 30, 30),
        ("2", "applied", 31, 35),
        ("3", "applied", 36, 39),
        ("3", "applied after a roll-back", 40, 41),
        ("3", "loss spike", 42, 42),
        ("3", "near", 43, 43),
        ("3", "applied", 44, 53),
        ("4", "applied", 54, 71),
        ("5", "first", 0, 0),
        ("5", "applied", 1, 16),
        ("5", "last", 17, 17),
    ]
    assert [(rows[i]["first_position"], rows[i]["last_position"]) for i in (2, 12)] == [
        (20 * BATCH, 22 * BATCH - 1),
        (4 * ROWS, 4 * ROWS + BATCH - 1),
    ]


def test_every_token_is_accounted_for(steps: pa.Table) -> None:
    ledger = ledger_of(steps, SEQ)
    check_ledger(ledger, N_CHUNKS * ROWS, SEQ)
    rows = steps.to_pylist()
    skipped = [r for r in rows if r["skipped"]]
    assert ledger_totals(ledger) == {
        "tokens planned": N_CHUNKS * ROWS * SEQ,
        "tokens read": N_CHUNKS * ROWS * SEQ,
        "tokens masked": sum(r["tokens_masked"] for r in rows),
        "tokens skipped": sum(r["tokens_read"] - r["tokens_masked"] for r in skipped),
        "tokens applied": sum(r["tokens_applied"] for r in rows),
        "tokens undone": 2 * BATCH * SEQ,
        "steps skipped": 7,
        "restarts": 2,
    }
    assert len(skipped) == 7


def test_starts_are_no_content(steps: pa.Table) -> None:
    schema = ledger_of(steps, SEQ).schema
    assert [field.name for field in schema if is_volatile(field)] == ["n_starts"]


def changed(steps: pa.Table, row: int, **values: object) -> pa.Table:
    rows = steps.to_pylist()
    rows[row] |= values
    return pa.Table.from_pylist(rows, schema=steps.schema)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: changed(s, 5, run="other"), "several runs: 0123456789ab, other"),
        (lambda s: s.slice(1), "position 0, step 0 is due"),
        (lambda s: s.slice(0, 80), "ends before position 400, the order of its checkpoints at 450"),
        (lambda s: pa.concat_tables([s.slice(0, 18), s.slice(36)]), "position 90, step 18 is due"),
        (lambda s: changed(s, 5, tokens_read=1), "tokens were read"),
        (lambda s: changed(s, 5, n_sequences=4), "tokens were read"),
        (lambda s: changed(s, 5, tokens_applied=3), "tokens are applied and"),
        (lambda s: changed(s, 20, tokens_applied=3), "3 tokens are applied"),
        (lambda s: changed(s, 5, tokens_masked=10**6), "are not the"),
        (lambda s: changed(s, 17, first_position=86), "positions hold"),
    ],
)
def test_what_is_not_accounted_for_is_found(
    steps: pa.Table, change: Callable[[pa.Table], pa.Table], reason: str
) -> None:
    with pytest.raises(LedgerError, match=reason):
        check_ledger(ledger_of(change(steps), SEQ), N_CHUNKS * ROWS, SEQ)
