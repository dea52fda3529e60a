"""jusText with the stop words of the page's language (none for Chinese, Japanese and Korean, as it documents), and
readability-lxml's summary as text; both are given the decoded page."""

from __future__ import annotations

import re
from functools import lru_cache

import justext
import lxml.html
from readability import Document

from benchmarks.peers.extraction_protocol import SentPage, serve

STOP_WORDS = {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "tr": "Turkish", "ko": "Korean"}
LANG = re.compile(r"<html[^>]*\blang=\"([a-z]{2})")


@lru_cache(maxsize=8)
def words(language: str) -> frozenset[str]:
    """The stop words of a language; none where jusText has none."""
    name = STOP_WORDS.get(language)
    return frozenset(justext.get_stoplist(name)) if name else frozenset()


def by_justext(page: SentPage) -> str:
    """The paragraphs that are no boilerplate."""
    match = LANG.search(page.decoded[:2000])
    stop = words(match[1] if match else "")
    limits = {} if stop else {"stopwords_low": 0.0, "stopwords_high": 0.0}
    paragraphs = justext.justext(page.decoded.encode("utf-8"), stop, encoding="utf-8", **limits)
    return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)


def by_readability(page: SentPage) -> str:
    """The article that it finds, as text."""
    return str(lxml.html.fromstring(Document(page.decoded).summary()).text_content())


if __name__ == "__main__":
    serve({"jusText, decoded": by_justext, "readability, decoded": by_readability})
