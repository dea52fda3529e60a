"""The released English filters: each documented quirk shown, and the values against naive ones."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.records import KEPT
from neo_assets.recipe.limits import RuleSets
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.released import EXCEPTION, ngram_values
from neo_assets.text.released_english import (
    ENGLISH_MEANINGS,
    AnnotateReleasedEnglish,
    measure,
    sentences,
    words_of,
)
from neo_assets.text.rules import english_rules
from neo_assets_tests.text.batches import SEED, batch_of

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with", "don't")
BAD_WORDS = ("sleaze", "成人")

GOOD = (
    "The farmers of the valley have kept goats since their grandparents came down from the hills.\n"
    "Nobody remembers exactly why the old bridge was painted green, and few people ask about it now.\n"
    "In spring every child walks to school along the river, counting herons that stand between wet stones.\n"
    "A small bakery opens before dawn; its windows glow while bread cools on wooden shelves.\n"
    "Travellers who stop there be warned: one loaf is rarely enough for a whole journey with friends.\n"
)
TEXTS = st.text(st.sampled_from("aab bc.!?…#{}\n1•A 。é\U0001f600'\\"), max_size=60) | st.text(max_size=30)


def values_of(text: str) -> dict[str, float | None]:
    return measure(text, STOP_WORDS, BAD_WORDS)


def failing(text: str, score: float = 0.9) -> list[str]:
    """Numbers of the rules of set B that fail as released, in their order."""
    rules = english_rules(SourceSettings(kind="crawl", licence="own"), RuleSets(), "faithful")
    batch = AnnotateReleasedEnglish(STOP_WORDS, BAD_WORDS)(batch_of(text, language="en", score=score))
    return [rule.number or rule.name for rule in rules if rule.test(batch.column(rule.signal))[0][0]]


def test_good_prose_passes() -> None:
    assert failing(GOOD) == []


def test_tokens_and_sentences_are_those_of_nltk() -> None:
    found = sentences("Dr. Smith's dog can't run. It sleeps!")
    assert found == ["Dr. Smith's dog can't run.", "It sleeps!"]  # without the model, "Dr." ends a sentence
    # The Penn Treebank's conventions, as NLTK documents them: clitics apart, "can't" as "ca" and "n't".
    assert words_of(found) == ["Dr.", "Smith", "'s", "dog", "ca", "n't", "run", ".", "It", "sleeps", "!"]


def test_model_given_to_nltk_splits_as_the_package_it_comes_from() -> None:
    import punkt

    theirs = punkt.PunktSentenceTokenizer(punkt.load_model("english"))
    text = Path(SEED / "text/prideprejudice.en.txt").read_text(encoding="utf-8")[:200_000]
    assert sentences(text) == theirs.tokenize(text)


def test_a_busy_machine_changes_nothing() -> None:
    from nltk import redos

    assert sentences("One. Two.") == ["One.", "Two."]
    assert redos.DEFAULT_TIMEOUT is None  # NLTK would raise once a text has taken five seconds


# --- the quirks, rule by rule ---


def test_b0_empty_text() -> None:
    assert "B0" in failing("")


def test_b1_and_b8_count_marks_as_words() -> None:
    found = values_of("Well, yes.")
    assert found["released_b8"] == 4  # Well , yes .
    assert found["released_b1"] == pytest.approx((4 + 1 + 3 + 1) / 4)


def test_b2_does_not_see_that_every_line_ends_in_an_ellipsis() -> None:
    text = GOOD.replace(".\n", "...\n") * 3
    assert values_of(text)["released_b2"] == pytest.approx(text.count("...") / len(text))
    assert failing(text) == []


def test_b3_counts_empty_lines_too() -> None:
    assert values_of("• a\n\n– b\n※ c")["released_b3"] == 0.75


def test_b4_divides_by_characters() -> None:
    text = GOOD + "12 34 56 78 " * 60
    n_words = len(text.split())
    assert sum(not any(map(str.isalpha, word)) for word in text.split()) / n_words > 0.6  # the intended share
    assert values_of(text)["released_b4"] == pytest.approx(240 / len(text))
    assert "B4" not in failing(text)


def test_b5_is_switched_off() -> None:
    rules = english_rules(SourceSettings(kind="crawl", licence="own"), RuleSets(), "faithful")
    assert "B5" not in [rule.number for rule in rules]


def test_b6_wants_two_different_stop_words() -> None:
    assert values_of("the the the")["released_b6"] == 1
    assert values_of("The, (and)")["released_b6"] == 2
    assert values_of("don't won't")["released_b6"] == 1  # apostrophes stay


def test_b7_counts_hashes_dots_and_ellipses_per_token() -> None:
    assert values_of("# a ... b … c")["released_b7"] == pytest.approx(3 / 6)


def test_b9_never_reads_the_label() -> None:
    german = batch_of(GOOD, language="de", score=0.99)
    rules = english_rules(SourceSettings(kind="crawl", licence="own"), RuleSets(), "faithful")
    judged = JudgeByRules(rules)(AnnotateReleasedEnglish(STOP_WORDS, BAD_WORDS)(german))
    assert judged.column("verdict").to_pylist() == [KEPT]
    assert failing(GOOD, score=0.39) == ["B9"]


def test_b10_leaves_blanks_tabs_and_line_ends_out() -> None:
    assert values_of("a b\tc\nd\u00a0e")["released_b10"] == 6  # a no-break space counts


def test_b11_passes_a_single_line() -> None:
    assert "B11" not in failing(GOOD.replace("\n", " "))


def test_b13_drops_a_document_for_one_lorem_ipsum() -> None:
    assert failing(GOOD * 4 + "Lorem ipsum ends it.") == ["B13"]
    rules = english_rules(SourceSettings(kind="crawl", licence="own"), RuleSets(), "faithful")
    rule = next(rule for rule in rules if rule.number == "B13")
    # "any single occurrence drops any document shorter than ~33 M chars": 1 / 3e-8 = 33,333,333.3
    assert rule.fails(np.array([1 / 33_333_333, 1 / 33_333_334])).tolist() == [True, False]


def test_b14_counts_runs_between_marks() -> None:
    assert values_of("One. Two! three?? four")["released_b14"] == 4


def test_b15_wants_letters_only() -> None:
    assert values_of("NASA USA, A1 ok")["released_b15"] == 0.25  # "USA," and "A1" are not letters only


def test_b16_and_b25_have_no_upper_bound() -> None:
    text = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(600)) + ". The end of it."
    found = values_of(text)
    assert found["released_b16"] is not None and found["released_b16"] > 0.8
    assert found["released_b25"] is not None and found["released_b25"] > 6
    assert not {"B16", "B25"} & set(failing(text))


def test_b17_rejects_a_single_sentence() -> None:
    assert failing(GOOD.replace(".\n", ",\n")) == ["B17"]


def test_b18_is_hidden_by_a_full_stop() -> None:
    assert values_of("It goes on. Read More")["released_b18"] == 0.5
    assert values_of("It goes on. Read more.")["released_b18"] == 0


@pytest.mark.parametrize(("mark", "rule"), [(" #a", "B19"), (" a ..", "B20")])
def test_b19_and_b20_divide_by_characters(mark: str, rule: str) -> None:
    text = "".join(f"{word}{mark}" if i % 3 == 0 else f" {word} " for i, word in enumerate(GOOD.split()))
    n_words = len(text.split())
    assert len(GOOD.split()) / 3 / n_words > 0.1  # one in ten words and more, so it should go
    assert rule not in failing(text)


def test_b21_wants_an_ascii_mark() -> None:
    assert "B21" in failing("these words have no mark “at all” and that is it。")


def test_b22_and_b23_divide_by_characters() -> None:
    text = "12 34 56 78 9a the and of"
    found = values_of(text)
    assert found["released_b22"] == pytest.approx(5 / len(text))  # 5 of 8 words
    assert found["released_b23"] == pytest.approx(4 / len(text))


def test_b24_takes_one_token_in_its_case_of_either_language() -> None:
    assert failing(GOOD + "Such sleaze is rare.") == ["B24"]
    assert failing(GOOD + "Such Sleaze is rare.") == []
    assert failing(GOOD + "The word 成人 is rare.") == ["B24"]


def test_repeated_sentence_scores_next_to_nothing() -> None:
    """Acceptance figure: one sentence 200 times, some 9,000 characters, scores 0.003 by the duplicate 5-grams."""
    text = "A quick brown fox jumps over lazy dogs daily. " * 200
    found = values_of(text)
    assert len(text) == 9_200
    assert found["released_b29"] == pytest.approx(0.003, abs=0.0005)
    assert not {f"B{number}" for number in range(29, 35)} & set(failing(text))


def test_b26_leaves_the_first_occurrence_out() -> None:
    assert values_of("ababab")["released_b26"] == pytest.approx((3 - 1) * 2 / 6)


def test_a6_stops_at_two() -> None:
    assert values_of("the be to of and that")["released_a6"] == 2


@pytest.mark.parametrize(
    ("text", "counted"),
    [("so … it is", 1), ("so …… it is", 1), ("so ... it is", 0)],  # a run's … are taken off, …… itself is not
)
def test_a37_counts_runs_as_ellipses_of_their_own_and_dots_never(text: str, counted: int) -> None:
    n_tokens = values_of(text)["released_b8"]
    assert n_tokens and values_of(text)["released_a37"] == pytest.approx(counted / n_tokens)


@given(TEXTS)
@settings(deadline=None, max_examples=60)
def test_rules_that_no_text_fails(text: str) -> None:
    found = values_of(text)
    assert found["released_a36"] in (0, None)
    assert not {"B5", "B11"} & set(failing(text))


@pytest.mark.parametrize(("text", "exception"), [("", 1), (" \n", 1), ("?!", 1), ("a", 0)])
def test_dividing_by_nothing_drops_the_document(text: str, exception: int) -> None:
    assert values_of(text)[EXCEPTION] == exception
    assert ("exception" in failing(text)) == bool(exception)


# --- values against naive ones ---


def naive_ngrams(text: str) -> list[float | None]:
    if not text:
        return [None] * 9
    found: list[float | None] = []
    for n in range(2, 11):
        counts = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        if n < 5:
            found.append(max(max(counts.values(), default=0) - 1, 0) * n / len(text))
        else:
            repeated = [gram for gram, count in counts.items() if count > 1]
            found.append(len(set("".join(repeated))) / len(text))
    return found


@given(st.text(st.sampled_from("ab\U0001f600 。"), max_size=80) | st.text(max_size=40))
@settings(deadline=None)
def test_ngrams_are_those_of_a_naive_count(text: str) -> None:
    assert list(ngram_values(text, str).values()) == naive_ngrams(text)


def test_ngrams_of_a_seed_text() -> None:
    text = Path(SEED / "text/us-constitution.en.txt").read_text(encoding="utf-8")[:20_000]
    assert list(ngram_values(text, str).values()) == naive_ngrams(text)


@given(TEXTS)
@settings(deadline=None, max_examples=60)
def test_entropy_and_ellipses_are_naive(text: str) -> None:
    found, words = values_of(text), text.split()
    if words:
        shares = [words.count(word) / len(words) for word in set(words)]
        assert found["released_b25"] == pytest.approx(-sum(share * math.log(share) for share in shares))
    runs = 0
    for i, character in enumerate(text):
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        runs += character == "…" != before or (character == "." and before != "." and after == ".")
    assert found["released_b20"] == (runs / len(text) if text else None)


@given(st.lists(st.none() | TEXTS, max_size=4))
@settings(deadline=None, max_examples=30)
def test_kernel_keeps_rows_and_columns(texts: list[str | None]) -> None:
    batch = batch_of(*texts, language="en")
    found = AnnotateReleasedEnglish(STOP_WORDS, BAD_WORDS)(batch)
    assert found.schema.names == [*batch.schema.names, *ENGLISH_MEANINGS]
    assert found.select(batch.schema.names) == batch
    for text, row in zip(texts, found.select(list(ENGLISH_MEANINGS)).to_pylist(), strict=True):
        assert row == (dict.fromkeys(ENGLISH_MEANINGS) | {EXCEPTION: 1.0} if text is None else values_of(text))
