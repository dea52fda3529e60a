"""Removing links from running Chinese text (MAP-Neo Matrix, Chinese rule C3)."""

from __future__ import annotations

import re

CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ranges of Chinese characters, for use inside a regular expression's brackets."""

TOP_LEVELS = (
    *(
        "biz",
        "cc",
        "cn",
        "com",
        "edu",
        "eu",
        "example",
        "gov",
        "hk",
        "jp",
        "kr",
        "mil",
        "net",
        "org",
        "ru",
        "sg",
        "tv",
        "tw",
        "uk",
    ),
    *("vip", "wang", "xin", "xyz"),
)
"""Top-level domains of nearly all bare host names in Chinese text. Those are left out that also end names of files and
programs (io, js, md, py, sh), that code has behind a dot (info, site, store, top), and English words (it, me, us)."""

_STOP = rf"\s,，\u2018-\u201f\u2026\u3000-\u303f\uff01-\uff65{CJK}"
"""What ends an address: whitespace, a comma, Chinese characters and punctuation."""
_TOP = "|".join(TOP_LEVELS)
_PATH = rf"(?::\d{{1,5}})?(?:/[^{_STOP}]*)?"
_ADDRESS = re.compile(rf"(?:https?://|(?<![A-Za-z0-9.])www\.)[^{_STOP}]*", re.IGNORECASE)
_TOP_LEVEL = re.compile(rf"\.(?:{_TOP})(?![A-Za-z0-9_-])")
_NAME = re.compile(
    rf"(?<![A-Za-z0-9_@./-])(?:(?:[A-Za-z0-9-]+\.){{2,}}|(?<![{CJK}])[A-Za-z0-9-]+\.)(?:{_TOP})"
    rf"(?![A-Za-z0-9_-]|\.[A-Za-z0-9]){_PATH}"
)


def remove_links(text: str) -> str:
    """The text without addresses and without bare host names and what follows them as a path.

    An address starts with http://, https:// or www. and ends at whitespace, a comma or CJK. A host name ends in one of
    `TOP_LEVELS`; one of two labels is kept right behind a Chinese character. Unlike the released code, Chinese
    punctuation ends an address too, and version numbers, section numbers, file names, names of packages (Node.js,
    java.util.concurrent.atomic) and mail addresses stay. Linear in the text.
    """
    if "." not in text and "://" not in text:
        return text
    text = _ADDRESS.sub("", text)
    return _NAME.sub("", text) if _TOP_LEVEL.search(text) else text
