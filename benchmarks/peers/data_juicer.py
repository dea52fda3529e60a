"""data-juicer: the filters of its published recipes that need no model download.

English: those of `redpajama-cc-2023-06-refine`, words cut at spaces. Chinese: those of `alpaca-cot-zh-refine` and the
special-characters filter with its default. Filters on Chinese words (flagged words, word repetition, number of words)
need a sentencepiece model from the network and are left out; language id uses the documented limit of 0.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_juicer.ops.filter.alphanumeric_filter import AlphanumericFilter
from data_juicer.ops.filter.average_line_length_filter import AverageLineLengthFilter
from data_juicer.ops.filter.character_repetition_filter import CharacterRepetitionFilter
from data_juicer.ops.filter.maximum_line_length_filter import MaximumLineLengthFilter
from data_juicer.ops.filter.special_characters_filter import SpecialCharactersFilter
from data_juicer.ops.filter.text_length_filter import TextLengthFilter
from data_juicer.ops.filter.word_repetition_filter import WordRepetitionFilter
from data_juicer.ops.filter.words_num_filter import WordsNumFilter
from data_juicer.utils.constant import Fields

from benchmarks.peers.protocol import Filter, Language, Purpose, Record, serve

LANGUAGE_SCORE = 0.8


def filters_for(language: Language, purpose: Purpose) -> Sequence[Filter]:
    """The filters as functions of a record."""
    if language == "english":
        made = [
            AlphanumericFilter(tokenization=False, min_ratio=0.7508, max_ratio=0.8591),
            AverageLineLengthFilter(max_len=1500),
            CharacterRepetitionFilter(rep_len=10, max_ratio=0.3),
            MaximumLineLengthFilter(max_len=5000),
            SpecialCharactersFilter(min_ratio=0.15, max_ratio=0.35),
            TextLengthFilter(max_len=58187),
            WordsNumFilter(lang="en", tokenization=False, min_num=20, max_num=11529),
            WordRepetitionFilter(lang="en", tokenization=False, rep_len=10, max_ratio=0.2962),
        ]
        return [_as_filter(one) for one in made]
    made = [
        AlphanumericFilter(tokenization=False, min_ratio=0.10),
        CharacterRepetitionFilter(rep_len=10, max_ratio=0.6),
        SpecialCharactersFilter(),
        TextLengthFilter(min_len=10),
    ]
    return [*([_language] if purpose == "verdicts" else []), *map(_as_filter, made)]


def _as_filter(one: Any) -> Filter:
    def judge(record: Record) -> str:
        samples = {one.text_key: [record["text"]], Fields.stats: [{}]}
        return "" if next(iter(one.process_batched(one.compute_stats_batched(samples)))) else type(one).__name__

    return judge


def _language(record: Record) -> str:
    chinese = record["language"] == "zh" and record["language_score"] >= LANGUAGE_SCORE
    return "" if chinese else "language"


if __name__ == "__main__":
    serve(filters_for)
