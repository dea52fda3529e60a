"""dolma: the taggers gopher_v2 and c4_v2.

Taggers only annotate; verdicts come from the limits of Dolma 1.5's published mixing configuration for Common Crawl and
C4's document rules. The project documents no Chinese configuration: its limits on whitespace words (number, length,
required English words) and its line rules would reject every Chinese page, so they are left out for Chinese.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dolma.core.data_types import Document
from dolma.taggers.c4 import FasterC4Tagger
from dolma.taggers.gopher import GopherTaggerV2

from benchmarks.peers.protocol import Filter, Language, Purpose, Record, serve

_MOST = {
    "symbol_to_word_ratio": 0.1,
    "fraction_of_lines_starting_with_bullet_point": 0.9,
    "fraction_of_lines_ending_with_ellipsis": 0.3,
    "fraction_of_duplicate_lines": 0.3,
    "fraction_of_characters_in_duplicate_lines": 0.3,
    "fraction_of_characters_in_most_common_2grams": 0.20,
    "fraction_of_characters_in_most_common_3grams": 0.18,
    "fraction_of_characters_in_most_common_4grams": 0.16,
    **{f"fraction_of_characters_in_duplicate_{n}grams": 0.20 - 0.01 * n for n in range(5, 11)},
}
_ENGLISH_MOST = {"word_count": 100_000, "median_word_length": 10}
_LEAST = {"fraction_of_words_with_alpha_character": 0.8}
_ENGLISH_LEAST = {"word_count": 50, "median_word_length": 3, "required_word_count": 2}
_C4_DOCUMENT_RULES = ("has_curly_brace", "has_lorem_ipsum", "has_naughty_word")


def filters_for(language: Language, purpose: Purpose) -> Sequence[Filter]:
    """The two taggers with their limits as functions of a record."""
    english = language == "english"
    most = _MOST | (_ENGLISH_MOST if english else {})
    least = _LEAST | (_ENGLISH_LEAST if english else {})
    gopher, c4 = GopherTaggerV2(), FasterC4Tagger()

    def by_gopher(record: Record) -> str:
        scores = {span.type: span.score for span in gopher.predict(_document(record)).spans}
        return _first(scores, least, lambda score, bound: score < bound) or _first(
            scores, most, lambda score, bound: score > bound
        )

    def by_c4(record: Record) -> str:
        found = {span.type for span in c4.predict(_document(record)).spans}
        return next((rule for rule in _C4_DOCUMENT_RULES if rule in found), "")

    return [by_gopher, by_c4]


def _document(record: Record) -> Document:
    return Document(source="benchmark", version="1", id=record["id"], text=record["text"])


def _first(scores: dict[str, float], bounds: dict[str, float], breaks: Callable[[float, float], bool]) -> str:
    return next((name for name, bound in bounds.items() if name in scores and breaks(scores[name], bound)), "")


if __name__ == "__main__":
    serve(filters_for)
