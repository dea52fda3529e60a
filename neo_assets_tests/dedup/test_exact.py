from __future__ import annotations

import hashlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.exact import EARLIER_SCHEMA, TextDigests, exact_duplicates_sql, text_digest
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets_tests.dedup.relations import Documents, documents, exact_verdicts, mapped, query

DOCUMENTS = st.dictionaries(
    st.text("0123456789", min_size=1, max_size=3), st.sampled_from(["a", "b", "c", ""]), max_size=12
)


def test_digest_is_sha256_of_utf8() -> None:
    # sha256 of the empty text: FIPS 180-4 example values
    assert text_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text_digest("中") == hashlib.sha256("中".encode()).hexdigest()
    assert text_digest(None) is None


@given(DOCUMENTS, DOCUMENTS)
def test_the_smallest_id_survives(texts: Documents, earlier: Documents) -> None:
    earlier = {doc_id: text for doc_id, text in earlier.items() if doc_id not in texts}
    everything = {**earlier, **texts}
    for doc_id, row in exact_verdicts(texts, earlier).items():
        first = min(other for other, text in everything.items() if text == texts[doc_id])
        assert row["verdict"] == ("kept" if first == doc_id else "rejected")
        expected = (None, None, None) if first == doc_id else ("exact_duplicate", first, 1.0)
        assert (row["rule"], row["survivor"], row["similarity"]) == expected


@given(DOCUMENTS, st.sets(st.integers(0, 11)))
def test_days_one_by_one_equal_all_at_once(texts: Documents, cuts: set[int]) -> None:
    ids = sorted(texts)
    full = exact_verdicts(texts, {})
    seen: Documents = {}
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ids)], strict=True):
        day = {doc_id: texts[doc_id] for doc_id in ids[start:end]}
        if not day:
            continue
        verdicts = exact_verdicts(day, seen)
        assert verdicts == {doc_id: full[doc_id] for doc_id in day}
        seen |= {doc_id: text for doc_id, text in day.items() if verdicts[doc_id]["verdict"] == "kept"}


def test_columns_and_types_are_those_of_the_contract() -> None:
    candidates = mapped(documents({"b": "x", "a": "x"}), TextDigests())
    judged = query(exact_duplicates_sql(), candidates=candidates, earlier=EARLIER_SCHEMA.empty_table())
    assert judged.schema.names == ["doc_id", "url", "text", "text_digest", *(field.name for field in VERDICT_COLUMNS)]
    for field in VERDICT_COLUMNS:
        assert judged.schema.field(field.name).type == field.type
    assert judged.column("survivor").to_pylist() == [None, "a"]


def test_documents_without_text_are_kept() -> None:
    empty = pa.Table.from_pylist([{"doc_id": d, "url": None, "text": None} for d in "ab"], documents({}).schema)
    judged = query(
        exact_duplicates_sql(), candidates=mapped(empty, TextDigests()), earlier=EARLIER_SCHEMA.empty_table()
    )
    assert judged.column("verdict").to_pylist() == ["kept", "kept"]
