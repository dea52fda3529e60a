"""Markdown escaping (CommonMark 0.31): text never becomes markup by accident, without more backslashes than needed."""

from __future__ import annotations

import re

from neo_assets.documents.markdown.strand import Strand

_START = re.compile(
    r"(?m)^ {0,3}(?:#{1,6}(?=[ \t]|$)|>|[-+](?=[ \t]|$)|={1,}(?=[ \t]*$)|-{2,}(?=[ \t]*$)|(?:[-_*][ \t]*){3,}$"
    r"|\*(?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)|~{3,})"
)
_INLINE = re.compile(
    r"\\(?=[!-/:-@\[-`{-~]|$|\n)"  # a backslash that would escape what follows, or break the line
    r"|`+"
    r"|\*+"
    r"|_+"
    r"|~~"
    r"|<(?=[A-Za-z/!?])"
    r"|&(?=#?[A-Za-z0-9]{1,31};)"
    r"|\[(?=[^\[\]\n]*\][(\[:])|\[(?=\^)|!(?=\[)|\](?=[(\[:])"
    r"|\$"
)
_LINK = re.compile(r"[\[\]\\`*_<&$]")


def escaped(strand: Strand, start: bool = True) -> Strand:
    """The text so that a Markdown reader shows it as it is. O(n).

    `start`: it begins a block, so that what would begin a list, a heading or a quotation is escaped as well.
    """
    text = strand.text
    if not _NEEDS.search(text):
        return strand
    ticks, dollars, stars, tildes = (text.count(mark) > 1 for mark in ("`", "$", "*", "~~"))
    lows = text.count("_") > 1

    def inline(found: re.Match[str]) -> str:
        mark = found.group()
        before = text[found.start() - 1 : found.start()] or " "
        after = text[found.end() : found.end() + 1] or " "
        lone = before.isspace() and after.isspace()
        if mark[0] == "`":
            needed = ticks or len(mark) > 2
        elif mark[0] == "$":
            needed = dollars
        elif mark[0] == "*":
            needed = (stars or len(mark) > 1) and not lone
        elif mark[0] == "_":
            # Within a word an underscore is only itself.
            needed = (lows or len(mark) > 1) and not lone and not (before.isalnum() and after.isalnum())
        elif mark == "~~":
            needed = tildes
        else:
            needed = True
        return "".join("\\" + one for one in mark) if needed else mark

    strand = strand.sub(_INLINE, inline)
    return strand.sub(_START, _start) if start else strand


_NEEDS = re.compile(r"[\\`*_~<&\[!$]|(?m:^ {0,3}[#>+=-])|(?m:^ {0,3}\d{1,9}[.)])")


def link_text(strand: Strand) -> Strand:
    """Text for the brackets of a link or a picture: every mark escaped."""
    return strand.sub(_LINK, lambda found: "\\" + found.group())


def fence(lines: list[str]) -> str:
    """The fence for a block of code with those lines: longer than any within."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    return "`" * max(3, longest + 1)


def _start(found: re.Match[str]) -> str:
    mark = found.group().lstrip(" ")
    if mark[0].isdigit():
        return mark[:-1] + "\\" + mark[-1]
    return "\\" + mark
