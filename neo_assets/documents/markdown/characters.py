"""Characters: which are Chinese or Japanese, how a line is cleaned, and where sentences end."""

from __future__ import annotations

import re
import unicodedata

HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Ideographs and kana, for use in a regular expression's class. Korean has blanks between words and is not here."""
WIDE = "\u3001-\u3004\u3008-\u3020\u3030\u303d-\u303f\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
"""Full-width punctuation: it brings its own room, no blank stands beside it."""
IS_HAN = re.compile(f"[{HAN}]")
IS_WIDE = re.compile(f"[{WIDE}]")
IS_CHINESE = re.compile(f"[{HAN}{WIDE}]")

_FULL_WIDTH = {
    code: code - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for code in range(ord(first), ord(last) + 1)
}
_UNFOLDED = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st",
    # Bullets of Symbol and Wingdings, which have no code of their own in text layers.
    0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF06C: "●", 0xF06E: "■", 0xF076: "❖", 0xF0FC: "✓",
    0x2010: "-", 0x00A0: " ", 0x0009: " ", 0x000A: " ", 0x000D: " ", 0x000B: " ", 0x000C: " ", 0x0085: " ",
    0x2028: " ", 0x2029: " ", 0x202F: " ", 0x205F: " ", **dict.fromkeys(range(0x2000, 0x200B), " "),
}  # fmt: skip
_DROPPED = dict.fromkeys(
    [
        *range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0x061C, 0x180E, 0x200B, 0x200E,
        0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF0, 0xFFFC), 0xFFFE, 0xFFFF,
    ]
)  # fmt: skip
_ALWAYS = {**_DROPPED, **_UNFOLDED}
_WITH_WIDTH = {**_ALWAYS, **_FULL_WIDTH}
_SURROGATES = re.compile("[\ud800-\udfff]")
_RADICALS = re.compile("[\u2e80-\u2fdf]")
_BLANKS = re.compile("[ \u3000]+")
_SOFT = "\u00ad"

_CLOSERS = "\"'”’）)]】」』》〉*†‡"
_ENDS = ".!?。！？…．｡"
_NOTE_NUMBER = re.compile(r"(?<=[。！？”）])\s?\d{1,2}$|(?<=[^\W\d]{2}[.!?])\s?\d{1,2}$")
"""The number of a footnote after a sentence."""
_HALF_ENDS = ":：;；"


def clean(text: str, full_width: bool = True) -> str:
    """The line as it should be read: no control characters, ligatures unfolded, NFC, single blanks.

    A soft hyphen within the line is dropped; one at its end stays, for the next line to tell. Kangxi radicals, which
    many text layers have in place of the ideographs that look the same, become those. With `full_width`, full-width
    Latin letters and digits become ASCII; Chinese punctuation stays. Curly quotes stay. O(n).
    """
    text = text.translate(_WITH_WIDTH if full_width else _ALWAYS)
    text = _SURROGATES.sub("", text)
    text = _RADICALS.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = _BLANKS.sub(_blank, text).strip(" \u3000")
    if _SOFT in text:
        text = text[:-1].replace(_SOFT, "") + text[-1]
    return text if text != _SOFT else ""


def clean_code(text: str) -> str:
    """The same for a line of a program: only control characters go; blanks within it stay."""
    return unicodedata.normalize("NFC", _SURROGATES.sub("", text.replace("\t", "    ").translate(_ALWAYS))).rstrip()


def ends_sentence(text: str) -> bool:
    """Whether the text ends with a full stop, a question or exclamation mark or dots, before closing quotes."""
    end = _NOTE_NUMBER.sub("", text[-40:]).rstrip(_CLOSERS + " ")
    return bool(end) and end[-1] in _ENDS


def ends_clause(text: str) -> bool:
    """The same, or a colon or semicolon."""
    return ends_sentence(text) or text.rstrip(_CLOSERS + " ").endswith(tuple(_HALF_ENDS))


def stays_open(text: str) -> bool:
    """Whether the text ends so that it must go on: with a comma, a hyphen or an opening bracket."""
    return text.endswith((",", "，", "、", "-", _SOFT, "(", "（", "“", "「", "《", "["))


def starts_small(text: str) -> bool:
    """Whether the text begins with a small letter, which no sentence does."""
    head = text.lstrip("\"'“‘(（[")
    return bool(head) and head[0].islower()


def _blank(found: re.Match[str]) -> str:
    # A wide blank, or two, is meant as a gap also between Chinese characters: it stays one, and is known by its width.
    run = found.group()
    return "\u3000" if "\u3000" in run else " "
