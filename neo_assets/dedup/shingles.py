"""Text reduced to what is compared, and cut into shingles of characters or words, over flat arrays of code points.

A shingle of w characters begins at every character but the last w - 1; one of n words reaches from the first to the
last of n words in a row. A document shorter than a shingle is its own single one, so short texts are similar only when
equal; or, `short_texts_alike`, it has none, and all such texts are equal. One with nothing left has none.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.packed import utf8_of
from neo_assets.dedup.reducing import DELETED
from neo_assets.recipe.dedup import NearSettings, Normalisation

_ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_FULL_WIDTH_SYMBOLS = "＄＋＜＝＞＾｀｜～"
_BLANK = 32
# Elsewhere stand ideographs, Hangul syllables, private and unassigned characters: none has a lower case, a mark's
# behaviour, or is a space or punctuation; compatibility ideographs, which NFC replaces, are named apart.
_VARIED = (range(0x3400), range(0xA000, 0xAC00), range(0xD7A4, 0xD800), range(0xF900, 0x20000), range(0x2F800, 0x2FA20))

Texts: TypeAlias = Sequence[str | None] | pa.Array


class Points(NamedTuple):
    """Texts as code points: text i is `points[offsets[i]:offsets[i + 1]]`."""

    points: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]


class Words(NamedTuple):
    """Where words are: those of text i are `starts[offsets[i]:offsets[i + 1]]` and `ends`, counted from its begin."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]


class Shingling(NamedTuple):
    """What a shingle is: so many characters or, if `words` is not 0, words; and whether a short text has none."""

    chars: int
    words: int
    short_texts_alike: bool


class Shingled(NamedTuple):
    """Texts ready for the compiled loops that hash their shingles."""

    reduced: Points
    words: Words
    shingling: Shingling


def shingled(texts: Texts, settings: NearSettings) -> Shingled:
    """The texts reduced and, if shingles are of words, with the places of these. Linear in the texts."""
    reduced = reduced_points(texts, settings.normalisation)
    shingling = Shingling(settings.shingle_chars, settings.shingle_words or 0, settings.short_texts_alike)
    return Shingled(reduced, _words(reduced, settings.normalisation, bool(shingling.words)), shingling)


def reduced_points(texts: Texts, normalisation: Normalisation) -> Points:
    """The texts as they are compared.

    English (MAP-Neo Matrix, English MinHash): NFC, lower case, ASCII punctuation deleted, whitespace collapsed to one
    space and trimmed. Chinese: NFC, lower case, all punctuation deleted (ASCII, CJK and full-width) and all whitespace.
    None (MAP-Neo Matrix, Chinese MinHash): as it stands. A null counts as an empty text. Linear in the texts.
    """
    from neo_assets.dedup.reducing import decoded, has_any, reduced

    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    array = pc.fill_null(array.cast(pa.large_string()), "")
    if normalisation == "none":
        return Points(*decoded(*utf8_of(array)))
    # Python changes texts in which one character is not changed on its own; of most languages there are few.
    together = has_any(*utf8_of(array), _changes_together())
    if together.any():
        mask = pa.array(together)
        plain = [unicodedata.normalize("NFC", text).lower() for text in array.filter(mask).to_pylist()]
        array = pc.replace_with_mask(array, mask, pa.array(plain, pa.large_string()))
    return Points(*reduced(*utf8_of(array), _becomes(normalisation)))


def slices(sizes: pa.Array, limit: int) -> Iterator[slice]:
    """Ranges of rows whose sizes sum up to the limit or, with a single row, to more: memory of a kernel bounded."""
    start, total = 0, 0
    for row, size in enumerate(pc.fill_null(sizes, 0).to_pylist()):
        if row > start and total + size > limit:
            yield slice(start, row)
            start, total = row, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))


def _words(reduced: Points, normalisation: Normalisation, wanted: bool) -> Words:
    """Stretches between whitespace; in Chinese, what jieba cuts."""
    from neo_assets.dedup.reducing import words_between_spaces

    if not wanted:
        return Words(np.empty(0, np.int64), np.empty(0, np.int64), np.zeros(1, np.int64))
    if normalisation != "chinese":
        return Words(*words_between_spaces(*reduced, _spaces()))
    import rjieba

    whole = reduced.points.astype("<u4").tobytes().decode("utf-32-le")
    cut = [rjieba.cut(whole[start:end]) for start, end in pairwise(reduced.offsets.tolist())]
    ends = [np.cumsum([len(word) for word in words], dtype=np.int64) for words in cut]
    starts = [np.concatenate([np.zeros(min(places.size, 1), np.int64), places[:-1]]) for places in ends]
    offsets = np.concatenate([[0], np.cumsum([places.size for places in ends], dtype=np.int64)]).astype(np.int64)
    return Words(
        np.concatenate([*starts, np.empty(0, np.int64)]), np.concatenate([*ends, np.empty(0, np.int64)]), offsets
    )


@lru_cache(maxsize=1)
def _changes_together() -> npt.NDArray[np.bool_]:
    """Code points that NFC or lower-casing does not change one by one.

    Marks; what NFC replaces; what it joins with the character before; what becomes two letters; and the capital sigma,
    whose lower case depends on where it stands.
    """
    flags = np.zeros(sys.maxunicode + 1, np.bool_)
    joined = {second for _, second in _canonical_pairs()}
    for point in _varied():
        character = chr(point)
        flags[point] = (
            unicodedata.combining(character) != 0
            or point in joined
            or not unicodedata.is_normalized("NFC", character)
            or len(character.lower()) != 1
        )
    flags[ord("Σ")] = True
    flags[0x1161:0x1176] = flags[0x11A8:0x11C3] = True  # Hangul vowels and finals join what precedes them
    return flags


def _canonical_pairs() -> Iterator[tuple[int, int]]:
    for point in _varied():
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            yield int(parts[0], 16), int(parts[1], 16)


@lru_cache(maxsize=2)
def _becomes(normalisation: Normalisation) -> npt.NDArray[np.uint32]:
    """What each code point becomes: a lower-case one, a blank for whitespace that separates, or DELETED."""
    becomes = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    chinese = normalisation == "chinese"
    deleted = set(_ASCII_PUNCTUATION + _FULL_WIDTH_SYMBOLS if chinese else _ASCII_PUNCTUATION)
    for point in _varied():
        character = lower if len(lower := chr(point).lower()) == 1 else chr(point)
        if character.isspace():
            becomes[point] = DELETED if chinese else _BLANK
        elif character in deleted or (chinese and point < 0x10000 and unicodedata.category(character)[0] == "P"):
            becomes[point] = DELETED
        else:
            becomes[point] = ord(character)
    return becomes


@lru_cache(maxsize=1)
def _spaces() -> npt.NDArray[np.bool_]:
    spaces = np.zeros(sys.maxunicode + 1, np.bool_)
    spaces[[point for point in range(0x3001) if chr(point).isspace()]] = True
    return spaces


def _varied() -> Iterator[int]:
    return (point for stretch in _VARIED for point in stretch)
