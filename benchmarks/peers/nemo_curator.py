"""NeMo Curator: the chain of its `heuristic_filter_english_pipeline` and `heuristic_filter_non_english_pipeline`.

Chinese: the non-English chain with `lang="zh"` (words cut by jieba), as its documentation says for languages without
spaces, and a least mean word length of 1 instead of 3, below which nearly all Chinese text lies. Its symbol filter
divides by zero where jieba gives a line break as a word, so on nearly every Chinese text; that is taken as a pass.
Its punctuation filter knows no Chinese end mark and would reject all Chinese text; its configuration says that it must
be tuned for each language, so it gives no Chinese verdicts here. Filters are called without Ray and its pipeline. The
language filter's published limit is a fastText score of 0.3.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from nemo_curator.stages.text.filters.heuristic import repetition, string

from benchmarks.peers.protocol import Filter, Language, Purpose, Record, serve

LANGUAGE_SCORE = 0.3
_REPETITION: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RepeatedLinesFilter", {"max_repeated_line_fraction": 0.7}),
    ("RepeatedParagraphsFilter", {"max_repeated_paragraphs_ratio": 0.7}),
    ("RepeatedLinesByCharFilter", {"max_repeated_lines_char_ratio": 0.8}),
    ("RepeatedParagraphsByCharFilter", {"max_repeated_paragraphs_char_ratio": 0.8}),
    *(
        ("RepeatingTopNGramsFilter", {"n": n, "max_repeating_ngram_ratio": most})
        for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))
    ),
    *(
        ("RepeatingDuplicateNGramsFilter", {"n": n, "max_repeating_duplicate_ngram_ratio": 0.20 - 0.01 * n})
        for n in range(5, 11)
    ),
)
_STRING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SymbolsToWordsFilter", {"max_symbol_to_word_ratio": 0.1}),
    ("NumbersFilter", {"max_number_to_text_ratio": 0.15}),
    ("UrlsFilter", {"max_url_to_text_ratio": 0.2}),
    ("WhiteSpaceFilter", {"max_white_space_ratio": 0.25}),
    ("ParenthesesFilter", {"max_parentheses_ratio": 0.1}),
    ("BoilerPlateStringFilter", {"remove_if_at_top_or_bottom": True, "max_boilerplate_string_ratio": 0.4}),
    ("WordCountFilter", {"min_words": 50, "max_words": 100_000}),
    ("PunctuationFilter", {"max_num_sentences_without_endmark_ratio": 0.85}),
    ("LongWordFilter", {"max_word_length": 1_000}),
    ("EllipsisFilter", {"max_num_lines_ending_with_ellipsis_ratio": 0.3}),
    ("BulletsFilter", {"max_bullet_lines_ratio": 0.9}),
)
_ENGLISH: tuple[tuple[str, dict[str, Any]], ...] = (
    ("NonAlphaNumericFilter", {"max_non_alpha_numeric_to_text_ratio": 0.25}),
    ("WordsWithoutAlphabetsFilter", {"min_words_with_alphabets": 0.8}),
    ("CommonEnglishWordsFilter", {"min_num_common_words": 2, "stop_at_false": True}),
)


def filters_for(language: Language, purpose: Purpose) -> Sequence[Filter]:
    """The chain as functions of a record."""
    code = "en" if language == "english" else "zh"
    shortest = 3 if language == "english" else 1
    verdicts_on_chinese = language == "chinese" and purpose == "verdicts"
    chain = [
        *_made(string, [one for one in _STRING if not (verdicts_on_chinese and one[0] == "PunctuationFilter")], code),
        *_made(
            string, (("MeanWordLengthFilter", {"min_mean_word_length": shortest, "max_mean_word_length": 10}),), code
        ),
        *_made(repetition, _REPETITION, code),
    ]
    if language == "english":
        chain += _made(string, _ENGLISH, code)
    if purpose == "verdicts":
        chain.insert(0, _language)
    return chain


def _made(module: Any, chosen: Sequence[tuple[str, dict[str, Any]]], code: str) -> list[Filter]:
    return [_as_filter(getattr(module, name), options, code) for name, options in chosen]


def _as_filter(kind: Any, options: dict[str, Any], code: str) -> Filter:
    speaks = {"lang": code} if "lang" in inspect.signature(kind.__init__).parameters else {}
    made = kind(**options, **speaks)

    def judge(record: Record) -> str:
        try:
            return "" if made.keep_document(made.score_document(record["text"])) else kind.__name__
        except ZeroDivisionError:
            return ""

    return judge


def _language(record: Record) -> str:
    chinese = record["language"] == "zh" and record["language_score"] >= LANGUAGE_SCORE
    return "" if chinese else "language"


if __name__ == "__main__":
    serve(filters_for)
