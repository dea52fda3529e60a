from __future__ import annotations

import hashlib
import pickle
import string
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup import exact
from neo_assets.dedup.exact import EARLIER_SCHEMA, TextDigests, exact_duplicates_sql
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.recipe.dedup import ExactSettings, Normalisation
from neo_assets_tests.dedup.relations import Documents, digested, documents, exact_verdicts, query, text_digest

NORMALISED = ExactSettings(text="normalised")
DOCUMENTS = st.dictionaries(
    st.text("0123456789", min_size=1, max_size=3), st.sampled_from(["a", "b", "c", ""]), max_size=12
)
RANKS = st.dictionaries(st.text("0123456789", min_size=1, max_size=3), st.sampled_from("123"))
CHARACTERS = st.sampled_from("aBé .,，中　\n😀") | st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])
TEXTS = st.lists(st.none() | st.text(CHARACTERS), max_size=8)


def digests(kernel: TextDigests, texts: list[str | None], kind: pa.DataType | None = None) -> list[str | None]:
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, kind or pa.string())})
    found = kernel(batch).column("text_digest")
    assert found.type == pa.string()
    return found.to_pylist()


def naive_reduced(text: str, normalisation: Normalisation) -> str:
    lowered = unicodedata.normalize("NFC", text).lower()
    if normalisation == "english":
        return " ".join("".join(c for c in lowered if c not in string.punctuation).split())
    unwanted = set(string.punctuation) | set("＄＋＜＝＞＾｀｜～")
    return "".join(
        c for c in lowered if not c.isspace() and c not in unwanted and not unicodedata.category(c).startswith("P")
    )


def test_digest_is_sha256_of_utf8() -> None:
    # sha256 of the empty text and of "abc": FIPS 180-4 example values
    assert text_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert text_digest("中") == hashlib.sha256("中".encode()).hexdigest()
    assert text_digest(None) is None


@given(TEXTS, st.integers(0, 4), st.sampled_from([pa.string(), pa.large_string()]))
def test_raw_digests_are_those_of_each_text_alone(texts: list[str | None], start: int, kind: pa.DataType) -> None:
    assert digests(TextDigests(), texts, kind) == [text_digest(text) for text in texts]
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, kind)}).slice(start)  # a view into a larger batch
    assert TextDigests()(batch).column("text_digest").to_pylist() == [text_digest(text) for text in texts[start:]]


@pytest.mark.parametrize("normalisation", ["english", "chinese"])
@settings(max_examples=50)
@given(TEXTS)
def test_normalised_digests_are_those_of_the_reduced_text(
    normalisation: Normalisation, texts: list[str | None]
) -> None:
    compared = [text and (naive_reduced(text, normalisation) or text) for text in texts]
    expected = [text_digest(text) for text in compared]
    assert digests(TextDigests(NORMALISED, normalisation), texts) == expected


def test_normalised_texts_with_nothing_left_are_not_all_one() -> None:
    kernel = TextDigests(NORMALISED, "english")
    found = digests(kernel, ["...", "!!!", "...", "", None, "Hello,  World", "hello world", "helloworld"])
    assert found[0] == found[2] != found[1]
    assert len({found[0], found[1], found[3], found[4]}) == 4
    assert found[5] == found[6] != found[7]
    assert digests(TextDigests(NORMALISED), ["Hello,"]) == digests(TextDigests(), ["Hello,"])  # normalisation: none
    assert pickle.loads(pickle.dumps(kernel)) == kernel  # noqa: S301


def test_normalised_digests_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str | None] = ["One, two", None, "three 中文 four" * 9, "", "ONE two", "."]
    whole = digests(TextDigests(NORMALISED, "english"), texts)
    monkeypatch.setattr(exact, "_CHUNK_BYTES", 8)
    assert digests(TextDigests(NORMALISED, "english"), texts) == whole


@given(DOCUMENTS, DOCUMENTS, RANKS)
def test_the_smallest_precedence_survives(texts: Documents, earlier: Documents, ranks: Documents) -> None:
    earlier = {doc_id: text for doc_id, text in earlier.items() if doc_id not in texts}
    everything = {**earlier, **texts}
    ranks = {doc_id: ranks.get(doc_id, "2") for doc_id in everything}
    for doc_id, row in exact_verdicts(texts, earlier, ranks).items():
        same = [other for other, text in everything.items() if text == texts[doc_id]]
        first = min(same, key=lambda other: (ranks[other], other))
        assert row["verdict"] == ("kept" if first == doc_id else "rejected")
        expected = (None, None, None) if first == doc_id else ("exact_duplicate", first, 1.0)
        assert (row["rule"], row["survivor"], row["similarity"]) == expected
        assert (row["reason"] is None) == (first == doc_id)


@settings(max_examples=20)
@given(DOCUMENTS, RANKS, st.data())
def test_partitions_of_any_kind_equal_all_at_once(texts: Documents, ranks: Documents, data: st.DataObject) -> None:
    ranks = {doc_id: ranks.get(doc_id, "2") for doc_id in texts}
    full = exact_verdicts(texts, {}, ranks)
    part = {doc_id: data.draw(st.sampled_from("xyz")) for doc_id in texts}
    shuffled = data.draw(st.permutations(sorted(texts)))
    for name in "xyz":
        own = {doc_id: texts[doc_id] for doc_id in shuffled if part[doc_id] == name}
        others = {doc_id: texts[doc_id] for doc_id in shuffled if part[doc_id] != name}
        assert exact_verdicts(own, others, ranks) == {doc_id: full[doc_id] for doc_id in own}


@settings(max_examples=20)
@given(DOCUMENTS, st.sets(st.integers(0, 11)))
def test_days_one_by_one_equal_all_at_once_and_again_changes_nothing(texts: Documents, cuts: set[int]) -> None:
    ids = sorted(texts)
    full = exact_verdicts(texts, {})
    seen: Documents = {}
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ids)], strict=True):
        day = {doc_id: texts[doc_id] for doc_id in ids[start:end]}
        verdicts = exact_verdicts(day, seen)
        assert verdicts == {doc_id: full[doc_id] for doc_id in day}
        seen |= {doc_id: text for doc_id, text in day.items() if verdicts[doc_id]["verdict"] == "kept"}
    assert all(row["verdict"] == "kept" for row in exact_verdicts(seen, {}).values())


def test_columns_and_types_are_those_of_the_contract() -> None:
    candidates = digested({"b": "x", "a": "x"})
    judged = query(exact_duplicates_sql(), candidates=candidates, earlier=EARLIER_SCHEMA.empty_table())
    assert judged.schema.names == [*candidates.schema.names, *(field.name for field in VERDICT_COLUMNS)]
    for field in VERDICT_COLUMNS:
        assert judged.schema.field(field.name).type == field.type
    assert judged.column("survivor").to_pylist() == [None, "a"]


def test_documents_without_text_are_kept() -> None:
    texts: dict[str, str] = {"a": None, "b": None}  # type: ignore[dict-item]
    earlier = digested({"0": ""}).select(EARLIER_SCHEMA.names)
    judged = query(exact_duplicates_sql(), candidates=digested(texts), earlier=earlier)
    assert judged.column("verdict").to_pylist() == ["kept", "kept"]
    assert documents(texts).column("text").null_count == 2
