"""What MAP-Neo's released Chinese filter measures, from the text as it was crawled.

Written from a description of what that code computes, never from the code. It works on its own form of the text:
full-width symbols translated first, links deleted afterwards, so the kernel must see the text before normalisation.
`released_c9` is the value of rule C9. C3 judges nothing; it is the deletion of links.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from neo_assets.text.counts import DUPLICATE_NGRAMS, TOP_NGRAMS
from neo_assets.text.normalise import SYMBOLS
from neo_assets.text.released import (
    EXCEPTION,
    Values,
    append_values,
    ngram_values,
    ratio,
    share_of_bullet_lines,
    with_exception,
)
from neo_assets.text.units import segment
from neo_assets.text.url_files import read_url_files

_HAN = "\u4e00-\u9fff"
_LINK = re.compile(rf"(?:https?://|www\.)[^\s,，{_HAN}]+")
# The look-behind changes no match: it only keeps a long run of letters from being tried at each of them.
_DOTTED = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){3,}")
_NAME = re.compile(rf"(?<![{_HAN}A-Za-z0-9_-])[A-Za-z0-9-]+\.[a-z]{{2,6}}(?![A-Za-z0-9])")
_BRACKETED = re.compile("【([^【】]*)】")
_SENTENCE_MARKS = re.compile('[.!…?;",]+')
_MARK = re.compile(r"[^\w\s]")
_HASHES = re.compile("#+")
_ELLIPSIS = re.compile(r"…+|\.{2,}")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~…]")
_READ_MORE = ("readmore", "展开", "更多", "。。。")  # the last one is full stops by then, and never found
_SCHEME = re.compile("^https?://")

CHINESE_MEANINGS: dict[str, str] = {
    "released_c1": "characters inside 【】 per character, NFKC",
    "released_c2": "1 where a listed address begins the page's",
    "released_c4": "stretches between runs of . ! … ? ; \" ,",
    "released_c5": "characters, NFKC",
    "released_c6": "characters per jieba word, without marks, NFKC",
    "released_c7": "runs of # per character",
    "released_c8": "ellipses per character",
    "released_c9": "digits per character that is no mark",
    "released_c10": "lines ending in readmore, 展开 or 更多, of all lines",
    "released_c11": "lines starting with a bullet, of all lines",
    "released_c12": "ASCII punctuation and … per character",
    "released_c13": "distinct characters per character",
    "released_c14": "entropy of the characters, nats",
    **{f"released_c{16 + i}": f"(commonest {n} characters - 1) x {n} per character" for i, n in enumerate(TOP_NGRAMS)},
    **{
        f"released_c{19 + i}": f"distinct characters in repeated {n} characters, per character"
        for i, n in enumerate(DUPLICATE_NGRAMS)
    },
    EXCEPTION: "1 where a value would be a division by zero",
}  # fmt: skip


@dataclass(frozen=True)
class AnnotateReleasedChinese:
    """Kernel: appends one column per value of `CHINESE_MEANINGS`; the text must not be normalised yet.

    Attributes:
        addresses: what `read_addresses` gives.
    """

    addresses: tuple[str, ...] = ()

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        urls = batch.column("url").to_pylist()
        measured = [
            None if text is None else {"released_c2": is_listed(url, self.addresses), **measure(text)}
            for text, url in zip(texts, urls, strict=True)
        ]
        return append_values(batch, CHINESE_MEANINGS, measured)


def measure(text: str) -> Values:
    """All values of one document but C2; linear in its length."""
    normal = unicodedata.normalize("NFKC", text)
    text = released_text(text)
    kept = unicodedata.normalize("NFKC", text)
    unmarked = _MARK.sub("", kept)
    words = segment(unmarked)
    n_chars, lines = len(text), text.split("\n")
    characters = Counter(text)
    return with_exception(
        {
            "released_c1": ratio(sum(map(len, _BRACKETED.findall(normal))), len(normal)),
            "released_c4": sum(not stretch.isspace() and stretch != "" for stretch in _SENTENCE_MARKS.split(text)),
            "released_c5": len(kept),
            "released_c6": ratio(len(unmarked), len(words)),
            "released_c7": ratio(len(_HASHES.findall(text)), n_chars),
            "released_c8": ratio(len(_ELLIPSIS.findall(text)), n_chars),
            "released_c9": ratio(sum(map(str.isdigit, unmarked)), len(unmarked)),
            "released_c10": sum(line.strip().endswith(_READ_MORE) for line in lines) / len(lines),
            "released_c11": share_of_bullet_lines(text),
            "released_c12": ratio(len(_PUNCTUATION.findall(text)), n_chars),
            "released_c13": ratio(len(characters), n_chars),
            "released_c14": _entropy(characters, n_chars),
            **ngram_values(text, lambda i: f"released_c{16 + i}"),
        }
    )


def released_text(text: str) -> str:
    """The text that the released filter measures and keeps: symbols translated, then links deleted.

    In this order a sentence such as 他说 OK。good 也行 is cut: "OK.good" looks like a host name by then. Section
    numbers of four parts go too.
    """
    text = text.translate(SYMBOLS)
    for pattern in (_LINK, _DOTTED, _NAME):
        text = pattern.sub("", text)
    return text


def read_addresses(lists: Path) -> tuple[str, ...]:
    """What C2 looks up: the `urls` files of every category, white and neutral ones too; `domains` are not read.

    Raises:
        ValueError: the path is no list in UT1's layout.
    """
    files, _ = read_url_files(lists)
    lines = (line for file in files if file.kind == "urls" for line in file.content.decode("utf-8", "replace").split())
    return tuple(dict.fromkeys(lines))


def is_listed(url: str | None, addresses: tuple[str, ...]) -> float | None:
    """1 where an entry is the beginning of the address without its scheme, whatever follows; None without an address.

    A `www.` is not taken off, and `bad.com/a` also hits `bad.com/about`.
    """
    if url is None:
        return None
    listed, lengths = _entries(addresses)
    address = _SCHEME.sub("", url)
    return float(any(address[:length] in listed for length in lengths))


@lru_cache(maxsize=4)
def _entries(addresses: tuple[str, ...]) -> tuple[frozenset[str], tuple[int, ...]]:
    listed = frozenset(filter(None, addresses))
    return listed, tuple(sorted(set(map(len, listed))))


def _entropy(characters: Counter[str], n_chars: int) -> float | None:
    if not n_chars:
        return None
    return -sum(count / n_chars * math.log(count / n_chars) for count in characters.values())
