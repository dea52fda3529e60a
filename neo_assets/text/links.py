"""Removing links from running Chinese text (MAP-Neo Matrix, Chinese rule C3)."""

from __future__ import annotations

import re

CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ranges of Chinese characters, for use inside a regular expression's brackets."""

_ADDRESS = re.compile(rf"(?:https?://|(?<![A-Za-z0-9.])www\.)[^\s,，。；、“”（）《》【】{CJK}]*", re.IGNORECASE)
_LONG_NAME = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9_-]+\.){3,}[A-Za-z]{2,}(?![A-Za-z0-9_-])", re.ASCII)
_SHORT_NAME = re.compile(rf"(?<![A-Za-z0-9_@./{CJK}-])[A-Za-z0-9-]+\.[a-z]{{2,6}}(?![A-Za-z0-9_])")


def remove_links(text: str) -> str:
    """The text without addresses, without names of four or more labels, and without bare `name.tld`.

    An address ends at whitespace, a comma or CJK. Unlike the released code, it also ends at Chinese punctuation; a
    long name must end in letters, so that section numbers such as 1.2.3.4 stay; and mail addresses stay whole.
    Linear in the text.
    """
    if "." not in text and "://" not in text:
        return text
    for pattern in (_ADDRESS, _LONG_NAME, _SHORT_NAME):
        text = pattern.sub("", text)
    return text
