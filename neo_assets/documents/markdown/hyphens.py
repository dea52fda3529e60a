"""Words broken over lines: is the hyphen of the word, or only of the line?

Evidence, in this order: how the document itself writes the word elsewhere; a list of English words (of SCOWL, and of
WordNet those with hyphens: `words/LICENCE.txt`); first parts that are usually followed by a hyphen; and else that most
hyphens at line ends are only of the line.
"""

from __future__ import annotations

import lzma
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from neo_assets.documents.markdown.characters import IS_HAN, IS_WIDE

DATA_FILES = ("words/*",)
WORDS = Path(__file__).parent / "words" / "english.txt.xz"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TAIL = re.compile(r"([^\W_]+(?:['’-][^\W_]+)*)-$")
_HEAD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SUSPENDED = re.compile(r"\w- (?:and|or|to|und|bis|et) \S+-$")
"""pre- and post-: the second word keeps its hyphen as the first does."""
_ADDRESS = re.compile(r"(?:https?://|www\.|ftp://)\S*$")
_SUFFIX = re.compile(r"(?:'s|’s|ies|es|s|ed|d|ing|ly|er|ers|ness|able|ment)$")
_KEEPING = frozenset(
    (
        "all", "cross", "ex", "half", "high", "long", "low", "mid", "multi", "non", "post", "pre", "pseudo", "quasi",
        "semi", "short", "so", "two", "three", "well",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """How often words, and words with hyphens, stand within the lines of a document."""

    words: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Vocabulary:
        """From lines; what is broken at a line's end does not count. O(n)."""
        words: Counter[str] = Counter()
        broken = False
        for line in lines:
            found = _WORD.findall(line.lower())
            ends = line.endswith("-") and bool(found)
            words.update(found[1 if broken else 0 : len(found) - 1 if ends else len(found)])
            broken = ends
        return cls(words)

    def keeps_hyphen(self, left: str, right: str) -> bool:
        """Whether `left-right` is written with a hyphen; both may themselves have hyphens."""
        left, right = left.lower(), right.lower()
        inner, outer = re.split("[-]", left)[-1], re.split("[-]", right)[0]
        joined, whole = left + right, f"{left}-{right}"
        here_joined = self.words[joined] + self.words[inner + outer]
        here_whole = self.words[whole] + self.words[f"{inner}-{outer}"]
        if here_joined or here_whole:
            return here_whole > here_joined
        known = known_words()
        if _stem_known(inner + outer, known):
            return False
        if f"{inner}-{outer}" in known:
            return True
        both = all(part in known or self.words[part] for part in (inner, outer))
        if inner == "self":
            return True
        if inner in _KEEPING:
            return outer in known or bool(self.words[outer])
        return both and len(inner) > 2 and len(outer) > 2


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """About 94,000 English words in small letters, 5,000 of them with hyphens. 10 MB; 0.1 s once."""
    return frozenset(lzma.decompress(WORDS.read_bytes()).decode("ascii").split())


def glue(left: str, right: str, vocabulary: Vocabulary, spaced: bool) -> tuple[int, str]:
    """How two lines of a paragraph become one: characters to drop from the left one's end, and what stands between.

    `spaced`: the document has blanks between Chinese and Latin. O(length of the last word).
    """
    if not left or not right:
        return 0, ""
    if left.endswith("\u00ad"):
        return 1, ""
    if left.endswith("-") and right[0].isalnum() and right[0].isascii() | right[0].isalpha():
        return _hyphen(left, right, vocabulary)
    if _ADDRESS.search(left[-200:]) and left[-1] in "/.=?&_%#~" and (right[0].islower() or right[0].isdigit()):
        return 0, ""
    if (left.endswith(" —") or right.startswith("— ")) and not _is_han(right[0]):
        return 0, " "
    return 0, between(left[-1], right[0], spaced)


def between(left: str, right: str, spaced: bool) -> str:
    """What stands between two characters of a text where a line ended: a blank, unless Chinese typography has none."""
    if left == "—" or right == "—":
        return ""
    if _is_wide(left) or _is_wide(right) or (_is_han(left) and _is_han(right)):
        return ""
    if _is_han(left) or _is_han(right):
        other = right if _is_han(left) else left
        if left in "“‘（([" or right in "”’）)],.;:!?%…—·" or other in "“”‘’—…·":
            return ""
        return " " if spaced else ""
    return " "


def _hyphen(left: str, right: str, vocabulary: Vocabulary) -> tuple[int, str]:
    tail = _TAIL.search(left[-100:])
    if tail is None:
        return 0, " " if left[-2:-1] in ("", " ") else ""
    head = _HEAD.match(right[:100])
    first, second = tail.group(1), head.group() if head else ""
    if _ADDRESS.search(left[-200:]) or not second[:1].islower() or any(sign.isdigit() for sign in first + second):
        return 0, ""
    if _SUSPENDED.search(left[-100:]):
        return 0, ""
    if second.split("-")[0] in ("and", "or", "to") and not vocabulary.words[(first + second)]:
        return 0, " "
    return (0, "") if vocabulary.keeps_hyphen(first, second) else (1, "")


def _stem_known(word: str, known: frozenset[str]) -> bool:
    stem = _SUFFIX.sub("", word)
    return word in known or (len(stem) > 3 and (stem in known or stem + "e" in known or stem + "y" in known))


def _is_han(sign: str) -> bool:
    return IS_HAN.match(sign) is not None


def _is_wide(sign: str) -> bool:
    return IS_WIDE.match(sign) is not None
