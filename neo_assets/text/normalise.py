"""Normalisation: one way of writing, before anything is measured or compared.

Both kernels replace the column `text`, pass every other column through, add the length in characters and lines of
the text as it came (`ccnet_original_length`, `ccnet_original_nlines`) and judge: a document in another language is
rejected (rule `language`), one without text too (rule `empty`); one whose address or text is missing, or that has more
characters than `max_chars`, goes to quarantine (rules `url`, `text`, `too_large`). With a line filter, the lines it
removed are told in `removed_lines`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, with_verdicts
from neo_assets.recipe.lists import LineFilterSettings
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.line_filter import REMOVED_LINES, Language, RemovedLine, filter_lines
from neo_assets.text.links import remove_links

MAX_CHARS = 10_000_000
SYMBOLS = str.maketrans(
    "。！“”＃＄％＆‘’（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～",
    ".!\"\"#$%&''()*+,-/:;<=>?@[\\]^_`{|}~",
)
"""The 34 full-width symbols and their ASCII forms (MAP-Neo Matrix, Chinese stage 1); 、…《》【】 stay."""
_FORMS = tuple((chr(symbol), chr(form)) for symbol, form in SYMBOLS.items())

_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff]")
_ODD_SPACE = re.compile(r"[^\S\n ]|  ")
_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


def tidy_whitespace(text: str) -> str:
    """The text with \\n line ends, single spaces, trimmed lines, and at most one blank line between paragraphs.

    Invisible characters (controls, soft hyphens, zero-width spaces, byte order marks) are removed. Looking for what
    is to be replaced costs less than replacing, and most texts are tidy in most respects.
    """
    text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text))
    if _ODD_SPACE.search(text):
        text = _SPACES.sub(" ", text)
    if " \n" in text or "\n " in text:
        text = _LINE_ENDS.sub("\n", text)
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def unify(text: str) -> str:
    """The text with the ASCII forms of the 34 full-width symbols; a replacement each beats one translation of all."""
    for symbol, form in _FORMS:
        if symbol in text:
            text = text.replace(symbol, form)
    return text


def normalise_chinese(text: str, *, unify_symbols: bool = True, links: bool = False) -> str:
    """NFC text with ASCII forms of the full-width symbols, tidy whitespace and, unless `links`, no links.

    Links go first: once 。 has become a full stop, "OK。good" would look like a host name. Idempotent but for links
    that only appear when another link between their halves is removed.
    """
    text = unicodedata.normalize("NFC", text)
    if not links:
        text = remove_links(text)
    if unify_symbols:
        text = unify(text)
    return tidy_whitespace(text)


def normalise_english(text: str) -> str:
    """NFC text with tidy whitespace."""
    return tidy_whitespace(unicodedata.normalize("NFC", text))


@dataclass(frozen=True)
class NormaliseChinese:
    """Kernel: Chinese documents, normalised; full-width symbols unified and links removed unless told not to."""

    unify_symbols: bool = True
    remove_links: bool = True
    max_chars: int = MAX_CHARS
    line_filter: LineFilterSettings | None = None
    bad_words: tuple[str, ...] = ()

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        lines = _Lines(self.line_filter, "zh", self.bad_words)
        return _judged(batch, self._normalise, "zh", self.max_chars, lines)

    def _normalise(self, text: str) -> str:
        return normalise_chinese(text, unify_symbols=self.unify_symbols, links=not self.remove_links)


@dataclass(frozen=True)
class NormaliseEnglish:
    """Kernel: documents of an English source, normalised; `verbatim` (for code) keeps the text and all its lines."""

    language: str = "en"
    verbatim: bool = False
    max_chars: int = MAX_CHARS
    line_filter: LineFilterSettings | None = None
    bad_words: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        settings: SourceSettings,
        max_chars: int = MAX_CHARS,
        line_filter: LineFilterSettings | None = None,
        bad_words: tuple[str, ...] = (),
    ) -> NormaliseEnglish:
        """The kernel for one source of the recipe."""
        verbatim = "code" in (settings.kind, settings.language)
        return cls(settings.language, verbatim, max_chars, line_filter, bad_words)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        lines = _Lines(self.line_filter, "en", self.bad_words, skip=self.verbatim)
        normalise = _verbatim if self.verbatim else normalise_english
        return _judged(batch, normalise, self.language, self.max_chars, lines)


@dataclass(frozen=True)
class _Lines:
    """The line filter, if one is configured; `skip` keeps all lines, but the column as well."""

    settings: LineFilterSettings | None
    language: Language
    bad_words: tuple[str, ...]
    skip: bool = False

    def kept(self, text: str) -> tuple[str, list[RemovedLine]]:
        if self.settings is None or self.skip:
            return text, []
        return filter_lines(text, self.settings, self.language, self.bad_words)


def _verbatim(text: str) -> str:
    return text


def _judged(
    batch: pa.RecordBatch, normalise: Callable[[str], str], wanted: str, max_chars: int, lines: _Lines
) -> pa.RecordBatch:
    """The batch with the new texts, what they were before, and a verdict on each row.

    A text over the limit, or one whose row is not kept for its language, is not even converted: its text becomes null.
    """
    index = batch.schema.get_field_index("text")
    field, given = batch.schema.field(index), batch.column(index)
    n_chars = pc.cast(pc.utf8_length(given), pa.int64())
    n_lines = pc.cast(pc.add(pc.count_substring(given, "\n"), 1), pa.int64())
    urls, languages = batch.column("url").to_pylist(), batch.column("language").to_pylist()
    scores = batch.column("language_score").to_pylist()
    texts: list[str | None] = []
    removed: list[list[RemovedLine] | None] = []
    verdicts: list[_Verdict] = []
    for row, length in enumerate(n_chars.to_pylist()):
        verdict = _unfit(length, urls[row], languages[row], scores[row], wanted, max_chars)
        text: str | None = None
        spans: list[RemovedLine] | None = None
        if verdict is None:
            text, spans = lines.kept(normalise(given[row].as_py()))
            verdict = _SOUND if text.strip() else _EMPTY
        texts.append(text)
        removed.append(spans)
        verdicts.append(verdict)
    batch = batch.set_column(index, field, pa.array(texts, field.type))
    batch = batch.append_column("ccnet_original_length", n_chars).append_column("ccnet_original_nlines", n_lines)
    if lines.settings is not None:
        found = [None if spans is None else [line._asdict() for line in spans] for spans in removed]
        batch = batch.append_column(REMOVED_LINES, pa.array(found, REMOVED_LINES.type))
    columns = zip(*verdicts, strict=True) if verdicts else ([],) * 5
    names = ("verdict", "rule", "value", "threshold", "reason")
    return with_verdicts(batch, **dict(zip(names, map(list, columns), strict=True)))


_UNDETERMINED = "und"
"""ISO 639 code that language identification gives a text without any: an empty one, which is rejected as such."""
_Verdict: TypeAlias = tuple[str, str | None, float | None, float | None, str | None]
_SOUND: _Verdict = (KEPT, None, None, None, None)
_EMPTY: _Verdict = (REJECTED, "empty", 0.0, 1.0, "no text remains after normalisation")


def _unfit(
    length: int | None, url: str | None, language: str | None, score: float | None, wanted: str, max_chars: int
) -> _Verdict | None:
    """The verdict on a document that is not worth normalising, or None."""
    if not url:
        return QUARANTINED, "url", None, None, "url missing"
    if length is None:
        return QUARANTINED, "text", None, None, "the text is missing (null)"
    if length > max_chars:
        return QUARANTINED, "too_large", float(length), float(max_chars), "more characters than max_chars"
    if language not in (wanted, _UNDETERMINED):
        return REJECTED, "language", score, None, f"the language is {language or 'unknown'}, not {wanted}"
    return None
