"""The glyphs that formulas are made of: how each is set, what it is written as, and what it can be in a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from neo_assets.documents.formulas.tokens import DIGITS, GREEK, LARGE, LETTERS, OPERATORS, RELATIONS, macros

BOLD = LETTERS
CALLIGRAPHIC = LETTERS[26:]
BLACKBOARD = tuple("CEHKNPQRZ")
ACCENT_MARKS = ("\\hat", "\\tilde", "\\vec")
"""Accents with a shape of their own; the others are dots and bars."""
FENCES = ("(", ")", "[", "]", "\\{", "\\}", "\\langle", "\\rangle", "\\lfloor", "\\rfloor", "\\lceil", "\\rceil", "|")
_SIGNS = ("+", "-", "=", "<", ">", "/", ",", ".", ":", ";", "!", "?", "*")
_OTHERS = macros(
    "forall exists nabla partial infty neg emptyset hbar ell Re Im dagger prime top perp angle setminus star"
)


@dataclass(frozen=True, slots=True)
class Glyph:
    """One class of the classifier."""

    name: str
    """Unique: the token, with rm, bf, cal or bb before a letter of another alphabet."""
    source: str
    """As mathtext sets it."""
    tokens: tuple[str, ...]
    """As canonical LaTeX."""

    @property
    def alphabet(self) -> str:
        """rm, bf, cal, bb, or nothing."""
        return self.name.partition(" ")[0] if " " in self.name else ""


def _styled(alphabet: str, macro: str, letters: tuple[str, ...]) -> list[Glyph]:
    return [Glyph(f"{alphabet} {one}", f"\\{macro}{{{one}}}", (f"\\{macro}", "{", one, "}")) for one in letters]


@lru_cache(maxsize=1)
def glyphs() -> tuple[Glyph, ...]:
    """All classes; their order is part of the weights."""
    large = tuple(one for one in LARGE if one != "\\iint")
    plain = dict.fromkeys(
        (*LETTERS, *DIGITS, *GREEK, *_SIGNS, *RELATIONS, *OPERATORS, *_OTHERS, *FENCES, *large, "\\sqrt")
    )
    marks = [Glyph(one, f"{one}{{\\ }}", (one,)) for one in ACCENT_MARKS]
    return (
        *(Glyph(one, {"\\|": "|"}.get(one, one), (one,)) for one in plain if one != "\\neg"),
        Glyph("\\neg", "\\neg", ("\\neg",)), *_styled("rm", "mathrm", LETTERS), *_styled("bf", "mathbf", BOLD),
        *_styled("cal", "mathcal", CALLIGRAPHIC), *_styled("bb", "mathbb", BLACKBOARD), *marks,
    )  # fmt: skip


@lru_cache(maxsize=1)
def numbers() -> Mapping[str, int]:
    """The class of each name."""
    return {one.name: number for number, one in enumerate(glyphs())}


@lru_cache(maxsize=1)
def digest() -> str:
    """What weights were trained for: 16 hex digits of the SHA-256 of the names."""
    return sha256("\n".join(one.name for one in glyphs()).encode()).hexdigest()[:16]


PARTED = frozenset(
    (
        "i",
        "j",
        "rm i",
        "rm j",
        "bf i",
        "bf j",
        "=",
        ":",
        ";",
        "!",
        "?",
        "\\leq",
        "\\geq",
        "\\neq",
        "\\approx",
        "\\equiv",
        "\\simeq",
        "\\cong",
        "\\subseteq",
        "\\supseteq",
        "\\pm",
        "\\mp",
        "\\div",
        "\\Xi",
        "\\Theta",
        "\\Rightarrow",
        "\\Leftarrow",
        "\\Leftrightarrow",
        "\\vartheta",
        "\\theta",
        "\\hbar",
    )
)
"""Glyphs that may be printed as several pieces."""
THIN = frozenset(("-", ".", "\\cdot", ",", "\\prime", "|", "/", "\\sim", "*", "\\circ", "\\star", "\\hat", "\\tilde"))
"""Glyphs whose size says little about the letters beside them."""
