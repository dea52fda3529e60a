"""Formulas in Markdown: LaTeX that can be set, and the number of an equation."""

from __future__ import annotations

import re

from neo_assets.documents.formulas.repair import FormulaError, repaired

_DOLLARS = re.compile(r"(?<!\\)((?:\\\\)*)\$")
NUMBER = re.compile(r"[(（]\s*((?:[A-Za-z]\.?)?\d{1,3}(?:[.\-–]\d{1,3}){0,3}[a-z]?)\s*[)）]")
"""An equation's number."""


def sound(latex: str) -> str:
    r"""The LaTeX balanced and without `$`; empty where it cannot be repaired, as if the formula had not been read."""
    try:
        return repaired(_DOLLARS.sub(r"\1", latex.strip())) if latex.strip() else ""
    except FormulaError:
        return ""


def numbered(latex: str, number: str | None) -> str:
    r"""With `\tag{number}` at its end, unless it has a number already."""
    if number is None or "\\tag" in latex:
        return latex
    return f"{latex} \\tag{{{number}}}"


def number_of(text: str) -> str | None:
    """The number, where the text is an equation's number and nothing else."""
    found = NUMBER.fullmatch(text.strip(" .·…"))
    return found.group(1) if found else None
