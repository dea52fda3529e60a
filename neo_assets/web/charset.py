"""Which encoding a page is in, when its header, its meta tag and its bytes may all disagree.

Declarations are often wrong on Chinese pages (a GBK page behind a server that says UTF-8), so a declaration counts only
if the bytes can be decoded by it. Evidence in this order: byte-order mark; valid UTF-8 with at least one character
beyond ASCII (other encodings hardly ever look so by chance); header and meta tag where they agree; the statistical
detector where it agrees with one of them; for East Asian bytes, an East Asian declaration or else the detector (servers
call everything ISO-8859-1 by default, which fits any bytes); header; meta tag; detector.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

META_BYTES = 4096
"""A meta tag must stand in the first 1,024 bytes by the standard; pages with long heads have it later."""
DETECTOR_BYTES = 1 << 17
META = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
XML = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
SUPERSETS = {
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-11": "cp874",
}
"""What is in real use under these names (WHATWG Encoding Standard, 4.2, as far as Python's codecs follow it)."""


MULTIBYTE = ("gb18030", "big5hkscs", "cp949", "cp932", "euc_jp")
"""East Asian encodings: the detector is sure of them, since single-byte text hardly ever follows their rules."""


def decode(data: bytes, header_charset: str | None = None) -> tuple[str, str]:
    """The text of a page and the name of the encoding it is in.

    Characters that can't be decoded become U+FFFD only where no candidate fits. A byte-order mark is left out.
    Linear in the length; a candidate is tried on the whole page.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff"), encoding
    fallback = None
    for encoding in candidates(data, header_charset):
        fallback = fallback or encoding
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    encoding = fallback or "utf-8"
    return data.decode(encoding, "replace"), encoding


def candidates(data: bytes, header_charset: str | None) -> Iterator[str]:
    """Encodings to try, the likeliest first; names may repeat."""
    header, meta = known(header_charset), declared(data)
    if data.isascii():
        yield header if header and header.startswith("iso2022") else "utf-8"
        return
    if _is_utf8(data):
        yield "utf-8"
        return
    if header and header == meta:
        yield header
    detected = detect(data)
    if detected in (header, meta) and detected:
        yield detected
    if detected in MULTIBYTE:
        yield from (name for name in (header, meta) if name in MULTIBYTE)
        yield detected
    yield from (name for name in (header, meta, detected) if name and name != "utf-8")
    yield from (name for name in (header, meta, detected) if name)


def declared(data: bytes) -> str | None:
    """The encoding that the page itself declares in a meta tag or an XML declaration."""
    head = data[:META_BYTES]
    match = XML.search(head) or META.search(head)
    name = known(match[1].decode("ascii")) if match else None
    return "utf-8" if name and name.startswith("utf-16") else name  # a tag readable as ASCII can't be in UTF-16


def detect(data: bytes) -> str | None:
    """The encoding by the statistics of the bytes (Mozilla's universal detector)."""
    from resiliparse.parse.encoding import detect_encoding

    return known(detect_encoding(data, max_len=DETECTOR_BYTES, html5_compatible=False))


def known(label: str | None) -> str | None:
    """Python's name for a web label, widened to the superset in real use; None for what is no web encoding."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = map_encoding_to_html5(label.strip(), fallback_utf8=False) if label else None
    return SUPERSETS.get(name, name) if name else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
