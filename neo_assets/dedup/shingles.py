"""Text reduced to what is compared, and its character shingles as hashes, over flat arrays of code points.

A document of n reduced characters has n - w + 1 shingles of w characters; one shorter than w is its own single shingle,
so short texts are similar only when equal; one with nothing left has none and is never a duplicate.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Normalisation = Literal["english", "chinese"]
KEEP, DELETE, SPACE = 0, 1, 2
_ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Points(NamedTuple):
    """Texts as code points: text i is `points[offsets[i]:offsets[i + 1]]`."""

    points: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]


def reduced_points(texts: Sequence[str], normalisation: Normalisation) -> Points:
    """The texts as they are compared.

    English (MAP-Neo Matrix, English MinHash): NFC, lower case, ASCII punctuation deleted, whitespace collapsed to one
    space and trimmed. Chinese: NFC, lower case, all punctuation deleted (ASCII, CJK and full-width) and all whitespace.
    A null counts as an empty text. Linear in the texts.
    """
    from neo_assets.dedup.hashing import compact

    lowered = [unicodedata.normalize("NFC", text or "").lower() for text in texts]
    offsets = np.zeros(len(lowered) + 1, np.int64)
    np.cumsum([len(text) for text in lowered], out=offsets[1:])
    points = np.frombuffer("".join(lowered).encode("utf-32-le", "surrogatepass"), np.uint32)
    return Points(*compact(points, offsets, _actions(normalisation)))


def distinct_shingles(reduced: Points, shingle_chars: int) -> list[npt.NDArray[np.uint64]]:
    """The sorted distinct 64-bit shingle hashes of each text."""
    from neo_assets.dedup.hashing import shingle_hashes

    ends = reduced.offsets.tolist()
    return [np.unique(shingle_hashes(reduced.points[start:end], shingle_chars)) for start, end in pairwise(ends)]


def jaccard(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> float:
    """Jaccard similarity of two sets given as sorted distinct hashes; 0 when both are empty.

    Exact but for collisions of 64-bit hashes: below 1e-8 for two texts of 300,000 characters each.
    """
    shared = np.intersect1d(left, right, assume_unique=True).size
    union = left.size + right.size - shared
    return shared / union if union else 0.0


@lru_cache(maxsize=2)
def _actions(normalisation: Normalisation) -> npt.NDArray[np.uint8]:
    """What happens to each code point: KEEP, DELETE or SPACE."""
    actions = np.zeros(sys.maxunicode + 1, np.uint8)
    actions[[ord(character) for character in _ASCII_PUNCTUATION]] = DELETE
    for point in range(0x10000 if normalisation == "chinese" else 0x3001):  # no space or CJK mark lies above
        character = chr(point)
        if character.isspace():
            actions[point] = SPACE if normalisation == "english" else DELETE
        elif normalisation == "chinese" and unicodedata.category(character)[0] == "P":
            actions[point] = DELETE
    if normalisation == "chinese":
        actions[[ord(character) for character in "＄＋＜＝＞＾｀｜～"]] = DELETE  # full-width forms of ASCII symbols
    return actions
