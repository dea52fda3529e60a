from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neo_assets.text.annotate import CHARS_AT_ONCE
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.measure_english import english_lists, measure_english
from neo_assets.text.signals import ENGLISH_SIGNALS, MODEL_SIGNALS
from neo_assets.text.units import english_words
from neo_assets_tests.text import naive
from neo_assets_tests.text.batches import SEED, batch_of

STOP = ("the", "be", "to", "of", "and", "that", "have", "with", "don't")
BAD = ("damn", "bad phrase", "a b c")
PIECES = (
    "the ", "Read more", "read\tMORE…", "lorem ipsum ", "Lorem, Ipsum", "javascript ", "JavaScript:", "\n",
    "\n\n", ". ", "...", "…", "?! ", "• ", "– x", "NASA ", "don't ", "damn ", "bad phrase ", "a b c ", "12 ",
    "½", "é", "é", "ǅ", "İ", "{}", "##", "_", "“quoted.” ", "word ", "word ", "U.S. ", "3.14 ", "中文。",
    "\x00", "�", "😀", "\u2028", "\r\n",
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("abc the.,!?#{}…\n'’-•123"))),
)


def measured(*texts: str) -> list[dict[str, Any]]:
    columns, _ = measure_english(texts, english_lists(STOP, BAD))
    rows = {name: pa.array(column).to_pylist() for name, column in columns.items()}
    return [{name: column[i] for name, column in rows.items()} for i in range(len(texts))]


def agrees(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() >= wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@given(TEXTS)
@example("")
@example("a")
@example("Read more\nSee also: read more »\nspread more\n" + "x" * 60 + " read more")
@example("。！？" * 9)
@example("a lone \ud800 surrogate")
def test_equals_the_naive_measures(text: str) -> None:
    agrees(measured(text)[0], naive.english(text, STOP, BAD))


@given(st.lists(TEXTS, max_size=5))
def test_texts_do_not_depend_on_their_neighbours(texts: list[str]) -> None:
    assert measured(*texts) == [row for text in texts for row in measured(text)]


@pytest.mark.parametrize("name", ["prideprejudice.en.txt", "jargon.en.txt", "us-constitution.en.txt"])
def test_equals_the_naive_measures_on_real_text(name: str) -> None:
    text = (SEED / "text" / name).read_text(encoding="utf-8")[:150_000]
    texts = [text[start : start + 5_000] for start in range(0, len(text), 5_000)]
    for found, one in zip(measured(*texts), texts, strict=True):
        agrees(found, naive.english(one, STOP, BAD))


def test_a_line_of_ten_million_characters() -> None:
    text = "all work and no play " * 476_191
    (found,) = measured(text)
    assert (found["ccnet_length"], found["ccnet_nlines"], found["rps_doc_word_count"]) == (len(text), 1, 5 * 476_191)
    assert found["rps_doc_frac_chars_dupe_10grams"] == 1.0


# By RedPajama-V2's definitions, worked out by hand.
@pytest.mark.parametrize(
    ("text", "signal", "value"),
    [
        ("Don't stop the well-known music!", "rps_doc_word_count", 5),  # dont stop the wellknown music
        ("Don't stop the well-known music!", "rps_doc_mean_word_length", (4 + 4 + 3 + 9 + 5) / 5),
        ("café", "rps_doc_mean_word_length", 5),  # NFD
        ("NASA and ESA, 12 x!", "rps_doc_frac_all_caps_words", 2 / 7),  # NASA and ESA , 12 x !
        ("NASA and ESA, 12 x!", "rps_doc_frac_no_alph_words", 3 / 7),
        ("It costs 3.50 dollars. Fine", "rps_doc_num_sentences", 3),
        ("It costs 3.50 dollars. Fine", "n_sentences", 2),
        ("a b a b a b", "rps_doc_frac_chars_top_2gram", 1.0),  # a b, three times
        ("a a a a", "rps_doc_frac_chars_top_2gram", 1.0),  # overlaps once; upstream: 1.5
        ("v w x y z q v w x y z", "rps_doc_frac_chars_dupe_5grams", 10 / 11),
        ("Lorem, ipsum!", "rps_doc_lorem_ipsum", 1 / 11),
        ("a # b ... c ….", "rps_doc_symbol_to_word_ratio", 3 / 6),
        ("a # b ... c …", "ellipses_per_word", 2 / 4),  # … is a word here, as it is no ASCII punctuation
        ("He left.\nHe left.\nSo she did.", "frac_sentences_duplicate", 1 / 3),
    ],
)
def test_worked_examples(text: str, signal: str, value: float) -> None:
    assert measured(text)[0][signal] == pytest.approx(value)


def test_words_are_those_that_models_learn_from() -> None:
    texts = ["The cat, the Hat.", "", "x\ny"]
    _, words = measure_english(texts, english_lists(STOP, BAD))
    expected = english_words(texts)
    assert words.hashes.tolist() == expected.hashes.tolist()
    assert words.offsets.tolist() == expected.offsets.tolist()


def test_the_kernel_appends_every_signal_and_keeps_nulls() -> None:
    kernel = pickle.loads(pickle.dumps(AnnotateEnglish(STOP, BAD)))  # noqa: S301
    batch = batch_of("Some text.", None, "")
    after = kernel(batch)
    assert after.schema.names == [*batch.schema.names, *(signal.name for signal in ENGLISH_SIGNALS)]
    unmeasured = {signal.name for signal in MODEL_SIGNALS} | {"rps_doc_ut1_blacklist"}
    for signal in ENGLISH_SIGNALS:
        assert after.schema.field(signal.name).type == signal.type
        first, missing, empty = after.column(signal.name).to_pylist()
        assert missing is None
        assert (first is None) == (empty is None) == (signal.name in unmeasured)
    assert after.select(batch.schema.names).to_pylist() == batch.to_pylist()
    assert kernel(batch.slice(0, 0)).schema == after.schema


def test_results_do_not_depend_on_how_a_batch_is_cut() -> None:
    kernel = AnnotateEnglish(STOP, BAD)
    texts = ["x " * (CHARS_AT_ONCE // 3), "a b", None, "y " * (CHARS_AT_ONCE // 3), "Some text."]
    whole = kernel(batch_of(*texts))
    for i in range(len(texts)):
        assert kernel(batch_of(*texts).slice(i, 1)).to_pylist() == whole.slice(i, 1).to_pylist()
