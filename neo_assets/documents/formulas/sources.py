"""Formulas of real texts: those in the seed's mathematics."""

from __future__ import annotations

import re
from functools import lru_cache

from neo_assets.documents.formulas.tokens import canonical, known
from neo_assets.seed import SEED_FOLDER

_INLINE = re.compile(r":math:`([^`]+)`")
_DISPLAY = re.compile(r"^\.\. math::[^\n]*\n((?:[ \t]+[^\n]*\n|\n)+)", re.MULTILINE)


@lru_cache(maxsize=1)
def seed_formulas() -> tuple[list[str], ...]:
    """Canonical tokens of every formula in the seed's reStructuredText that the vocabulary can write, in file order."""
    found: dict[tuple[str, ...], None] = {}
    for path in sorted((SEED_FOLDER / "gold" / "math").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        for latex in (
            *_INLINE.findall(text),
            *(one for block in _DISPLAY.findall(text) for one in block.split("\n\n")),
        ):
            tokens = canonical(latex)
            lines = "\\\\" in tokens and not any(token.startswith("\\begin") for token in tokens)
            if len(tokens) > 1 and known(tokens) and tokens.count("{") == tokens.count("}"):
                found[("\\begin{aligned}", *tokens, "\\end{aligned}") if lines else tuple(tokens)] = None
    return tuple(list(one) for one in found)
