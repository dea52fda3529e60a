"""The whole method against the rule in its plainest form."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neo_assets.dedup.anchors import ANCHOR_SCHEMA, Anchors
from neo_assets.dedup.cuts import SUBSTRING_CUTS, left
from neo_assets.dedup.judge_substrings import judged_by, windows_of
from neo_assets.dedup.whole_characters import continuing, shrink_spans
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.recipe.dedup import SubstringSettings
from neo_assets_tests.dedup.naive_cuts import Cut, merged
from neo_assets_tests.dedup.substring_engine import InMemory

SCHEMA = pa.schema([(name, pa.string()) for name in ("doc_id", "precedence", "url", "text")])
DEFAULT = SubstringSettings()

Texts = dict[str, str]
Rows = dict[str, dict[str, Any]]


def whole_characters(text: str, cuts: list[Cut]) -> list[Cut]:
    """Characters one by one: a cut character is kept after all if it would leave its marks, or is a mark that stays."""
    cut = {place: c.survivor for c in cuts for place in range(c.start, c.end)}
    for place in range(1, len(text)):  # marks at the begin of a cut stay with what they stand on
        if place - 1 not in cut and place in cut and goes_on(text, place):
            del cut[place]
    for place in range(len(text) - 1, 0, -1):  # what marks that stay stand on stays
        if place in cut or not goes_on(text, place):
            continue
        at = place - 1
        while at in cut:
            del cut[at]
            if at == 0 or not goes_on(text, at):
                break
            at -= 1
    return merged(Cut(place, place + 1, survivor) for place, survivor in cut.items())


def goes_on(text: str, place: int) -> bool:
    one = text[place]
    mark = unicodedata.combining(one) or one in "\u200d\ufe0f"
    return bool(mark or (text[place - 1] == "\u200d" and one >= "\u0300"))


def shrunk(text: str, cuts: list[Cut]) -> list[Cut]:
    names = sorted({cut.survivor for cut in cuts})
    spans = np.array([[c.start, c.end, names.index(c.survivor)] for c in cuts], np.int64).reshape(-1, 3).T.copy()
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    size = shrink_spans(points, spans, 0, len(cuts), continuing())
    return [Cut(start, end, names[which]) for start, end, which in spans[:, :size].T.tolist()]


def naive_windows(texts: Texts, chosen: SubstringSettings) -> dict[str, dict[int, str]]:
    """Of each document the windows that are deleted, with the document of their first occurrence."""
    first: dict[str, str] = {}
    deleted: dict[str, dict[int, str]] = {}
    for doc_id in sorted(texts):
        text, found = texts[doc_id], deleted.setdefault(doc_id, {})
        for offset in range(len(text) - chosen.window_chars + 1 - chosen.skip_last_window):
            window = text[offset : offset + chosen.window_chars]
            if window in first:
                found[offset] = first[window]
            else:
                first[window] = doc_id
    return deleted


def naive_cuts(texts: Texts, chosen: SubstringSettings) -> dict[str, list[Cut]]:
    return {
        doc_id: whole_characters(texts[doc_id], merged(Cut(at, at + chosen.window_chars, s) for at, s in found.items()))
        for doc_id, found in naive_windows(texts, chosen).items()
    }


def table(texts: Texts) -> pa.Table:
    return pa.Table.from_pylist(
        [{"doc_id": d, "precedence": d, "url": f"u/{d}", "text": text} for d, text in texts.items()], SCHEMA
    )


def rows_of(
    texts: Texts, chosen: SubstringSettings, parts: list[list[str]] | None = None, batch_rows: int = 1_000
) -> Rows:
    """All documents judged, in partitions that are lists of doc_ids, as the platform does it."""
    return judged_rows([table({d: texts[d] for d in part}) for part in parts or [list(texts)]], chosen, batch_rows)


def judged_rows(documents: list[pa.Table], chosen: SubstringSettings, batch_rows: int = 1_000) -> Rows:
    engine = InMemory(batch_rows)
    anchors = [engine.map(own, Anchors(chosen)) for own in documents]
    assert all(own.schema == ANCHOR_SCHEMA for own in anchors)
    index = pa.concat_tables(anchors)
    windows = pa.concat_tables(
        windows_of(engine, own, index, runs, chosen) for own, runs in zip(documents, anchors, strict=True)
    )
    found: Rows = {}
    for own, runs in zip(documents, anchors, strict=True):
        judged = judged_by(engine, own, runs, windows, chosen)
        assert judged.column_names == [*SCHEMA.names, SUBSTRING_CUTS, *(field.name for field in VERDICT_COLUMNS)]
        assert judged["doc_id"].to_pylist() == sorted(own["doc_id"].to_pylist())
        found |= {row["doc_id"]: row for row in judged.to_pylist()}
    return found


def cuts_of(rows: Rows) -> dict[str, list[Cut]]:
    return {doc_id: [Cut(**cut) for cut in row[SUBSTRING_CUTS]] for doc_id, row in rows.items()}


@st.composite
def settings_(draw: st.DrawFn) -> SubstringSettings:
    window = draw(st.integers(8, 12))
    return SubstringSettings(
        window_chars=window,
        anchor_chars=draw(st.integers(4, window)),
        skip_last_window=draw(st.booleans()),
        min_document_chars=draw(st.sampled_from([0, 5])),
    )


@st.composite
def corpora(draw: st.DrawFn) -> Texts:
    """Few letters, passages that come again whole or in part, and stretches of one short period."""
    letters = draw(st.sampled_from(["a", "ab", "abc", "a\u0301界e"]))
    pieces = draw(st.lists(st.text(letters, max_size=40), min_size=1, max_size=4))
    periodic = st.builds(lambda unit, n: unit * n, st.text(letters, min_size=1, max_size=4), st.integers(0, 30))
    part = st.builds(lambda piece, i, j: piece[i:j], st.sampled_from(pieces), st.integers(0, 9), st.integers(5, 40))
    text = st.lists(st.one_of(part, periodic, st.text("abcdefgh", max_size=12)), max_size=6).map("".join)
    texts = draw(st.lists(text, min_size=1, max_size=6))
    names = draw(st.permutations([f"s{i % 2}:{i:02}" for i in range(len(texts))]))
    return dict(zip(names, texts, strict=True))


@settings(max_examples=50, deadline=None)
@given(corpora(), settings_())
@example({"a": "a" * 60, "b": "a" * 30 + "b"}, SubstringSettings(window_chars=8, anchor_chars=4))
@example({"a": "abcab" * 9, "b": "xabcab" * 5}, SubstringSettings(window_chars=12, anchor_chars=4))
def test_the_cuts_are_those_of_the_rule(texts: Texts, chosen: SubstringSettings) -> None:
    rows = rows_of(texts, chosen)
    expected = naive_cuts(texts, chosen)
    assert cuts_of(rows) == expected
    for doc_id, row in rows.items():
        rest = left(texts[doc_id], [(cut.start, cut.end) for cut in expected[doc_id]])
        short = len(rest) < chosen.min_document_chars
        assert (row["text"], row["url"]) == (rest, f"u/{doc_id}")
        assert row["verdict"] == ("rejected" if short else "kept")
        assert row["rule"] == ("short_after_substrings" if short else None)
        assert row["survivor"] == (expected[doc_id][0].survivor if short and expected[doc_id] else None)


@settings(max_examples=15, deadline=None)
@given(corpora(), settings_(), st.lists(st.integers(0, 2), min_size=6, max_size=6), st.integers(1, 4))
def test_partitions_and_batches_change_nothing(
    texts: Texts, chosen: SubstringSettings, places: list[int], batch_rows: int
) -> None:
    parts = [[d for d, place in zip(texts, places, strict=False) if place == p] for p in range(3)]
    assert rows_of(texts, chosen, parts, batch_rows) == rows_of(texts, chosen)


@settings(max_examples=20, deadline=None)
@given(corpora(), settings_())
def test_every_cut_character_leads_to_one_that_was_kept(texts: Texts, chosen: SubstringSettings) -> None:
    cuts = cuts_of(rows_of(texts, chosen))
    first: dict[str, tuple[str, int]] = {}
    for doc_id in sorted(texts):
        for offset in range(len(texts[doc_id]) - chosen.window_chars + 1 - chosen.skip_last_window):
            first.setdefault(texts[doc_id][offset : offset + chosen.window_chars], (doc_id, offset))
    deleted = naive_windows(texts, chosen)
    for doc_id, found in cuts.items():
        for place in (place for cut in found for place in range(cut.start, cut.end)):
            at, steps = (doc_id, place), 0
            while any(cut.start <= at[1] < cut.end for cut in cuts[at[0]]):
                offset = next(o for o in deleted[at[0]] if o <= at[1] < o + chosen.window_chars)
                window = texts[at[0]][offset : offset + chosen.window_chars]
                origin, start = first[window]
                following = (origin, start + at[1] - offset)
                assert following < at
                assert texts[origin][following[1]] == texts[doc_id][place]
                at, steps = following, steps + 1
            assert steps > 0


def test_two_documents_that_share_exactly_fifty_characters() -> None:
    # spec: the copy in one of them is removed; what is left, if under 20 characters, is dropped
    shared = "".join(chr(ord("A") + i) for i in range(50))
    texts = {"a": f"first {shared} document", "b": f"the second one {shared} goes on", "c": f"third {shared} x"}
    rows = rows_of(texts, DEFAULT)
    assert [rows[d]["verdict"] for d in "abc"] == ["kept", "kept", "rejected"]
    assert rows["a"]["text"] == texts["a"]
    cut = next(iter(rows["b"][SUBSTRING_CUTS]))
    # the blanks around the passage are shared as well
    assert cut == {"start": 14, "end": 14 + 52, "survivor": "a"}
    assert rows["b"]["text"] == "the second onegoes on"
    assert (rows["c"]["rule"], rows["c"]["value"], rows["c"]["threshold"], rows["c"]["survivor"]) == (
        "short_after_substrings",
        6.0,
        20.0,
        "a",
    )
    apart = rows_of({"a": f"1{shared}1", "b": f"enough is left to stay {shared[:-1]}"}, DEFAULT)
    assert apart["b"][SUBSTRING_CUTS] == []


def test_the_released_code_never_looks_at_the_last_window() -> None:
    shared = "".join(chr(ord("A") + i) for i in range(50))
    texts = {"a": f"{shared} first", "b": f"enough is left to stay {shared}"}
    released = SubstringSettings(skip_last_window=True)
    assert rows_of(texts, released)["b"][SUBSTRING_CUTS] == []
    assert len(rows_of(texts, DEFAULT)["b"][SUBSTRING_CUTS]) == 1
    assert rows_of({"a": shared, "b": shared}, released)["b"]["verdict"] == "kept"  # 50 characters: untouched


def test_repeats_within_a_document_go_too() -> None:
    line = "This sentence is a little longer than fifty characters."
    rows = rows_of({"a": "\n".join(["Start of it all, it is.", line, "between", line])}, DEFAULT)
    assert rows["a"]["text"] == f"Start of it all, it is.\n{line}\nbetween"
    assert [cut["survivor"] for cut in rows["a"][SUBSTRING_CUTS]] == ["a"]


def test_what_the_second_run_cuts_met_only_after_the_first() -> None:
    one, two, three = ("".join(chr(ord(first) + i) for i in range(25)) for first in "Aaα")
    middle = "0123456789" * 3 + three
    texts = {"a": f"{middle} is here", "b": f"x {one}{two} y", "c": f"some more text {one}{middle}{two}"}
    once = rows_of(texts, DEFAULT)
    again = rows_of({doc_id: row["text"] for doc_id, row in once.items()}, DEFAULT)
    assert once["c"]["text"] == f"some more text {one}{two}"
    assert again["c"]["text"] == "some more text"[: len(again["c"]["text"])]
    third = rows_of({doc_id: row["text"] for doc_id, row in again.items()}, DEFAULT)
    assert {d: row["text"] for d, row in third.items()} == {d: row["text"] for d, row in again.items()}


@pytest.mark.parametrize("texts", [{}, {"a": ""}, {"a": "x", "b": "x"}, {"a": "a" * 49, "b": "a" * 49}])
def test_nothing_to_compare(texts: Texts) -> None:
    rows = rows_of(texts, SubstringSettings(min_document_chars=0))
    assert {d: row["text"] for d, row in rows.items()} == texts
    assert all(row["verdict"] == "kept" for row in rows.values())


def test_a_document_of_one_character_a_million_times_and_its_copy() -> None:
    texts = {"a": "a" * 1_000_000, "b": "ab" * 500_000, "c": "ab" * 500_000 + "c"}
    rows = rows_of(texts, DEFAULT)
    assert cuts_of(rows) == {
        "a": [Cut(1, 1_000_000, "a")],
        "b": [Cut(2, 1_000_000, "b")],
        "c": [Cut(0, 1_000_000, "b")],
    }


def test_a_document_without_text_is_quarantined() -> None:
    missing = {"doc_id": "b", "precedence": "b", "url": None, "text": None}
    rows = [*table({"a": "a text long enough to stay"}).to_pylist(), missing]
    judged = judged_rows([pa.Table.from_pylist(rows, SCHEMA)], DEFAULT)
    assert [row["verdict"] for row in judged.values()] == ["kept", "quarantined"]


def test_cuts_do_not_tear_marks_from_their_letters() -> None:
    text = "ae\u0301\u0302bc"
    assert shrunk(text, [Cut(0, 2, "s")]) == [Cut(0, 1, "s")]
    assert shrunk(text, [Cut(0, 3, "s"), Cut(3, 4, "t")]) == [Cut(0, 3, "s"), Cut(3, 4, "t")]
    assert shrunk(text, [Cut(2, 5, "s")]) == [Cut(4, 5, "s")]
    assert shrunk(text, [Cut(2, 3, "s")]) == []
    assert shrunk("x👩\u200d🚀y", [Cut(0, 2, "s")]) == [Cut(0, 1, "s")]
    assert shrunk("x👩\u200d🚀y", [Cut(3, 5, "s")]) == [Cut(4, 5, "s")]
    assert shrunk("\u0301a", [Cut(0, 1, "s")]) == [Cut(0, 1, "s")]


@settings(max_examples=200)
@given(st.text("ae\u0301\ufe0f\u200d👩", max_size=20), st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6))))
def test_kept_text_never_begins_with_a_mark_after_a_cut(text: str, spans: list[tuple[int, int]]) -> None:
    given_ = merged(Cut(at, min(at + n, len(text)), "s") for at, n in spans)
    found = shrunk(text, given_)
    assert found == whole_characters(text, given_)
    inside = {place for cut in given_ for place in range(cut.start, cut.end)}
    assert {place for cut in found for place in range(cut.start, cut.end)} <= inside
    for cut in found:
        assert cut.end == len(text) or not unicodedata.combining(text[cut.end])
        assert cut.start == 0 or not unicodedata.combining(text[cut.start])
