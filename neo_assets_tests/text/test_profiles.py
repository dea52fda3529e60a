"""Both profiles on the same documents: the sample, the joining of verdicts, and the counts by defect."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import DECISION_SCHEMA, with_verdicts
from neo_assets.recipe.limits import ChineseRules, RuleSets
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.profiles import compare_profiles, profile_report
from neo_assets.text.released_chinese import CHINESE_MEANINGS, AnnotateReleasedChinese
from neo_assets.text.released_english import ENGLISH_MEANINGS
from neo_assets.text.released_rules import BUGS, bug_of
from neo_assets.text.rules import chinese_rules, english_rules
from neo_assets_tests.text.batches import batch_of

BUG_KEYS = {bug.key for bug in BUGS}
SOURCE = SourceSettings(kind="crawl", licence="own")
GOOD = (
    "山谷里的农民从祖父母那一代起就养着山羊。没有人记得那座旧桥为什么漆成绿色，如今也很少有人问起。\n"
    "每年春天，孩子们沿着河边走去上学，数着站在湿石头中间的白鹭。小面包店天亮以前就开门了！"
)


def reason(*failures: tuple[str, str]) -> str:
    return json.dumps([{"rule": name, "number": number, "value": 1.5, "threshold": 0.5} for number, name in failures])


def row(
    doc_id: str,
    faithful: tuple[tuple[str, str], ...] | None = None,
    corrected: tuple[tuple[str, str], ...] | None = None,
) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "url": f"u{doc_id}",
        "faithful": "rejected" if faithful else "kept",
        "faithful_reason": reason(*faithful) if faithful else None,
        "corrected": "rejected" if corrected else "kept",
        "corrected_rule": corrected[0][1] if corrected else None,
        "corrected_reason": reason(*corrected) if corrected else None,
        "excerpt": "text",
    }


def batches_of(*rows: dict[str, Any]) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(list(rows)).to_batches()


def counts_of(report: Any, bug: str) -> dict[str, int]:
    found = next(entry for entry in report.bugs.to_pylist() if entry["bug"] == bug)
    return {name: count for name, count in found.items() if name not in ("bug", "title") and count}


DUPLICATE, TOP = ("B29", "duplicate_5gram"), ("B26", "top_2gram")
LOREM, LABEL = ("B13", "lorem_ipsum"), ("", "language_label")


def test_every_rule_of_the_released_sets_belongs_to_a_defect_or_is_the_same() -> None:
    generic = english_rules(SOURCE, RuleSets(), "faithful")
    same = {rule.number for rule in generic if bug_of(rule.number, rule.name) == "same"}
    assert same == {"B0", "B9"}
    redpajama = english_rules(SOURCE.model_copy(update={"rule_set": "redpajama"}), RuleSets(), "faithful")
    own = {rule.number for rule in redpajama if bug_of(rule.number, rule.name) != "same"}
    assert own == {"A6", "A9", "A32", *(f"A{n}" for n in range(34, 42)), ""}  # "" is the exception
    assert {rule.number for rule in chinese_rules(ChineseRules(), "faithful") if rule.number} == {
        "C1", "C2", *(f"C{n}" for n in range(4, 16)),
    }  # fmt: skip


def test_released_rules_read_what_the_kernels_append() -> None:
    known = {*ENGLISH_MEANINGS, *CHINESE_MEANINGS}
    rules = [*english_rules(SOURCE, RuleSets(), "faithful"), *chinese_rules(ChineseRules(), "faithful")]
    redpajama = english_rules(SOURCE.model_copy(update={"rule_set": "redpajama"}), RuleSets(), "faithful")
    released = {rule.signal for rule in (*rules, *redpajama) if rule.signal.startswith("released")}
    assert released <= known
    unread = {"released_a6", *(f"released_c{n}" for n in range(16, 25))}
    assert known - released == unread - released
    assert {rule.profile for rule in (*rules, *redpajama)} == {"faithful"}


def test_released_rules_take_the_recipes_limits_but_where_the_code_differs() -> None:
    changed = RuleSets.model_validate(
        {"generic": {"words": {"minimum": 7, "maximum": 9}, "lines": {"minimum": 3}, "bad_words": {"maximum": 0.5}}}
    )
    rules = {rule.number: rule for rule in english_rules(SOURCE, changed, "faithful")}
    assert (rules["B8"].minimum, rules["B8"].maximum) == (7, 9)
    assert rules["B11"].minimum == 1
    assert rules["B24"].maximum == 0
    assert rules["B13"].maximum == 3e-8 and rules["B13"].bounds == "exclusive"


def test_set_a_keeps_the_head_only() -> None:
    redpajama = english_rules(SOURCE.model_copy(update={"rule_set": "redpajama"}), RuleSets(), "faithful")
    bucket = next(rule for rule in redpajama if rule.number == "A9")
    assert bucket.test(pa.array([0, 1, 2, None]))[0].tolist() == [False, True, True, False]


def test_counts_by_defect() -> None:
    report = profile_report(
        batches_of(
            row("a"),
            row("b", corrected=(DUPLICATE, TOP)),  # defect 2 alone
            row("c", corrected=(DUPLICATE, LABEL)),
            row("d", faithful=(LOREM,)),
            row("e", faithful=(LOREM, DUPLICATE), corrected=(LOREM,)),
            row("f", faithful=(TOP,), corrected=(TOP,)),
        )
    )
    assert {entry["kept_by"]: entry["documents"] for entry in report.totals.to_pylist()} == {
        "both": 1, "only faithful": 2, "only corrected": 1, "neither": 2,
    }  # fmt: skip
    assert counts_of(report, "2") == {
        "fails_only_corrected": 2, "only_faithful_keeps": 2, "only_faithful_keeps_alone": 1, "fails_only_faithful": 1,
    }  # fmt: skip
    assert counts_of(report, "5") == {"fails_only_corrected": 1, "only_faithful_keeps": 1}
    assert counts_of(report, "units") == {
        "fails_only_faithful": 1, "only_corrected_keeps": 1, "only_corrected_keeps_alone": 1,
    }  # fmt: skip
    examples = [(entry["bug"], entry["kept_by"], entry["doc_id"]) for entry in report.examples.to_pylist()]
    assert examples == [
        ("2", "only faithful", "b"),  # the only defect first
        ("2", "only faithful", "c"),
        ("5", "only faithful", "c"),
        ("units", "only corrected", "d"),
    ]
    assert report.examples["fails"][0].as_py() == "B29 duplicate_5gram 1.5 (0.5), B26 top_2gram 1.5 (0.5)"
    assert report.plot().startswith(b"\x89PNG")


def test_reasons_in_words_name_the_stage_before_the_rules() -> None:
    turned_away = row("a", faithful=(LOREM,)) | {
        "corrected": "rejected", "corrected_rule": "language", "corrected_reason": "the language is en, not zh",
    }  # fmt: skip
    lost = row("b") | {"corrected": "quarantined", "corrected_rule": "too_large", "corrected_reason": "too long"}
    report = profile_report(batches_of(turned_away, turned_away | {"faithful": "kept"}, lost))
    assert counts_of(report, "5") == {
        "fails_only_corrected": 2, "only_faithful_keeps": 1, "only_faithful_keeps_alone": 1,
    }  # fmt: skip
    assert counts_of(report, "units") == {}  # the corrected rule was never tried
    assert counts_of(report, "added")["only_faithful_keeps_alone"] == 1


def test_examples_are_bounded_and_do_not_depend_on_order() -> None:
    rows = [row(f"d{i}", corrected=(DUPLICATE,)) for i in range(20)]
    forward, backward = profile_report(batches_of(*rows), 4), profile_report(batches_of(*reversed(rows)), 4)
    assert forward.examples.num_rows == 4
    assert forward.examples == backward.examples


FAILURES = st.lists(st.sampled_from([DUPLICATE, TOP, LOREM, LABEL, ("B9", "language")]), max_size=3, unique=True)


@given(st.lists(st.tuples(FAILURES, FAILURES), min_size=1, max_size=8))
def test_counts_are_naive(documents: list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]) -> None:
    rows = [row(f"d{i}", tuple(faithful), tuple(corrected)) for i, (faithful, corrected) in enumerate(documents)]
    report = profile_report(batches_of(*rows))
    assert sum(report.totals["documents"].to_pylist()) == len(documents)
    for bug in BUG_KEYS:
        losses = [{bug_of(*failure) for failure in corrected} for faithful, corrected in documents if not faithful]
        found = counts_of(report, bug)
        assert found.get("only_faithful_keeps", 0) == sum(bug in loss for loss in losses)
        assert found.get("only_faithful_keeps_alone", 0) == sum(loss == {bug} for loss in losses)


# --- through the engine ---


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class KeepShort:
    """Stands in for the corrected rules."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        short = pc.less(pc.utf8_length(batch.column("text")), 70)
        verdicts = ["kept" if keep else "rejected" for keep in short.to_pylist()]
        names = [None if keep else "characters" for keep in short.to_pylist()]
        reasons = [None if keep else reason(("C5", "characters")) for keep in short.to_pylist()]
        return with_verdicts(batch, verdict=verdicts, rule=names, reason=reasons)


def compared(tmp_path: Path, sample: int, max_chars: int = 1_000) -> list[dict[str, Any]]:
    documents = pa.Table.from_batches([batch_of(GOOD, GOOD[:60], "太短", None, GOOD + "english")])
    away = pa.Table.from_pylist(
        [
            {"doc_id": "d0003", "url": "u3", "verdict": "quarantined", "rule": "normalise", "reason": "no text"},
            {"doc_id": "d0004", "url": "u4", "verdict": "rejected", "rule": "language", "reason": "it is en, not zh"},
        ],
        DECISION_SCHEMA,
    )
    engine = LocalEngine(part_rows=2)
    faithful = (AnnotateReleasedChinese(), JudgeByRules(chinese_rules(ChineseRules(), "faithful")))
    relation: Relation = compare_profiles(
        engine,
        documents,
        away,
        documents.slice(0, 3),
        faithful=faithful,
        corrected=KeepShort(),
        sample_documents=sample,
        max_chars=max_chars,
    )
    writer = Lake(str(tmp_path)).writer("chinese/profiles", None)
    return writer.commit(Provenance(), engine.write(relation, writer, "rows")).read().to_pylist()


def test_both_verdicts_of_every_document(tmp_path: Path) -> None:
    rows = compared(tmp_path, sample=100)
    assert [(r["doc_id"], r["faithful"], r["corrected"], r["corrected_rule"]) for r in rows] == [
        ("d0000", "kept", "rejected", "characters"),
        ("d0001", "kept", "kept", None),
        ("d0002", "rejected", "kept", None),
        ("d0003", "rejected", "quarantined", "normalise"),
        ("d0004", "kept", "rejected", "language"),
    ]
    assert json.loads(rows[3]["faithful_reason"])[-1]["rule"] == "exception"
    assert rows[0]["excerpt"] == GOOD
    report = profile_report([pa.RecordBatch.from_pylist(rows)])
    assert {entry["kept_by"]: entry["documents"] for entry in report.totals.to_pylist()} == {
        "both": 1, "only faithful": 2, "only corrected": 1, "neither": 1,
    }  # fmt: skip


def test_the_sample_is_chosen_by_ids(tmp_path: Path) -> None:
    ranked = sorted((f"d{i:04}" for i in range(5)), key=_md5)
    rows = compared(tmp_path, sample=3)
    assert [entry["doc_id"] for entry in rows] == sorted(ranked[:3])


def test_too_long_documents_are_left_out(tmp_path: Path) -> None:
    assert [entry["doc_id"] for entry in compared(tmp_path, sample=100, max_chars=60)] == ["d0001", "d0002", "d0003"]
