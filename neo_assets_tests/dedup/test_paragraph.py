from __future__ import annotations

import hashlib
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.blake2b import digests
from neo_assets.dedup.cuts import PARAGRAPH_CUTS, left
from neo_assets.dedup.judge_paragraphs import repeated_paragraphs_sql
from neo_assets.dedup.paragraph import PARAGRAPH_SCHEMA, ParagraphCuts, ParagraphRows
from neo_assets.recipe.dedup import ParagraphSettings
from neo_assets_tests.dedup.relations import attached, mapped, query

SCHEMA = pa.schema([(name, pa.string()) for name in ("doc_id", "precedence", "url", "text")])
FAITHFUL = ParagraphSettings(exempt_chars=0, min_document_chars=0)
SETTINGS = st.builds(ParagraphSettings, exempt_chars=st.integers(0, 4), min_document_chars=st.integers(0, 5))
# All that `str.splitlines` would split at, all kinds of whitespace, one to four bytes of UTF-8.
PARAGRAPHS = st.sampled_from(
    ["", " ", "a", "ab", "ab ", "abc", "長い段落", "𠮷𠮷𠮷", "\u3000 ab\u2028", "a\rb", "a\x85b\x0b"]
)
TEXTS = st.lists(PARAGRAPHS, max_size=7).map("\n".join) | st.none() | st.text("a\n\r\x85\u2029 é", max_size=8)
CORPORA = st.lists(TEXTS, min_size=1, max_size=6)

Texts = list[str | None]


def table(texts: Texts) -> pa.Table:
    """Documents d0, d1, … whose precedence is the reverse of their doc_id's order."""
    n = len(texts)
    rows = [
        {"doc_id": f"d{i}", "precedence": f"{n - i:03} x/d{i}", "url": f"u/{i}", "text": text}
        for i, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def key_of(paragraph: str) -> bytes:
    return hashlib.blake2b(paragraph.encode(), digest_size=16).digest()


def run(documents: pa.Table, chosen: ParagraphSettings, other: pa.Table | None = None) -> pa.Table:
    """The documents judged beside `other` ones, as `judge_paragraphs` does it."""
    own = mapped(documents, ParagraphRows(chosen))
    paragraphs = own if other is None else pa.concat_tables([mapped(other, ParagraphRows(chosen)), own])
    found = query(repeated_paragraphs_sql(), own=own, paragraphs=paragraphs)
    return mapped(attached(documents, found), ParagraphCuts(chosen))


def naive(documents: pa.Table, chosen: ParagraphSettings) -> dict[str, tuple[str | None, list[str]]]:
    """What is left of each document, and the survivors of its cut paragraphs."""
    seen: dict[str, str] = {}
    out: dict[str, tuple[str | None, list[str]]] = {}
    for row in sorted(documents.to_pylist(), key=lambda row: row["precedence"]):
        if row["text"] is None:
            out[row["doc_id"]] = (None, [])
            continue
        stay, survivors = [], []
        for paragraph in row["text"].split("\n"):
            exempt = len(paragraph.strip()) < chosen.exempt_chars
            if exempt or paragraph not in seen:
                stay.append(paragraph)
            else:
                survivors.append(seen[paragraph])
            if not exempt:
                seen.setdefault(paragraph, row["doc_id"])
        out[row["doc_id"]] = ("\n".join(stay), survivors)
    return out


@settings(max_examples=60, deadline=None)
@given(CORPORA, SETTINGS)
def test_the_first_occurrence_stays(texts: Texts, chosen: ParagraphSettings) -> None:
    documents = table(texts)
    expected = naive(documents, chosen)
    out = run(documents, chosen)
    assert out.column("doc_id").to_pylist() == sorted(expected)
    for row, text in zip(out.to_pylist(), texts, strict=True):
        remaining, survivors = expected[row["doc_id"]]
        cuts = row[PARAGRAPH_CUTS]
        assert row["text"] == remaining
        assert row["url"] == f"u/{row['doc_id'][1:]}"
        if text is None:
            assert (row["verdict"], cuts) == ("quarantined", [])
            continue
        assert left(text, [(cut["start"], cut["end"]) for cut in cuts]) == remaining
        ends = [0, *(cut["end"] for cut in cuts)]
        assert all(end <= cut["start"] < cut["end"] for end, cut in zip(ends, cuts, strict=False))
        found = [cut["survivor"] for cut in cuts]
        if len(found) < len(survivors):  # a cut empty paragraph may be the whole text, or its very end
            assert found == survivors[:-1] and not text.split("\n")[-1]
        else:
            assert found == survivors
        assert row["verdict"] == ("rejected" if len(remaining or "") < chosen.min_document_chars else "kept")


@settings(max_examples=30, deadline=None)
@given(CORPORA, SETTINGS, st.integers(0, 6))
def test_partitions_one_by_one_equal_all_at_once(texts: Texts, chosen: ParagraphSettings, at: int) -> None:
    documents = table(texts)
    full = {row["doc_id"]: row for row in run(documents, chosen).to_pylist()}
    parts = [part for part in (documents.slice(0, at), documents.slice(at)) if part.num_rows]
    for part, other in zip(parts, reversed(parts), strict=True):
        out = run(part, chosen, other if len(parts) > 1 else None)
        assert out.to_pylist() == [full[doc_id] for doc_id in part.column("doc_id").to_pylist()]


@settings(max_examples=20, deadline=None)
@given(CORPORA, st.randoms(use_true_random=False), SETTINGS)
def test_input_order_does_not_matter(texts: Texts, random: Any, chosen: ParagraphSettings) -> None:
    documents = table(texts)
    order = list(range(len(texts)))
    random.shuffle(order)
    assert run(documents.take(pa.array(order, pa.int64())), chosen).equals(run(documents, chosen))


@settings(max_examples=60, deadline=None)
@given(CORPORA, st.builds(ParagraphSettings, exempt_chars=st.integers(0, 4), min_document_chars=st.integers(1, 5)))
def test_a_second_run_changes_nothing(texts: Texts, chosen: ParagraphSettings) -> None:
    once = run(table(texts), chosen)
    kept = once.filter(pa.array([verdict == "kept" for verdict in once.column("verdict").to_pylist()], pa.bool_()))
    kept = kept.select(SCHEMA.names)
    twice = run(kept, chosen)
    assert twice.select(SCHEMA.names).equals(kept)
    assert set(twice.column("verdict").to_pylist()) <= {"kept"}


@settings(max_examples=60, deadline=None)
@given(CORPORA, st.integers(0, 4), st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_rows_do_not_depend_on_batches(texts: Texts, exempt: int, at: int, kind: pa.DataType) -> None:
    kernel = pickle.loads(pickle.dumps(ParagraphRows(ParagraphSettings(exempt_chars=exempt))))  # noqa: S301
    documents = table(texts)
    documents = documents.set_column(3, "text", documents.column("text").cast(kind))
    batch = documents.to_batches()[0]
    rows = kernel(batch).to_pylist()
    assert rows == [row for part in (batch.slice(0, at), batch.slice(at)) for row in kernel(part).to_pylist()]
    assert rows == [
        {"precedence": row["precedence"], "position": position, "key": key_of(p)}
        for row in documents.to_pylist()
        if row["text"] is not None
        for position, p in enumerate(row["text"].split("\n"))
        if len(p.strip()) >= exempt
    ]


def test_every_whitespace_character_is_stripped_as_python_does() -> None:
    characters = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    spaces = [c for c in characters if c.isspace()]
    near = {chr(ord(c) + d) for c in spaces for d in (-1, 1) if ord(c) + d >= 0} - {"\n"}
    texts = [c + "a" + c + "b" + c for c in sorted({*spaces, *near}) if c != "\n"]
    for exempt in (3, 4, 5, 6):
        rows = mapped(table(list(texts)), ParagraphRows(ParagraphSettings(exempt_chars=exempt)))
        expected = [row["precedence"] for row in table(list(texts)).to_pylist() if len(row["text"].strip()) >= exempt]
        assert rows.column("precedence").to_pylist() == expected


def test_a_huge_document_and_no_documents() -> None:
    lines = [f"line {i % 5000} of a long document" for i in range(20_000)]
    out = run(table(["\n".join(lines)]), ParagraphSettings()).to_pylist()[0]
    assert out["text"] == "\n".join(lines[:5000])
    assert len(out[PARAGRAPH_CUTS]) == 15_000
    assert {cut["survivor"] for cut in out[PARAGRAPH_CUTS]} == {"d0"}
    empty = run(SCHEMA.empty_table(), FAITHFUL)
    assert empty.num_rows == 0
    assert empty.schema == run(table(["a"]), FAITHFUL).schema
    assert mapped(SCHEMA.empty_table(), ParagraphRows(FAITHFUL)).schema == PARAGRAPH_SCHEMA


def test_blank_lines_go_only_in_the_faithful_profile() -> None:
    text = "one paragraph of the text\n\nanother paragraph of the text\n\nthe last paragraph of the text"
    assert run(table([text]), ParagraphSettings()).to_pylist()[0]["text"] == text
    assert run(table([text]), FAITHFUL).to_pylist()[0]["text"] == (
        "one paragraph of the text\n\nanother paragraph of the text\nthe last paragraph of the text"
    )


@given(st.binary(max_size=600), st.integers(0, 20))
def test_digests_are_those_of_hashlib(data: bytes, start: int) -> None:
    start = min(start, len(data))
    found = digests(np.frombuffer(data, np.uint8), np.array([start, 0]), np.array([len(data), start]))
    assert found[0].tobytes() == hashlib.blake2b(data[start:], digest_size=16).digest()
    assert found[1].tobytes() == hashlib.blake2b(data[:start], digest_size=16).digest()
