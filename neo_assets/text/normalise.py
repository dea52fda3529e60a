"""Normalisation: one way of writing, before anything is measured or compared.

Both kernels replace the column `text`, pass every other column through and judge: a document in another language is
rejected (rule `language`), one without text too (rule `empty`), one whose text is missing goes to quarantine.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, with_verdicts
from neo_assets.recipe.lines import SourceSettings
from neo_assets.text.links import remove_links

SYMBOLS = str.maketrans(
    "。！“”＃＄％＆‘’（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～",
    ".!\"\"#$%&''()*+,-/:;<=>?@[\\]^_`{|}~",
)
"""The 34 full-width symbols and their ASCII forms (MAP-Neo Matrix, Chinese stage 1); 、…《》【】 stay."""

_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


def tidy_whitespace(text: str) -> str:
    """The text with \\n line ends, single spaces, trimmed lines, and at most one blank line between paragraphs.

    Invisible characters (controls, soft hyphens, zero-width spaces, byte order marks) are removed.
    """
    text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("\n", _SPACES.sub(" ", text))).strip()


def normalise_chinese(text: str, *, unify_symbols: bool = True, links: bool = False) -> str:
    """NFC text with ASCII forms of the full-width symbols, tidy whitespace and, unless `links`, no links.

    Links go first: once 。 has become a full stop, "OK。good" would look like a host name. Idempotent but for links
    that only appear when another link between their halves is removed.
    """
    text = unicodedata.normalize("NFC", text)
    if not links:
        text = remove_links(text)
    if unify_symbols:
        text = text.translate(SYMBOLS)
    return tidy_whitespace(text)


def normalise_english(text: str) -> str:
    """NFC text with tidy whitespace."""
    return tidy_whitespace(unicodedata.normalize("NFC", text))


@dataclass(frozen=True)
class NormaliseChinese:
    """Kernel: Chinese documents, normalised."""

    unify_symbols: bool = True
    remove_links: bool = True

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [
            None
            if text is None
            else normalise_chinese(text, unify_symbols=self.unify_symbols, links=not self.remove_links)
            for text in batch.column("text").to_pylist()
        ]
        return _judged(batch, texts, "zh")


@dataclass(frozen=True)
class NormaliseEnglish:
    """Kernel: documents of an English source, normalised; `verbatim` (for code) keeps the text as it is."""

    language: str = "en"
    verbatim: bool = False

    @classmethod
    def of(cls, settings: SourceSettings) -> NormaliseEnglish:
        """The kernel for one source of the recipe."""
        return cls(language=settings.language, verbatim="code" in (settings.kind, settings.language))

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        if not self.verbatim:
            texts = [None if text is None else normalise_english(text) for text in texts]
        return _judged(batch, texts, self.language)


def _judged(batch: pa.RecordBatch, texts: list[str | None], wanted: str) -> pa.RecordBatch:
    """The batch with the new texts, and a verdict on each row."""
    rows = [
        _verdict(text, language, score, wanted)
        for text, language, score in zip(
            texts, batch.column("language").to_pylist(), batch.column("language_score").to_pylist(), strict=True
        )
    ]
    verdict, rule, value, threshold, reason = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    )
    index = batch.schema.get_field_index("text")
    batch = batch.set_column(index, batch.schema.field(index), pa.array(texts, batch.schema.field(index).type))
    return with_verdicts(batch, verdict=verdict, rule=rule, value=value, threshold=threshold, reason=reason)


def _verdict(
    text: str | None, language: str | None, score: float | None, wanted: str
) -> tuple[str, str | None, float | None, float | None, str | None]:
    if text is None:
        return QUARANTINED, "normalise", None, None, "the text is missing (null)"
    if language != wanted:
        return REJECTED, "language", score, None, f"the language is {language or 'unknown'}, not {wanted}"
    if not text.strip():
        return REJECTED, "empty", 0.0, 1.0, "no text remains after normalisation"
    return KEPT, None, None, None, None
