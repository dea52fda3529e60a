"""Which encoding a page is in, when its header, its meta tag and its bytes may all disagree.

Declarations are often wrong on Chinese pages (a GBK page behind a server that says UTF-8), so none is believed against
the bytes. Evidence in this order: byte-order mark; NULs as UTF-16 has them; the escapes of ISO-2022-JP; valid UTF-8
with a character beyond ASCII, also with a few broken bytes; East Asian text by the commonness of its characters
(`eastasian`), a declaration being preferred where it fits about as well; then header and meta tag where they agree; a
statistical detector where it sees another script than a declared Western encoding (which is what servers say by default
and what fits any bytes); header; meta tag; detector. Text that was read by a wrong encoding before it was sent is not
mended here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from neo_assets.web.page import eastasian

META_BYTES = 4096
"""A meta tag must stand in the first 1,024 bytes by the standard; pages with long heads have it later."""
DETECTOR_BYTES = 1 << 16
META = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
XML = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)")
TAG = re.compile(rb"<[^<>]*>")
MARKUP = re.compile(r"<[!/?a-zA-Z]")
ISO_2022_JP = re.compile(rb"\x1b\$[@B][!-~]+\x1b\([BJ]")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
UNLIKELY = re.compile("[\x00\ufffd\ue000-\uf8ff]")
"""What wrongly read UTF-16 is full of: NULs, broken surrogates, private characters."""
SUPERSETS = {
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
}
"""What is in real use under these names (WHATWG Encoding Standard, 4.2, as far as Python's codecs follow it)."""
WESTERN = ("cp1252", "iso8859-15", "mac-roman")
OTHER_LATIN = ("cp1250", "iso8859-2", "cp1254", "cp1257", "iso8859-13")
"""Latin encodings that the detector is believed about, if nothing is declared; others it names are Western."""
NO_LATIN = ("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "cp1253", "iso8859-7", "cp1255", "iso8859-8", "cp1256",
            "iso8859-6", "cp874")  # fmt: skip
UTF8_GOOD_TO_BAD = 4
"""A page with this many whole UTF-8 characters to a broken one is UTF-8: other bytes give five broken ones to one."""
MAX_ERROR_SHARE = 0.02
MIN_NUL_SHARE = 0.05


def decode(data: bytes, header_charset: str | None = None) -> tuple[str, str]:
    """The text of a page and the name of the encoding it is in.

    Bytes that can't be decoded become U+FFFD. A byte-order mark is left out. Linear in the length.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff"), encoding
    if data.isascii() and not (b"\x00" in data or b"\x1b" in data):
        return data.decode("ascii"), "utf-8"
    best: tuple[float, str, str] | None = None
    tried: set[str] = set()
    for encoding in candidates(data, header_charset):
        if encoding in tried:
            continue
        tried.add(encoding)
        text = data.decode(encoding, "replace")
        if encoding == "utf-8":
            return text, encoding
        share = _error_share(text)
        if share <= MAX_ERROR_SHARE:
            return text, encoding
        if best is None or share < best[0]:
            best = share, text, encoding
    return best[1:] if best else (data.decode("utf-8", "replace"), "utf-8")


def candidates(data: bytes, header_charset: str | None) -> Iterator[str]:
    """Encodings to try, the likeliest first; names may repeat. UTF-8 stands among them only if the bytes fit it."""
    header, meta = known(header_charset), declared(data)
    sure = _wide(data, header) or _by_form(data, (header, meta))
    if sure:
        yield sure
        return
    named = _possible(data, (header, meta))
    asian = eastasian.best(data, (header, meta))
    if asian:
        yield asian
    if header == meta:
        yield from named
    detected = detect(data)
    if detected and (detected in named or (detected in NO_LATIN and set(named) <= set(WESTERN))):
        yield detected
    yield from named
    if detected and detected not in WESTERN:
        yield detected
    yield "cp1252"


def _possible(data: bytes, declarations: tuple[str | None, ...]) -> list[str]:
    """The declared encodings that the bytes may be in, no UTF; a Western one, which servers say by default, last."""
    named = [name for name in declarations if name and not name.startswith(("utf-", "iso2022"))]
    possible = [name for name in named if name not in eastasian.ENCODINGS or eastasian.possible(data, name)]
    return sorted(possible, key=lambda name: name in WESTERN)


def declared(data: bytes) -> str | None:
    """The encoding that the page itself declares in a meta tag or an XML declaration."""
    head = data[:META_BYTES]
    match = XML.search(head) or META.search(head)
    name = known(match[1].decode("ascii")) if match else None
    return "utf-8" if name and name.startswith("utf-16") else name  # a tag readable as ASCII can't be in UTF-16


def detect(data: bytes) -> str | None:
    """The encoding by the statistics of the bytes between tags (Mozilla's universal detector)."""
    from resiliparse.parse.encoding import detect_encoding

    text = TAG.sub(b" ", data[: 4 * DETECTOR_BYTES])
    name = known(detect_encoding(text, max_len=DETECTOR_BYTES, html5_compatible=False))
    if name is None or name in (*eastasian.ENCODINGS, *OTHER_LATIN, *NO_LATIN):
        return name
    return "cp1252"


def known(label: str | None) -> str | None:
    """Python's name for a web label, widened to the superset in real use; None for what is no web encoding."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = map_encoding_to_html5(label.strip(), fallback_utf8=False) if label else None
    return SUPERSETS.get(name, name) if name else None


def _by_form(data: bytes, named: tuple[str | None, ...]) -> str | None:
    """UTF-8 or ISO-2022-JP, which other encodings hardly ever look like by chance."""
    if data.isascii():
        return "iso2022_jp_ext" if ISO_2022_JP.search(data) else "utf-8"
    try:
        text, n_broken = data.decode("utf-8"), 0
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        n_broken = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    if not n_broken and (named[0] not in eastasian.ENCODINGS or named[0] != named[1]):
        return "utf-8"
    n_beyond = len(text) - len(text.encode("ascii", "ignore"))
    if n_broken * (UTF8_GOOD_TO_BAD + 1) > n_beyond:
        return None
    # Two or three Chinese characters in GBK may be valid UTF-8: then header and meta tag decide, if they agree.
    if named[0] in eastasian.ENCODINGS and named[0] == named[1] and n_beyond <= 3 and _is_narrow(text):
        return None
    return "utf-8"


def _is_narrow(text: str) -> bool:
    """Whether every character takes one or two bytes in UTF-8, and not all of them are Western signs such as ©."""
    return "\u0100" <= max(text, default="") < "\u0800"


def _wide(data: bytes, header: str | None) -> str | None:
    """UTF-16 without a mark: by its markup, its NULs, or the header if the bytes fit it."""
    head = data[:META_BYTES]
    if b"\x00" in head:
        for name in ("utf-16-le", "utf-16-be"):
            if MARKUP.search(head.decode(name, "ignore")):
                return name
        n_even, n_odd = head[::2].count(0), head[1::2].count(0)
        if max(n_even, n_odd) > MIN_NUL_SHARE * len(head) / 2:  # some Chinese characters have a NUL byte, too
            for name in ("utf-16-le", "utf-16-be") if n_odd >= n_even else ("utf-16-be", "utf-16-le"):
                if not UNLIKELY.search(head.decode(name, "ignore")):
                    return name
    if header and header.startswith("utf-16") and len(data) % 2 == 0 and not data.isascii():
        text = data.decode(header, "replace")
        if not UNLIKELY.search(text) and _by_form(data, (None, None)) is None:
            return header
    return None


def _error_share(text: str) -> float:
    """Broken characters among those beyond ASCII; one at the very end, where a page was cut off, is none."""
    n_broken = text.count("\ufffd") - text.rstrip().endswith("\ufffd")
    return n_broken / max(1, len(text) - len(text.encode("ascii", "ignore"))) if n_broken else 0.0
