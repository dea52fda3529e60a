from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.anchors import ANCHOR_SCHEMA, Anchors, Runs, Texts, runs_of
from neo_assets.dedup.anchors import texts_of as texts_of_array
from neo_assets.dedup.run_rows import RunRows
from neo_assets.recipe.dedup import SubstringSettings

SMALL = SubstringSettings(window_chars=8, anchor_chars=4)
TEXTS = st.lists(st.text("ab界", max_size=60), max_size=6)


def texts_of(texts: list[str | None] | list[str]) -> Texts:
    return texts_of_array(pa.array(texts, pa.string()))


def listed(runs: Runs, text: int) -> list[tuple[int, int, int, int, int]]:
    low, high = runs.offsets[text], runs.offsets[text + 1]
    return [tuple(int(column[i]) for column in runs[1:]) for i in range(low, high)]  # type: ignore[misc]


@settings(max_examples=100)
@given(TEXTS, st.integers(8, 12), st.integers(4, 12), st.booleans())
def test_runs_and_their_copies_cover_every_window_once(texts: list[str], window: int, k: int, skip: bool) -> None:
    chosen = SubstringSettings(window_chars=window, anchor_chars=min(k, window), skip_last_window=skip)
    runs = runs_of(texts_of(texts), chosen)
    for i, text in enumerate(texts):
        place = 0
        for start, windows, copies, _, _ in listed(runs, i):
            assert start == place
            assert 1 <= windows <= window - chosen.anchor_chars + 1
            for copy in range(copies + 1):  # a copy's windows are those of the run
                for shift in range(windows):
                    first, at = start + shift, start + copy * windows + shift
                    assert text[at : at + window] == text[first : first + window]
            place = start + windows * (copies + 1)
        assert place == max(len(text) - window + 1 - skip, 0)


@settings(max_examples=100)
@given(TEXTS)
def test_equal_windows_have_equal_anchors_and_equal_contents_equal_windows(texts: list[str]) -> None:
    runs = runs_of(texts_of(texts), SMALL)
    anchors: dict[str, int] = {}
    contents: dict[tuple[int, int], str] = {}
    for i, text in enumerate(texts):
        for start, windows, _, anchor, content in listed(runs, i):
            assert (
                contents.setdefault((anchor, content), text[start : start + windows + 7])
                == (text[start : start + windows + 7])
            )
            for at in range(start, start + windows):
                assert anchors.setdefault(text[at : at + 8], anchor) == anchor


def test_about_two_anchors_in_a_window_of_k_grams_and_one_run_for_periodic_text() -> None:
    import random

    draw = random.Random(5)
    text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz ", k=60_000))
    runs = runs_of(texts_of([text]), SubstringSettings())
    assert abs(len(runs.starts) / len(text) - 2 / 27) < 0.004  # random minimizers: 2 / (26 k-grams + 1)
    for period in ("a", "ab", "abcdefg"):
        assert len(runs_of(texts_of([period * 5_000]), SubstringSettings()).starts) <= 3


def test_places_are_code_points() -> None:
    one, two = "界é" * 3 + "abcdefgh", "xyzxyz" + "abcdefgh"
    runs = runs_of(texts_of([one, two, "", None]), SubstringSettings(window_chars=8, anchor_chars=8))
    assert listed(runs, 0)[-1][0] == listed(runs, 1)[-1][0] == 6
    assert listed(runs, 0)[-1][3:] == listed(runs, 1)[-1][3:]
    assert listed(runs, 2) == listed(runs, 3) == []


@settings(max_examples=50)
@given(st.lists(st.text("ab界", max_size=400), max_size=5), st.integers(1, 3), st.booleans())
def test_a_row_holds_a_documents_runs_whatever_the_batches(texts: list[str], batch_rows: int, periodic: bool) -> None:
    texts = [text * 20 for text in texts] if periodic else texts
    names = [f"d{i}" for i in range(len(texts))]
    columns = {"doc_id": names, "precedence": [f"0/{name}" for name in names], "text": texts}
    documents = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    index = pa.Table.from_batches(map(Anchors(SMALL), documents.to_batches(batch_rows)), ANCHOR_SCHEMA)
    runs = runs_of(texts_of(texts), SMALL)
    expected = [
        (i << 32 | start, anchor, content)
        for i in range(len(texts))
        for start, _, _, anchor, content in listed(runs, i)
    ]
    assert index["doc_id"].to_pylist() == [name for i, name in enumerate(names) if listed(runs, i)]
    assert index["precedence"].to_pylist() == [f"0/{name}" for name in index["doc_id"].to_pylist()]
    numbers = pa.array([names.index(name) for name in index["doc_id"].to_pylist()], pa.int64())
    batches = index.append_column("number", numbers).to_batches(batch_rows)
    found = [row for batch in map(RunRows(), batches) for row in batch.to_pylist()]
    unsigned = [(row["place"], row["anchor"] % 2**64, row["content"] % 2**64) for row in found]
    assert unsigned == expected
