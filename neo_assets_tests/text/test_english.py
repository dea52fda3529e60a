from __future__ import annotations

import math
import pickle
import re
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.text.badwords import read_terms
from neo_assets.text.english import ENGLISH_SIGNALS, AnnotateEnglish, count_sentences, measure_english
from neo_assets_tests.text.batches import SEED, batch_of

STOP = ("the", "be", "to", "of", "and", "that", "have", "with")
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("abc the.,!?#{}…\n'’-•123")))


def measure(text: str) -> dict[str, float]:
    return measure_english(text, STOP, ("damn", "bad phrase"))


def naive_words(text: str) -> list[str]:
    """Letters and digits; an apostrophe or hyphen counts between two of them."""
    text = text.lower()
    inside = [unicodedata.category(c)[0] in "LN" for c in text]
    found, current = [], ""
    for i, character in enumerate(text):
        joins = character in "'’-" and current and i + 1 < len(text) and inside[i + 1]
        if inside[i] or joins:
            current += character
        elif current:
            found.append(current)
            current = ""
    return [*found, current] if current else found


@given(TEXTS)
def test_equal_to_the_naive_measures(text: str) -> None:
    measured = measure(text)
    words, tokens = naive_words(text), text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    counts = Counter(words)
    n_words = len(words)
    assert measured["n_words"] == n_words
    assert measured["n_chars"] == sum(not character.isspace() for character in text)
    assert measured["n_lines"] == len(lines)
    assert measured["mean_word_length"] == pytest.approx(sum(map(len, words)) / n_words if n_words else 0)
    assert measured["frac_words_unique"] == pytest.approx(len(counts) / n_words if n_words else 0)
    entropy = -sum(count / n_words * math.log(count / n_words) for count in counts.values())
    assert measured["unigram_entropy"] == pytest.approx(entropy, abs=1e-9)
    assert measured["n_stop_words"] == len(set(STOP) & set(words))
    without = [token for token in tokens if not any(unicodedata.category(c)[0] == "L" for c in token)]
    unusual = [t for t in tokens if any(c.isnumeric() and not c.isdecimal() for c in t)]  # fractions, circled digits
    if not unusual:
        assert measured["frac_tokens_no_letter"] == pytest.approx(len(without) / len(tokens) if tokens else 0)
    assert measured["frac_lines_bullet"] == pytest.approx(
        sum(line.strip()[0] in "•●○■□▪▫※·➢‣▶◀◦–" for line in lines) / len(lines) if lines else 0
    )
    assert measured["frac_lines_ellipsis"] == pytest.approx(
        sum(re.search(r"(\.\.\.|…)\s*$", line) is not None for line in lines) / len(lines) if lines else 0
    )
    assert measured["frac_chars_curly"] == pytest.approx(sum(c in "{}" for c in text) / len(text) if text else 0)
    runs = len(re.findall(r"(?<!\.)\.\.+(?!\.)", text)) + len(re.findall(r"(?<!…)…+(?!…)", text)) + text.count("#")
    assert measured["symbols_per_word"] == pytest.approx(runs / n_words if n_words else 0)
    assert all(isinstance(value, int) or np.isfinite(value) for value in measured.values())


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("...", 0),
        ("No end", 1),
        ("One. Two! Three?", 3),
        ('"Why?" he said.', 2),
        ("It costs 3.50 dollars.", 1),
        ("Wait... what?", 2),
    ],
)
def test_sentences(text: str, n: int) -> None:
    assert count_sentences(text) == n


def test_bad_words_are_words_and_phrases() -> None:
    assert measure("A damn good day.")["bad_words_per_word"] == pytest.approx(1 / 4)
    assert measure("The Damned and goddamn")["bad_words_per_word"] == 0
    assert measure("one Bad Phrase here")["bad_words_per_word"] == pytest.approx(1 / 4)
    assert measure("a bad phrases")["bad_words_per_word"] == 0


def test_lorem_ipsum_and_bad_characters() -> None:
    assert measure("Lorem Ipsum dolor")["lorem_ipsum_per_char"] == pytest.approx(1 / 17)
    assert measure("ab\ufffd\x00")["frac_chars_bad"] == pytest.approx(0.5)


def test_kernel_appends_every_signal_and_keeps_nulls() -> None:
    bad_words = read_terms(SEED / "lists" / "ldnoobw.en.json")
    kernel = pickle.loads(pickle.dumps(AnnotateEnglish(STOP, bad_words)))  # noqa: S301
    batch = batch_of("Some text.", None, "")
    after = kernel(batch)
    assert after.schema.names == [*batch.schema.names, *(signal.name for signal in ENGLISH_SIGNALS)]
    for signal in ENGLISH_SIGNALS:
        assert after.schema.field(signal.name).type == signal.type
        values = after.column(signal.name).to_pylist()
        assert values[1] is None
        assert values[2] == 0
    assert after.select(batch.schema.names).to_pylist() == batch.to_pylist()
    assert set(measure("x")) == {signal.name for signal in ENGLISH_SIGNALS}
