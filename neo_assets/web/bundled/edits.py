"""Copies of known degree: a given share of a text's words (English) or characters (Chinese) replaced."""

from __future__ import annotations

import random
import re

UNIT = re.compile(r"[㐀-鿿]|[A-Za-z][A-Za-z'-]*")
"""What an edit replaces: one ideograph, or one word of letters."""
SEPARATOR = "\x1e"
"""Stands between paragraphs while they are edited as one text (a paragraph may hold line breaks)."""


def edited(paragraphs: tuple[str, ...], share: float, key: str) -> tuple[str, ...]:
    """The paragraphs with `round(share * units)` of their units replaced by other units of the same kind and text.

    The choice depends on `key` alone. A unit is never replaced by itself; fewer are replaced only where the text has
    no second ideograph (or word) to replace one by.
    """
    rng = random.Random(f"edit:{share}:{key}")
    text = SEPARATOR.join(paragraphs)
    spans = [match.span() for match in UNIT.finditer(text)]
    units = sorted({text[begin:end] for begin, end in spans})
    others = {ascii_: [unit for unit in units if unit.isascii() == ascii_] for ascii_ in (True, False)}
    replaceable = [(begin, end) for begin, end in spans if len(others[text[begin].isascii()]) > 1]
    n_edits = min(round(share * len(spans)), len(replaceable))
    pieces, end_of_last = [], 0
    for begin, end in sorted(rng.sample(replaceable, n_edits)):
        pieces += [text[end_of_last:begin], _other(others[text[begin].isascii()], text[begin:end], rng)]
        end_of_last = end
    pieces.append(text[end_of_last:])
    return tuple("".join(pieces).split(SEPARATOR)) if paragraphs else paragraphs


def _other(units: list[str], unit: str, rng: random.Random) -> str:
    chosen = units[rng.randrange(len(units) - 1)]
    return chosen if chosen != unit else units[-1]
