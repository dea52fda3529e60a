"""Pages in known encodings with true, missing, wrong and conflicting declarations: the measure of charset detection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from neo_assets.web.bundled import seed

RUSSIAN = (
    "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны "
    "поступать в отношении друг друга в духе братства. Каждый человек должен обладать всеми правами и всеми свободами, "
    "провозглашенными настоящей Декларацией, без какого бы то ни было различия, как-то в отношении расы, цвета кожи, "
    "пола, языка, религии, политических или иных убеждений, национального или социального происхождения."
)
"""Universal Declaration of Human Rights, articles 1 and 2."""
GREEK = (
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική "
    "και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης."
)
LENGTHS = {"page": 3_000, "short": 120, "tiny": 20}
"""Characters of text in a page."""
LATIN = "iso-8859-1"


class CharsetCase(NamedTuple):
    """A page: its text, its bytes, what header and meta tag say, and how that relates to the truth."""

    encoding: str
    length: str
    declaration: str
    text: str
    payload: bytes
    header: str | None


def cases() -> Iterator[CharsetCase]:
    """Real text of the seed in every encoding that fits it, in three lengths, under every declaration."""
    for language, encodings in ENCODINGS.items():
        for length, n_chars in LENGTHS.items():
            for encoding in encodings:
                text = _fitting(TEXTS[language][:n_chars], encoding)
                for declaration, header, meta in declarations(encoding):
                    page = _page(text, meta)
                    yield CharsetCase(encoding, length, declaration, page, page.encode(encoding), header)


def declarations(encoding: str) -> Iterator[tuple[str, str | None, str | None]]:
    """What is said of a page in this encoding: a name, the header's charset, the meta tag's."""
    true = encoding.replace("_", "-")
    yield "both true", true, true
    yield "header true", true, None
    yield "meta true", None, true
    yield "none", None, None
    if encoding != "utf-8":
        yield "header wrong (utf-8)", "utf-8", None
        yield "meta wrong (utf-8)", None, "utf-8"
        yield "both wrong (utf-8)", "utf-8", "utf-8"
        yield "header wrong (utf-8), meta true", "utf-8", true
        yield "header true, meta wrong (utf-8)", true, "utf-8"
    if encoding != LATIN:
        yield "header wrong (iso-8859-1)", LATIN, None
        yield "header wrong (iso-8859-1), meta true", LATIN, true
    if encoding not in ("gbk", "gb18030"):
        yield "header wrong (gbk)", "gbk", None
        yield "both wrong (gbk)", "gbk", "gb2312"


def _page(text: str, meta: str | None) -> str:
    tag = f'<meta http-equiv="Content-Type" content="text/html; charset={meta}">' if meta else ""
    return f"<!DOCTYPE html>\n<html><head>{tag}<title>{text[:8]}</title></head>\n<body><p>{text}</p></body></html>\n"


def _fitting(text: str, encoding: str) -> str:
    """The text without the characters that the encoding lacks."""
    return text.encode(encoding, "ignore").decode(encoding)


def _plain(name: str, encoding: str = "utf-8") -> str:
    source = seed.read_bytes(name).decode(encoding).partition("<h1")[2].partition(">")[2]
    import html

    source = re.sub(r"<(script|style).*?</\1>", " ", source, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", source)).split())


def _beyond_ascii(text: str) -> str:
    """Only the sentences of a Western text that have a letter beyond ASCII: others are the same in every encoding."""
    return " ".join(part for part in re.split(r"(?<=[.:]) ", text) if not part.isascii())


TEXTS = {
    "Chinese": "\n".join(seed.laws()[5].lines),
    "Chinese novel": "\n".join(seed.nahan()[3].paragraphs),
    "traditional Chinese": "\n".join("\n".join((poem.title, *poem.lines)) for poem in seed.poems()[40:120]),
    "Japanese": _plain("web/httpd/bind.ja.html"),
    "Korean": _plain("web/httpd/dso.ko.html", "euc-kr"),
    "French": _beyond_ascii(_plain("web/httpd/bind.fr.html", "latin-1")),
    "German": _beyond_ascii(_plain("web/httpd/invoking.de.html", "latin-1")),
    "Turkish": _beyond_ascii(_plain("web/httpd/bind.tr.html")),
    "Russian": RUSSIAN,
    "Greek": GREEK,
}
ENCODINGS = {
    "Chinese": ("utf-8", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"),
    "Chinese novel": ("utf-8", "gbk"),
    "traditional Chinese": ("utf-8", "big5", "big5hkscs", "gbk", "gb18030"),
    "Japanese": ("utf-8", "shift_jis", "euc_jp", "iso2022_jp", "utf-16-le"),
    "Korean": ("utf-8", "euc_kr"),
    "French": ("utf-8", "iso-8859-1", "cp1252"),
    "German": ("utf-8", "iso-8859-1"),
    "Turkish": ("utf-8", "cp1254"),
    "Russian": ("utf-8", "cp1251", "koi8-r"),
    "Greek": ("utf-8", "cp1253"),
}
