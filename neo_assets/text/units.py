"""Documents as sequences of units: words or characters, each a 64-bit hash and a length, in flat arrays.

Units of English are RedPajama-V2's normalised words: stretches between whitespace, without ASCII punctuation,
lower-cased character by character; units of Chinese are what jieba cuts, if it holds a letter or digit, lower-cased.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.hashing import BASE, key64
from neo_assets.text.classes import class_of, decomposed_length_of, lower_of

UInt64s = npt.NDArray[np.uint64]
UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]


class Points(NamedTuple):
    """Texts as code points: text i is `points[offsets[i]:offsets[i + 1]]`."""

    points: UInt32s
    offsets: Int64s


class Units(NamedTuple):
    """Texts as units: those of text i are `hashes[offsets[i]:offsets[i + 1]]`."""

    hashes: UInt64s
    offsets: Int64s


def code_points(texts: Sequence[str]) -> Points:
    """The texts as code points, one after the other."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return Points(points, offsets_of(map(len, texts), len(texts)))


def offsets_of(lengths: Iterable[int], n: int) -> Int64s:
    """Where each of n stretches of these lengths starts, and where the last one ends."""
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, n), out=offsets[1:])
    return offsets


def english_words(texts: Sequence[str]) -> Units:
    """The words of English texts."""
    from neo_assets.text.words import english_units

    points, offsets = code_points(texts)
    return Units(*english_units(points, offsets, class_of(), lower_of(), decomposed_length_of()))


def chinese_words(texts: Sequence[str]) -> Units:
    """The words of Chinese texts."""
    from neo_assets.text.words import chinese_units

    points, cuts, cut_offsets = cut_points(texts)
    return Units(*chinese_units(points.points, points.offsets, cuts, cut_offsets, class_of(), lower_of()))


def cut_points(texts: Sequence[str]) -> tuple[Points, Int64s, Int64s]:
    """(code points, where every segment starts and the last one ends, which segments are of which text)."""
    segments = [segment(text) for text in texts]
    cut_offsets = offsets_of(map(len, segments), len(texts))
    cuts = offsets_of(map(len, chain.from_iterable(segments)), int(cut_offsets[-1]))
    return code_points(texts), cuts, cut_offsets


def segment(text: str) -> list[str]:
    """The jieba words of the text, which together are the text: whitespace and punctuation are among them."""
    import rjieba

    words: list[str] = rjieba.cut(text)
    return words


def unit_hash(word: str) -> int:
    """The hash of one word as it stands: what a list of words is looked up by."""
    h = 0
    for character in word:
        h = (h * int(BASE) + ord(character) + 1) & (2**64 - 1)
    return int(key64(np.uint64(h)))


def unit_hashes(words: Iterable[str]) -> UInt64s:
    """The sorted distinct hashes of the words, each as it stands."""
    return np.unique(np.array([unit_hash(word) for word in words], np.uint64))
