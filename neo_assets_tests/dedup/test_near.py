from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.minhash import band_schema
from neo_assets.dedup.near import candidate_pairs_sql, near_duplicates_sql
from neo_assets.dedup.verification import PAIR_SCHEMA
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.recipe.dedup import NearSettings
from neo_assets_tests.dedup.relations import (
    Documents,
    beside,
    compared_pairs,
    documents,
    measured_pairs,
    near_verdicts,
    query,
)
from neo_assets_tests.dedup.test_shingles import naive_reduced, naive_shingles

CHINESE = NearSettings(normalisation="chinese")
EAGER = NearSettings(normalisation="english", num_permutations=64, bands=32, rows=2, shingle_chars=3, threshold=0.5)
"""Finds practically every pair above its threshold, so that the rule can be checked against all pairs."""

WORDS = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa"]
CORPORA = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=9).map(
    lambda texts: {f"d{i}": text for i, text in enumerate(texts)}
)


def naive_jaccard(one: str, two: str, chosen: NearSettings) -> float:
    a, b = (naive_shingles(naive_reduced(t, chosen.normalisation), chosen.shingle_chars) for t in (one, two))
    return len(a & b) / len(a | b) if a | b else 0.0


@settings(max_examples=20)
@given(CORPORA)
def test_the_rule_is_an_earlier_similar_document_removed_or_not(texts: Documents) -> None:
    verdicts = near_verdicts(texts, {}, EAGER)
    for doc_id, text in texts.items():
        similar = {other: naive_jaccard(text, texts[other], EAGER) for other in texts if other < doc_id}
        similar = {other: value for other, value in similar.items() if value >= EAGER.threshold}
        row = verdicts[doc_id]
        if row["verdict"] == "rejected":
            assert (row["rule"], row["threshold"]) == ("near_duplicate", EAGER.threshold)
            assert row["similarity"] == row["value"] == similar[row["survivor"]]
            assert row["reason"].startswith("met in band ")
        else:
            assert all(row[field.name] is None for field in VERDICT_COLUMNS[1:])
        certain = {other for other, value in similar.items() if value >= 0.7}  # missed with probability below 1e-8
        if certain:
            assert row["verdict"] == "rejected"
            assert row["survivor"] <= min(certain)


@settings(max_examples=15)
@given(CORPORA, st.sets(st.integers(0, 8), max_size=3))
def test_days_one_by_one_equal_all_at_once(texts: Documents, cuts: set[int]) -> None:
    ids = sorted(texts)
    cuts = {min(cut, len(ids)) for cut in cuts}
    full = near_verdicts(texts, {}, EAGER)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ids)], strict=True):
        day = {doc_id: texts[doc_id] for doc_id in ids[start:end]}
        if day:
            earlier = {doc_id: texts[doc_id] for doc_id in ids[:start]}
            assert near_verdicts(day, earlier, EAGER) == {doc_id: full[doc_id] for doc_id in day}


def test_other_partitions_with_greater_ids_do_no_harm() -> None:
    texts = {"a1": "alpha beta gamma", "b1": "alpha beta gamma", "a2": "omega", "b2": "omega"}
    full = near_verdicts(texts, {}, EAGER)
    for source in "ab":
        own = {doc_id: text for doc_id, text in texts.items() if doc_id.startswith(source)}
        others = {doc_id: text for doc_id, text in texts.items() if not doc_id.startswith(source)}
        assert near_verdicts(own, others, EAGER) == {doc_id: full[doc_id] for doc_id in own}


def chinese_text(seed: int, n_chars: int = 1200) -> str:
    return "".join(map(chr, np.random.default_rng(seed).integers(0x4E00, 0x5E00, n_chars)))


def test_chinese_near_duplicates() -> None:
    text = chinese_text(1)
    edited = text[:600] + "改" + text[601:]
    texts = {
        "day1:a": text,
        "day1:b": chinese_text(2),
        "day2:edited": edited,
        "day2:marks": "，".join(text[i : i + 9] for i in range(0, len(text), 9)),
        "day2:half": text[:600] + chinese_text(3, 600),
    }
    verdicts = near_verdicts(texts, {}, CHINESE)
    assert {doc_id for doc_id, row in verdicts.items() if row["verdict"] == "rejected"} == {"day2:edited", "day2:marks"}
    assert verdicts["day2:edited"]["similarity"] == pytest.approx(naive_jaccard(text, edited, CHINESE))
    assert verdicts["day2:marks"]["similarity"] == 1.0
    assert verdicts["day2:marks"]["survivor"] == "day1:a"


def test_short_and_empty_texts_collapse_only_when_equal() -> None:
    texts = {"a": "短文", "b": "短文。", "c": "短句", "d": "……", "e": "！"}
    verdicts = near_verdicts(texts, {}, CHINESE)
    assert {doc_id: row["survivor"] for doc_id, row in verdicts.items()} == dict.fromkeys("acde") | {"b": "a"}


def test_published_short_texts_collapse() -> None:
    texts = {"a": "短文", "b": "……", "c": "", "d": chinese_text(4), "e": "完全不同的短文"}
    for verify in ("jaccard", "containment", "nothing"):
        chosen = CHINESE.model_copy(update={"short_texts_alike": True, "verify": verify})
        verdicts = near_verdicts(texts | {"f": None}, {}, chosen)  # type: ignore[dict-item]
        assert {d: row["survivor"] for d, row in verdicts.items()} == dict.fromkeys("adf") | dict.fromkeys("bce", "a")
        assert verdicts["b"]["similarity"] == (None if verify == "nothing" else 1.0)


def test_nothing_verified_takes_every_pair_that_met() -> None:
    text = chinese_text(5)
    texts = {f"d{i}": text[: 1200 - 40 * i] for i in range(8)}
    chosen = CHINESE.model_copy(update={"verify": "nothing", "threshold": 1.0})
    pairs = compared_pairs(texts, {}, chosen).to_pylist()
    verdicts = near_verdicts(texts, {}, chosen)
    assert 0 < len(pairs) < 28
    assert {d for d, row in verdicts.items() if row["verdict"] == "rejected"} == {p["precedence"] for p in pairs}
    firsts = {d: min(p["other"] for p in pairs if p["precedence"] == d) for d in {p["precedence"] for p in pairs}}
    for doc_id, survivor in firsts.items():
        row = verdicts[doc_id]
        assert (row["survivor"], row["similarity"], row["value"], row["threshold"]) == (survivor, None, None, None)
        assert row["reason"].startswith("met in band ")


def test_pairs_below_the_threshold_are_kept_for_the_report() -> None:
    texts = {"a": "alpha beta gamma", "b": "alpha beta omega", "c": "kappa"}
    (pair,) = compared_pairs(texts, {}, EAGER.model_copy(update={"threshold": 0.9})).to_pylist()
    assert (pair["precedence"], pair["other"]) == ("b", "a")
    assert pair["similarity"] == naive_jaccard(texts["a"], texts["b"], EAGER) < 0.9


@settings(max_examples=15)
@given(CORPORA)
def test_run_again_on_what_was_kept_it_removes_nothing(texts: Documents) -> None:
    kept = {d: texts[d] for d, row in near_verdicts(texts, {}, EAGER).items() if row["verdict"] == "kept"}
    assert {row["verdict"] for row in near_verdicts(kept, {}, EAGER).values()} == {"kept"}


def test_where_a_bucket_is_larger_than_the_limit_a_second_run_looks_at_others() -> None:
    one = NearSettings(normalisation="english", partners_per_bucket=1)

    def pairs(own: str, others: str) -> list[tuple[str, str, int]]:
        own_bands, other_bands = (
            pa.Table.from_pylist(
                # Alike in bands 2 and 4 only.
                [
                    {"precedence": d} | {f"band_{band}": 7 if band in (2, 4) else ord(d) for band in range(9)}
                    for d in ids
                ],
                band_schema(one),
            )
            for ids in (own, others)
        )
        rows = query(candidate_pairs_sql(one), own_bands=own_bands, other_bands=other_bands)
        assert rows.schema.equals(PAIR_SCHEMA)
        return [(row["precedence"], row["other"], row["band"]) for row in rows.to_pylist()]

    assert pairs("abc", "") == pairs("bc", "a") == [("b", "a", 2), ("c", "a", 2)]
    assert pairs("c", "abd") == [("c", "a", 2)]
    assert pairs("bc", "") == [("c", "b", 2)]


def test_a_large_bucket_gives_few_pairs_and_the_same_verdicts() -> None:
    texts = {f"d{i:03}": "the same text in every document of the bucket" for i in range(60)}
    few = CHINESE.model_copy(update={"partners_per_bucket": 2})
    assert {row["survivor"] for row in near_verdicts(texts, {}, few).values()} == {None, "d000"}


def test_the_smallest_similar_id_is_the_survivor() -> None:
    pairs = measured_pairs([("c", "b", 0, 0.99), ("c", "a", 3, 0.8), ("d", "a", 1, 0.79)])
    judged = beside(documents(dict.fromkeys("abcd", "x")), query(near_duplicates_sql(CHINESE), pairs=pairs))
    rows = {row["doc_id"]: row for row in judged.to_pylist()}
    assert (rows["c"]["survivor"], rows["c"]["similarity"], rows["c"]["reason"]) == ("a", 0.8, "met in band 3 of 9")
    assert [rows[doc_id]["verdict"] for doc_id in "abd"] == ["kept"] * 3
    for field in VERDICT_COLUMNS:
        assert judged.schema.field(field.name).type == field.type
