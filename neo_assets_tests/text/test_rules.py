from __future__ import annotations

import re
from pathlib import Path

import pytest

import neo_assets
from neo_assets.recipe.limits import (
    ChineseRules,
    GenericRules,
    Range,
    RedPajamaRules,
    RuleSets,
    at_least,
    at_most,
)
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.rule import Rule
from neo_assets.text.rule_table import rules_page
from neo_assets.text.rules import CHINESE_RULES, GENERIC_RULES, REDPAJAMA_RULES, chinese_rules, english_rules
from neo_assets.text.signals import CHINESE_SIGNALS, ENGLISH_SIGNALS, QUALITY_SIGNAL

WEB = SourceSettings(kind="crawl", licence="x")
RED = SourceSettings(kind="crawl", licence="x", rule_set="redpajama")
CATALOGUES = [(GENERIC_RULES, GenericRules), (REDPAJAMA_RULES, RedPajamaRules), (CHINESE_RULES, ChineseRules)]


@pytest.mark.parametrize(("catalogue", "limits"), CATALOGUES)
def test_every_rule_has_a_limit_and_a_signal(catalogue: tuple[Rule, ...], limits: type) -> None:
    names = [rule.name for rule in catalogue]
    assert len(set(names)) == len(names)
    assert set(names) == set(limits.model_fields)  # type: ignore[attr-defined]
    signals = CHINESE_SIGNALS if catalogue is CHINESE_RULES else ENGLISH_SIGNALS
    assert {rule.signal for rule in catalogue} <= {signal.name for signal in (*signals, QUALITY_SIGNAL)} | {"language"}
    for rule in catalogue:
        assert rule.unit
        assert rule.origin
        assert rule.profile == "corrected"
        assert (rule.comparison == "range") == (getattr(limits(), rule.name) not in (True, False))


@pytest.mark.parametrize(
    ("catalogue", "expected"),
    [
        (REDPAJAMA_RULES, {f"A{n}" for n in range(1, 42)}),
        (GENERIC_RULES, {f"B{n}" for n in range(35)}),
        (CHINESE_RULES, {f"C{n}" for n in range(1, 25)} - {"C3"}),  # C3 deletes links
    ],
)
def test_the_published_sets_are_complete_and_in_order(catalogue: tuple[Rule, ...], expected: set[str]) -> None:
    numbers = [number for rule in catalogue for number in rule.number.split("+") if number]
    assert set(numbers) == expected
    places = [int(re.split(r"[A-C+]", rule.number)[1]) for rule in catalogue if rule.number]
    assert places == sorted(places)


# Keep conditions of MAP-Neo's filters as intended, written as `Rule.condition` writes them. Source: the released
# filters' thresholds and the paper's §4.1.1 and §4.2.1. Differences between the sets: A10 to A12, A21, A22.
SHARED = {
    1: "3 <= rps_doc_mean_word_length <= 10",
    2: "rps_doc_frac_lines_end_with_ellipsis < 0.2",
    3: "frac_lines_bullet <= 0.9",
    4: "rps_doc_frac_no_alph_words < 0.4",
    6: "2 <= n_stop_words",
    7: "rps_doc_symbol_to_word_ratio < 0.5",
    8: "50 <= rps_doc_word_count <= 10000",
}
NGRAMS = [
    f"rps_doc_frac_chars_top_{n}gram <= {bound:g}" for n, bound in zip((2, 3, 4), (0.20, 0.18, 0.16), strict=True)
] + [
    f"rps_doc_frac_chars_dupe_{n}grams <= {bound:g}"
    for n, bound in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True)
]
OWN_LINES = [
    "2 <= n_sentences",
    "frac_sentences_read_more <= 0.1",
    "hash_runs_per_word <= 0.1",
    "ellipses_per_word <= 0.1",
    "0 < frac_punctuation",
    "frac_words_not_alphabetic <= 0.2",
    "frac_words_numeric <= 0.3",
    "bad_words_per_word <= 0",
]
REDPAJAMA = {
    **{f"A{n}": condition for n, condition in SHARED.items()},
    "A1+A33": SHARED[1],
    "A5": "0.06 <= rps_doc_stop_word_fraction",
    "A9": "ccnet_bucket <= 1",  # head and middle, as the paper says
    "A10": "0.8 <= ccnet_language_score",
    "A11": "1000 <= ccnet_length",
    "A12": "10 <= ccnet_nlines",
    "A13": "ccnet_perplexity < 487.5",
    "A14": "rps_doc_curly_bracket < 0.025",
    "A15": "rps_doc_lorem_ipsum < 3e-08",
    "A16": "rps_doc_num_sentences <= 7500",
    "A17": "-25000 < rps_doc_books_importance <= 25000",
    "A18": "-1000 <= rps_doc_openwebtext_importance",
    "A19": "0.025 <= rps_doc_ml_wikiref_score",
    "A20": "rps_doc_frac_all_caps_words < 0.1",
    "A21": "0.2 <= rps_doc_frac_unique_words <= 0.8",
    "A22": "3 <= rps_doc_unigram_entropy <= 6",
    **{f"A{n}": condition for n, condition in enumerate(NGRAMS, 23)},
    "A32": "rps_doc_ut1_blacklist is null or 0",
    **{f"A{n}": condition for n, condition in enumerate(OWN_LINES, 34)},
}
del REDPAJAMA["A1"]
GENERIC = {
    "B0": "1 <= ccnet_length",
    **{f"B{n}": condition for n, condition in SHARED.items()},
    "B4": "frac_runs_no_letter < 0.4",
    "B9": "0.4 <= ccnet_language_score",
    "B10": "200 <= n_chars",
    "B11": "2 <= ccnet_nlines",  # "more than 1 line"
    "B12": "rps_doc_curly_bracket < 0.025",
    "B13": "rps_doc_lorem_ipsum < 3e-08",
    "B14": "rps_doc_num_sentences <= 7500",
    "B15": "rps_doc_frac_all_caps_words < 0.1",
    "B16": "0.1 <= rps_doc_frac_unique_words",
    **{f"B{n}": condition for n, condition in enumerate(OWN_LINES, 17)},
    "B25": "3 <= rps_doc_unigram_entropy",
    **{f"B{n}": condition for n, condition in enumerate(NGRAMS, 26)},
}
CHINESE = {
    "C1": "frac_brackets <= 0.1",
    "C2": "rps_doc_ut1_blacklist is null or 0",
    "C4": "2 <= n_sentences",
    "C5": "50 <= n_chars <= 10000",
    "C6": "1.3 <= rps_doc_mean_word_length <= 10",
    "C7": "hash_runs_per_word <= 0.1",
    "C8": "ellipses_per_word <= 0.1",
    "C9": "frac_digits <= 0.3",
    "C10": "frac_lines_read_more <= 0.3",
    "C11": "frac_lines_bullet <= 0.9",
    "C12": "0 < frac_punctuation",
    "C13": "0.1 < frac_chars_unique",
    "C14": "3 <= char_entropy",
    "C15 language": "0.4 <= ccnet_language_score",
    "C15": "language = zh",
    "C16": "frac_chars_top_2chars <= 0.2",
    "C17": "frac_chars_top_3chars <= 0.18",
    "C18": "frac_chars_top_4chars <= 0.16",
    **{f"C{n + 14}": f"frac_chars_dupe_{n}chars <= 0.6" for n in range(5, 11)},
}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (english_rules(RED, RuleSets()), REDPAJAMA),
        (english_rules(WEB, RuleSets()), GENERIC),
        (chinese_rules(ChineseRules()), CHINESE),
    ],
)
def test_default_limits_are_the_published_ones(rules: tuple[Rule, ...], expected: dict[str, str]) -> None:
    found = {
        f"{rule.number} language" if rule.name == "language" and rule.number == "C15" else rule.number: rule.condition()
        for rule in rules
        if rule.number
    }
    assert found == expected


def test_our_own_rules_that_are_on() -> None:
    def ours(rules: tuple[Rule, ...]) -> set[str]:
        return {rule.condition() for rule in rules if not rule.number}

    english = {"language = en", "frac_chars_bad <= 0.001"}
    assert ours(english_rules(RED, RuleSets())) == english
    assert ours(english_rules(WEB, RuleSets())) == english | {"rps_doc_ut1_blacklist is null or 0"}
    assert ours(chinese_rules(ChineseRules())) == {
        "frac_chars_bad <= 0.001",
        "frac_mojibake <= 0.02",
        "0.15 <= frac_han",
        "frac_foreign_letters <= 0.4",
        "bad_words_per_word <= 0",
        "frac_sentences_duplicate <= 0.3",
        "frac_chars_duplicate_sentences <= 0.2",
    }


def test_rules_of_models_pass_documents_without_their_signal() -> None:
    passing = {rule.name for rule in REDPAJAMA_RULES if rule.missing == "passes"}
    assert passing == {
        *("perplexity", "perplexity_bucket", "wikiref_score", "palm_score"),
        *(f"{name}_importance" for name in ("books", "openwebtext", "wikipedia")),
    }


def test_a_source_picks_its_set_its_rules_and_its_limits() -> None:
    sets = RuleSets(generic=GenericRules(words=at_least(7)), redpajama=RedPajamaRules(words=None))
    code = SourceSettings(
        kind="code",
        path="*.py",
        language="code",
        licence="x",
        rules=("characters", "words", "lines", "language_label"),
        limits={"characters": at_most(9), "lines": None},
    )
    conditions = [rule.condition() for rule in english_rules(code, sets)]
    assert conditions == ["language = code", "7 <= rps_doc_word_count", "n_chars <= 9"]
    red = {rule.name: rule.condition() for rule in english_rules(RED, sets)}
    assert "words" not in red
    assert red["characters"] == "1000 <= ccnet_length"


def test_null_and_false_switch_a_rule_off() -> None:
    rules = chinese_rules(ChineseRules(digits=None, ut1=False, language_label=False))
    everything = {rule.name for rule in chinese_rules(ChineseRules())}
    assert everything - {rule.name for rule in rules} == {"digits", "ut1", "language_label"}


def test_the_faithful_profile_shares_the_recipes_limits() -> None:
    sets = RuleSets(generic=GenericRules(words=Range(minimum=7, maximum=70), lorem_ipsum=None))
    generic = {rule.name: rule for rule in english_rules(WEB, sets, "faithful")}
    assert generic["words"].condition() == "7 <= released_b8 <= 70"
    assert "lorem_ipsum" not in generic
    assert generic["exception"].condition() == "released_exception <= 0"
    assert {"stop_word_share", "language_label", "bad_characters"}.isdisjoint(generic)
    red = {rule.name: rule.condition() for rule in english_rules(RED, RuleSets(), "faithful")}
    assert red["perplexity_bucket"] == "ccnet_bucket <= 0.9"  # A9 as released: the head only
    assert red["language"] == "0.8 <= ccnet_language_score"
    chinese = {rule.name for rule in chinese_rules(ChineseRules(), "faithful")}
    assert not any(name.endswith("gram") for name in chinese)  # C16 to C24 never act
    for rules in (english_rules(RED, RuleSets(), "faithful"), generic.values()):
        assert {rule.profile for rule in rules} == {"faithful"}


def test_the_page_of_rules_is_up_to_date() -> None:
    page = Path(neo_assets.__file__).parents[1] / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == rules_page(), "run python -m neo_assets.text.rule_table > docs/rules.md"
