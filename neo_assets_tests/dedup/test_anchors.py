from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.anchors import ANCHOR_SCHEMA, BLOCK, KEY_CHARS, Anchors, Runs, runs_of, texts_of
from neo_assets.recipe.dedup import SubstringSettings

SMALL = SubstringSettings(window_chars=8, anchor_chars=4)
TEXTS = st.lists(st.text("ab界", max_size=60), max_size=6)


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


@settings(max_examples=30)
@given(st.lists(st.text("abc", max_size=400), max_size=5), st.integers(1, 3))
def test_rows_are_blocks_of_runs_whatever_the_batches(texts: list[str], batch_rows: int) -> None:
    names = [f"d{i}" for i in range(len(texts))]
    documents = pa.table({"precedence": pa.array(names, pa.string()), "text": pa.array(texts, pa.string())})
    rows = pa.Table.from_batches(map(Anchors(SMALL), documents.to_batches(batch_rows)), ANCHOR_SCHEMA).to_pylist()
    [whole] = (documents.combine_chunks().to_batches() or [None])[:1]
    assert rows == (Anchors(SMALL)(whole).to_pylist() if whole else [])
    runs = runs_of(texts_of(texts), SMALL)
    for i, name in enumerate(names):
        own = [row for row in rows if row["precedence"] == name]
        assert [row["block"] for row in own] == list(range(len(own)))
        n_runs = len(listed(runs, i))
        assert [len(row["anchors"]) // KEY_CHARS for row in own] == [
            min(BLOCK, n_runs - block * BLOCK) for block in range(len(own))
        ]
        assert sum(len(row["contents"]) for row in own) == n_runs * KEY_CHARS


def test_different_hashes_are_different_keys() -> None:
    runs = runs_of(texts_of(["".join(map(chr, range(0x4E00, 0x6E00)))]), SMALL)
    documents = pa.RecordBatch.from_pydict({"precedence": ["d"], "text": ["".join(map(chr, range(0x4E00, 0x6E00)))]})
    keys = "".join(Anchors(SMALL)(documents)["contents"].to_pylist())
    split = [keys[i : i + KEY_CHARS] for i in range(0, len(keys), KEY_CHARS)]
    assert len(set(split)) == len(set(runs.contents.tolist())) == len(runs.contents)
