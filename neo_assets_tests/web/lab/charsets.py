"""The same texts in many encodings, declared truly, falsely, or not at all."""

from __future__ import annotations

from dataclasses import replace

from neo_assets.web.bundled.pages import Article, dress, library, with_charset
from neo_assets_tests.web.lab.parts import Part, steady
from neo_assets_tests.web.lab.texts import RIGHTS, originals

HOST = "charsets.lab.test"
# fmt: off
DECLARED: dict[str, tuple[str, str, str | None, str | None]] = {
    "gbk-both": ("novel", "gbk", "gbk", "gbk"),
    "gbk-header": ("novel", "gbk", "gbk", None),
    "gbk-meta": ("novel", "gbk", None, "gb2312"),
    "gbk-none": ("novel", "gbk", None, None),
    "gbk-meta-lies": ("novel", "gbk", "gbk", "utf-8"),
    "gbk-header-lies": ("novel", "gbk", "utf-8", "gbk"),
    "gbk-both-lie": ("novel", "gbk", "utf-8", "iso-8859-1"),
    "gb18030": ("law", "gb18030", "gb18030", "gb18030"),
    "big5hkscs": ("poem", "big5hkscs", "big5-hkscs", None),
    "big5-none": ("poem", "big5hkscs", None, None),
    "utf16": ("novel", "utf-16", None, None),
    "utf16-lies": ("novel", "utf-16", "gbk", None),
    "utf8-lies": ("law", "utf-8", "gbk", "big5"),
    "utf8-none": ("law", "utf-8", None, None),
    "utf8-bom": ("law", "utf-8-sig", "iso-8859-1", None),
    "euc-kr": ("ko", "euc-kr", "euc-kr", "euc-kr"),
    "euc-kr-meta": ("ko", "euc-kr", None, "euc-kr"),
    "euc-jp": ("ja", "euc-jp", None, "euc-jp"),
    "shift-jis": ("ja", "shift_jis", "shift_jis", None),
    "latin-1": ("fr", "latin-1", "iso-8859-1", None),
    "latin-1-meta": ("de", "latin-1", None, "iso-8859-1"),
    "windows-1251": ("ru", "cp1251", "windows-1251", None),
    "koi8-r": ("ru", "koi8-r", None, "koi8-r"),
}
"""Name of a page to its text, its encoding, and what header and meta tag declare."""
PLAIN = {
    "plain-gbk": ("novel", "gbk", "gbk"),
    "plain-gbk-none": ("novel", "gbk", None),
    "plain-utf8": ("law", "utf-8", "utf-8"),
}
# fmt: on


def part(epoch: int) -> Part:
    made = Part(epoch)
    links = []
    for name, (text, encoding, header, meta) in DECLARED.items():
        article = with_charset(_article(f"/{name}.html", text, encoding), encoding, header, meta)
        made.article(article, dress(article, library))
        links.append(article.path)
    for name, (text, encoding, header) in PLAIN.items():
        plain = with_charset(_article(f"/{name}.txt", text, encoding), encoding, header, None)
        article = replace(plain, media_type="text/plain")
        made.article(article, dress(article, library))
        links.append(article.path)
    made.home(HOST, links, *steady())
    return made


def _article(path: str, name: str, encoding: str) -> Article:
    """The text, with what the encoding has no characters for left out."""
    title, paragraphs, lang = originals().get(name) or (name, RIGHTS.get(name, ()), name)
    kept = tuple(text for text in paragraphs if text.encode(encoding, "ignore").decode(encoding) == text)
    return Article(HOST, path, title.encode(encoding, "ignore").decode(encoding), kept, lang)
