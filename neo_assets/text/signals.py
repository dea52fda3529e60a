"""The catalogue of quality signals, and how they follow from what the compiled scans count.

Names that begin with `ccnet_` and `rps_` are RedPajama-V2's 42 annotations. Their English values follow its published
definitions, but that a document without words has 0 where RedPajama-V2 has nothing, that values are not rounded, and
that overlapping occurrences of a top n-gram count once. Chinese has the same names; each meaning states its unit.
Shares with an empty denominator are 0, so a signal of a text is a number; but a text without words or characters to
judge by has no perplexity, and signals of models and lists that are not configured are null.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.text.counts import COUNT, DUPLICATE_NGRAMS, LINE, TOP_NGRAMS, by_name

Measured = dict[str, pa.Array | npt.NDArray[np.generic]]
Floats = npt.NDArray[np.float64]

REAL, WHOLE, LINES = pa.float64(), pa.int64(), pa.list_(pa.float32())


class Signal(NamedTuple):
    """A measured column: its name, Arrow type and meaning with unit."""

    name: str
    type: pa.DataType
    meaning: str


def _shared(words: str, tokens: str, letters: str, marks: str, bullets: str, digits: str) -> Iterator[Signal]:
    """Signals of both languages, in the units of one."""
    yield Signal("ccnet_language_score", REAL, "confidence of the language identifier, 0 to 1")
    yield Signal("ccnet_length", WHOLE, "characters")
    yield Signal("ccnet_nlines", WHOLE, "lines, empty ones included")
    yield Signal("rps_doc_curly_bracket", REAL, "curly braces per character")
    yield Signal("rps_doc_frac_all_caps_words", REAL, f"share of {tokens} in capitals")
    yield Signal("rps_doc_frac_lines_end_with_ellipsis", REAL, "share of lines ending in ... or …")
    yield Signal("rps_doc_frac_no_alph_words", REAL, f"share of {tokens} without {letters}")
    yield Signal("rps_doc_lorem_ipsum", REAL, "'lorem ipsum' per character of normalised text")
    yield Signal("rps_doc_mean_word_length", REAL, f"characters per word; a word: {words}")
    yield Signal("rps_doc_stop_word_fraction", REAL, f"share of {tokens} that are stop words")
    yield Signal("rps_doc_symbol_to_word_ratio", REAL, f"'#', '...' and '…' per one of {tokens}")
    yield Signal("rps_doc_frac_unique_words", REAL, "different words per word")
    yield Signal("rps_doc_unigram_entropy", REAL, "entropy of the word distribution, nats")
    yield Signal("rps_doc_word_count", WHOLE, "words")
    yield Signal("rps_doc_num_sentences", WHOLE, f"stretches with a word between {marks}")
    yield Signal("rps_lines_ending_with_terminal_punctution_mark", LINES, "1 for a line that ends in a closing mark")
    yield Signal("rps_lines_javascript_counts", LINES, "words of a line that are 'javascript'")
    yield Signal("rps_lines_num_words", LINES, "words of a line")
    yield Signal("rps_lines_numerical_chars_fraction", LINES, f"share of {digits} in the normalised line")
    yield Signal("rps_lines_start_with_bulletpoint", LINES, f"1 for a line that starts with a bullet, {bullets}")
    yield Signal("rps_lines_uppercase_letter_fraction", LINES, "capital letters per character of a line")
    for n in DUPLICATE_NGRAMS:
        yield Signal(f"rps_doc_frac_chars_dupe_{n}grams", REAL, f"share of word characters in repeated word {n}-grams")
    for n in TOP_NGRAMS:
        yield Signal(f"rps_doc_frac_chars_top_{n}gram", REAL, f"share of word characters in the top word {n}-gram")
    yield Signal("rps_doc_ldnoobw_words", WHOLE, "listed obscene terms")
    yield Signal("n_sentences", WHOLE, "sentences: stretches with a word, up to a sentence mark or the end")
    yield Signal("n_stop_words", WHOLE, "different stop words")
    yield Signal("frac_lines_bullet", REAL, "share of lines with text that start with a bullet")
    yield Signal("frac_lines_read_more", REAL, "share of lines with text that end in 'read more' or its like")
    yield Signal("frac_sentences_read_more", REAL, "share of sentences and headings that end so")
    yield Signal("frac_lines_javascript", REAL, "share of lines with text that hold 'javascript'")
    yield Signal("frac_lines_lorem_ipsum", REAL, "share of lines with text that hold 'lorem ipsum'")
    yield Signal("frac_sentences_duplicate", REAL, "share of sentences and headings that occurred before")
    yield Signal("frac_chars_duplicate_sentences", REAL, "share of letters and digits in those")
    yield Signal("hash_runs_per_word", REAL, "runs of # per word")
    yield Signal("ellipses_per_word", REAL, "ellipses per word")
    yield Signal("frac_punctuation", REAL, "punctuation per character")
    yield Signal("frac_words_not_alphabetic", REAL, "share of words that are not all letters, marks aside")
    yield Signal("frac_words_numeric", REAL, "share of words that are all numerals, marks aside")
    yield Signal("bad_words_per_word", REAL, "listed obscene terms per word")
    yield Signal("frac_chars_bad", REAL, "control and replacement characters per character")


MODEL_SIGNALS: tuple[Signal, ...] = (
    Signal("ccnet_perplexity", REAL, "perplexity under the language model of the reference set"),
    Signal("ccnet_bucket", REAL, "0 head, 1 middle, 2 tail: thirds of the web by perplexity"),
    *(
        Signal(f"rps_doc_{name}_importance", REAL, f"log ratio of the text's likelihood, {name} over web (DSIR)")
        for name in ("books", "openwebtext", "wikipedia")
    ),
    Signal("rps_doc_ml_wikiref_score", REAL, "probability of a page that Wikipedia cites, against web"),
    Signal("rps_doc_ml_palm_score", REAL, "probability of Wikipedia, books or OpenWebText, against web"),
    Signal("rps_doc_ml_wikipedia_score", REAL, "probability of a Wikipedia article, against web"),
)
URL_SIGNAL = Signal("rps_doc_ut1_blacklist", WHOLE, "number of the URL list's category that names the page; null: none")
QUALITY_SIGNAL = Signal("quality_score", REAL, "probability of high quality by the configured classifier")

ENGLISH_SIGNALS: tuple[Signal, ...] = (
    *_shared(
        words="a stretch between whitespace, without ASCII punctuation",
        tokens="tokens (runs of word characters or of marks)",
        letters="an ASCII letter",
        marks=". ! ?",
        bullets="by RedPajama-V2's list",
        digits="numerals",
    ),
    *MODEL_SIGNALS,
    URL_SIGNAL,
    Signal("n_chars", WHOLE, "characters that are not whitespace"),
    Signal("frac_runs_no_letter", REAL, "share of stretches between whitespace that hold no letter"),
)

CHINESE_SIGNALS: tuple[Signal, ...] = (
    *_shared(
        words="what jieba cuts, with a letter or digit",
        tokens="tokens (what jieba cuts, but whitespace)",
        letters="a letter of any script",
        marks="sentence marks of either width; a full stop before a digit is none",
        bullets="by MAP-Neo's list",
        digits="decimal digits",
    ),
    *MODEL_SIGNALS,
    URL_SIGNAL,
    Signal("n_chars", WHOLE, "characters"),
    Signal("frac_brackets", REAL, "share of characters inside 【】"),
    Signal("frac_digits", REAL, "share of digits among letters and digits"),
    Signal("char_entropy", REAL, "entropy of the distribution of characters but whitespace, nats"),
    Signal("frac_chars_unique", REAL, "different per character, mean over stretches of 1,000 characters"),
    Signal("frac_han", REAL, "share of Chinese characters among letters"),
    Signal("frac_foreign_letters", REAL, "share of letters that are neither Chinese nor ASCII, such as kana"),
    Signal("frac_traditional", REAL, "share of Traditional forms among characters whose form tells"),
    Signal("frac_mojibake", REAL, "share of characters that look like wrongly decoded text"),
    *(Signal(f"frac_chars_top_{n}chars", REAL, f"share of the commonest {n} characters in a row") for n in TOP_NGRAMS),
    *(
        Signal(f"frac_chars_dupe_{n}chars", REAL, f"share of characters in repeated {n}-grams of characters")
        for n in DUPLICATE_NGRAMS
    ),
)


def share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Floats:
    """The parts of the wholes, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(part.shape, np.float64), where=whole != 0)


def shared_signals(counts: npt.NDArray[np.int64]) -> Measured:
    """Signals that follow from the counts alone; int64[n_texts, len(COUNT)]."""
    c = by_name(COUNT, counts)  # one array per count
    n_words, n_tokens, n_chars, n_texts = c.words, c.tokens, c.chars, c.lines_with_text
    return {
        "ccnet_length": n_chars,
        "ccnet_nlines": c.lines,
        "rps_doc_curly_bracket": share(c.curly_braces, n_chars),
        "rps_doc_frac_all_caps_words": share(c.tokens_capitals, n_tokens),
        "rps_doc_frac_lines_end_with_ellipsis": share(c.lines_ellipsis, c.lines),
        "rps_doc_frac_no_alph_words": share(c.tokens_no_letter, n_tokens),
        "rps_doc_mean_word_length": share(c.word_chars, n_words),
        "rps_doc_stop_word_fraction": share(c.tokens_stop_word, n_tokens),
        "rps_doc_symbol_to_word_ratio": share(c.symbols, n_tokens),
        "rps_doc_word_count": n_words,
        "n_sentences": c.sentences,
        "frac_lines_bullet": share(c.lines_bullet, n_texts),
        "frac_lines_read_more": share(c.lines_read_more, n_texts),
        "frac_sentences_read_more": share(c.stretches_read_more, c.stretches),
        "frac_lines_javascript": share(c.lines_javascript, n_texts),
        "frac_lines_lorem_ipsum": share(c.lines_lorem_ipsum, n_texts),
        "frac_sentences_duplicate": share(c.stretches_duplicate, c.stretches),
        "frac_chars_duplicate_sentences": share(c.stretch_chars_duplicate, c.stretch_chars),
        "hash_runs_per_word": share(c.hash_runs, n_words),
        "ellipses_per_word": share(c.ellipses, n_words),
        "frac_punctuation": share(c.punctuation, n_chars),
        "frac_words_not_alphabetic": share(c.words_not_alphabetic, n_words),
        "frac_words_numeric": share(c.words_numeric, n_words),
        "frac_chars_bad": share(c.bad_chars, n_chars),
    }


def repetition_signals(shares: Floats, top: str, duplicate: str) -> Measured:
    """Columns of repetition shares by their names' patterns, in which {n} stands for the length."""
    names = [top.format(n=n) for n in TOP_NGRAMS] + [duplicate.format(n=n) for n in DUPLICATE_NGRAMS]
    return {name: shares[:, column] for column, name in enumerate(names)}


def line_signals(lines: npt.NDArray[np.float32], offsets: npt.NDArray[np.int64]) -> Measured:
    """The six line annotations as lists; lines of text i are `lines[offsets[i]:offsets[i + 1]]`."""
    starts = pa.array(offsets, pa.int32())
    columns = (
        ("rps_lines_ending_with_terminal_punctution_mark", LINE.ends_terminal),
        ("rps_lines_javascript_counts", LINE.javascript),
        ("rps_lines_num_words", LINE.words),
        ("rps_lines_numerical_chars_fraction", LINE.numerical),
        ("rps_lines_start_with_bulletpoint", LINE.bullet),
        ("rps_lines_uppercase_letter_fraction", LINE.uppercase),
    )
    return {
        name: pa.ListArray.from_arrays(starts, pa.array(np.ascontiguousarray(lines[:, column])))
        for name, column in columns
    }
