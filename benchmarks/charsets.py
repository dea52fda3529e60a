"""Charset detection: ours, the order of the standard, and two detectors, on pages in known encodings."""

from __future__ import annotations

from collections.abc import Callable

from charset_normalizer import from_bytes
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from benchmarks.charset_cases import CharsetCase, cases
from benchmarks.report import Table
from neo_assets.web.page.charset import MARKS, declared, decode, known

NOTES = (
    "Pages whose text is decoded without a wrong character: real text of the seed in 18 encodings, as a page of "
    "3,000 characters, of 120 and of 20, under up to 13 declarations. The standard's order is byte-order mark, header, "
    "meta tag, windows-1252 (WHATWG; browsers then guess by locale). The detectors see the bytes only."
)


def ours(case: CharsetCase) -> str:
    """Our decision."""
    return decode(case.payload, case.header)[0]


def standard(case: CharsetCase) -> str:
    """Mark, header, meta tag, in this order, whatever the bytes say."""
    for mark, encoding in MARKS:
        if case.payload.startswith(mark):
            return case.payload.decode(encoding, "replace").removeprefix("\ufeff")
    name = known(case.header) or declared(case.payload) or "cp1252"
    return case.payload.decode(name, "replace")


def detector(case: CharsetCase) -> str:
    """resiliparse's detector."""
    return str(bytes_to_str(case.payload, detect_encoding(case.payload)))


def normalizer(case: CharsetCase) -> str:
    """charset-normalizer's best guess."""
    best = from_bytes(case.payload).best()
    return str(best) if best else ""


METHODS: dict[str, Callable[[CharsetCase], str]] = {
    "neo-assets": ours,
    "header, then meta tag (WHATWG)": standard,
    "resiliparse's detector": detector,
    "charset-normalizer": normalizer,
}


def accuracy(quick: bool = False) -> Table:
    """Right decisions by declaration and method; a quick run takes short pages only."""
    known_cases = [case for case in cases() if not quick or case.length == "tiny"]
    right = {name: {case for case in known_cases if method(case) == case.text} for name, method in METHODS.items()}
    rows = []
    for declaration in (*dict.fromkeys(case.declaration for case in known_cases), "**all**"):
        group = [case for case in known_cases if declaration in (case.declaration, "**all**")]
        counts = (sum(case in found for case in group) for found in right.values())
        rows.append((declaration, str(len(group)), *(f"{count / len(group):.1%}" for count in counts)))
    return Table("Charsets", ("declaration", "pages", *METHODS), rows, NOTES)
