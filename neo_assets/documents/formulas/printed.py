"""Glyphs of a formula by the characters of the page's text layer: their places come from the picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from neo_assets.documents.formulas.atoms import Atom, Measures
from neo_assets.documents.formulas.glyphs import ACCENT_MARKS, FENCES, PARTED, THIN, numbers
from neo_assets.documents.formulas.pieces import Piece
from neo_assets.documents.formulas.tokens import GREEK, LARGE
from neo_assets.documents.model import Line

_NAMES: Mapping[str, str] = {
    "−": "-", "–": "-", "‐": "-", "∗": "*", "⋅": "\\cdot", "·": "\\cdot", "∙": "\\cdot", "×": "\\times", "÷": "\\div",
    "±": "\\pm", "∓": "\\mp", "∘": "\\circ", "⊕": "\\oplus", "⊗": "\\otimes", "∧": "\\wedge", "∨": "\\vee",
    "∪": "\\cup", "∩": "\\cap", "∖": "\\setminus", "⋆": "\\star", "≤": "\\leq", "⩽": "\\leq", "≥": "\\geq",
    "⩾": "\\geq", "≠": "\\neq", "≈": "\\approx", "≡": "\\equiv", "∼": "\\sim", "~": "\\sim", "≃": "\\simeq",
    "≅": "\\cong", "∝": "\\propto", "∈": "\\in", "∉": "\\notin", "∋": "\\ni", "⊂": "\\subset", "⊆": "\\subseteq",
    "⊃": "\\supset", "⊇": "\\supseteq", "→": "\\to", "⟶": "\\to", "←": "\\leftarrow", "↔": "\\leftrightarrow",
    "⇒": "\\Rightarrow", "⟹": "\\Rightarrow", "⇐": "\\Leftarrow", "⇔": "\\Leftrightarrow", "⟺": "\\Leftrightarrow",
    "↦": "\\mapsto", "≪": "\\ll", "≫": "\\gg", "⟂": "\\perp", "⊥": "\\perp", "∀": "\\forall", "∃": "\\exists",
    "∇": "\\nabla", "∂": "\\partial", "∞": "\\infty", "¬": "\\neg", "∅": "\\emptyset", "ℏ": "\\hbar", "ℓ": "\\ell",
    "ℜ": "\\Re", "ℑ": "\\Im", "†": "\\dagger", "′": "\\prime", "'": "\\prime", "⊤": "\\top", "∠": "\\angle",
    "{": "\\{", "}": "\\}", "⟨": "\\langle", "⟩": "\\rangle", "〈": "\\langle", "〉": "\\rangle", "⌊": "\\lfloor",
    "⌋": "\\rfloor", "⌈": "\\lceil", "⌉": "\\rceil", "∣": "|", "∑": "\\sum", "∏": "\\prod", "∫": "\\int",
    "∮": "\\oint", "⋃": "\\bigcup", "⋂": "\\bigcap", "⨁": "\\bigoplus", "^": "\\hat", "ˆ": "\\hat", "\u0302": "\\hat",
    "˜": "\\tilde", "\u0303": "\\tilde", "\u20d7": "\\vec", "ϕ": "\\phi", "φ": "\\varphi", "ϵ": "\\epsilon",
    "ε": "\\varepsilon", "ϑ": "\\vartheta", "∆": "\\Delta", "∶": ":", "µ": "\\mu",
}  # fmt: skip
_GREEK_NAMES = {"LAMDA": "lambda"}
FAR = 1.6
"""Ems of distance and unlikeness from which on ink is not of a character."""
DESCENT = 0.19
"""Ems from the bottom of a character's box to its base line."""
_VARIABLE = frozenset((*FENCES, *LARGE, "|"))
"""Signs that grow, of which pieces of ink are taken whole."""


@lru_cache(maxsize=4096)
def glyph_names(character: str) -> tuple[str, ...]:
    """The glyphs that a character of a text layer may be; none for what is left to the picture."""
    if character in _NAMES:
        return (_NAMES[character],)
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1:
        return ()
    described = unicodedata.name(character, "")
    if plain in _NAMES and plain not in numbers():
        return (_NAMES[plain],)
    if plain.isascii() and plain.isalpha():
        return _letter(plain, described, character)
    if plain in numbers():
        return (plain,)
    greek = unicodedata.name(plain, "").split()
    if len(greek) >= 4 and greek[0] == "GREEK" and greek[2] == "LETTER":
        word = _GREEK_NAMES.get(greek[3], greek[3].lower())
        token = f"\\{word if greek[1] == 'SMALL' else word.capitalize()}"
        return (token,) if token in GREEK else ()
    return ()


def _letter(plain: str, described: str, character: str) -> tuple[str, ...]:
    wanted: tuple[str, ...] = (plain, f"rm {plain}")
    if character != plain:
        if "DOUBLE-STRUCK" in described:
            wanted = (f"bb {plain}",)
        elif "SCRIPT" in described or "FRAKTUR" in described:
            wanted = (f"cal {plain}",)
        elif "BOLD" in described:
            wanted = (f"bf {plain}",)
        elif "ITALIC" in described or plain == "h":
            wanted = (plain,)
        else:
            wanted = (f"rm {plain}",)
    return tuple(one for one in wanted if one in numbers())


def from_layer(
    runs: Sequence[Line], found: Sequence[Piece], measures: Measures
) -> tuple[list[tuple[Atom, list[int]]], set[int]]:
    """Glyphs with the numbers of their pieces of ink, and the numbers of all pieces that characters claim.

    The nearest and most alike are matched first; only signs that are printed in several pieces take more than one.
    """
    ordered = sorted(runs, key=lambda one: (one.box.x0, one.box.y0, one.text))
    places = [_places(run, measures) for run in ordered]
    costs = sorted(
        (cost, number, at, place)
        for number, piece in enumerate(found)
        for at, run in enumerate(ordered)
        for place in range(len(places[at]))
        if (cost := _cost(piece, run, places[at][place], measures)) < FAR
    )
    claims: dict[tuple[int, int], list[int]] = {}
    claimed: set[int] = set()
    for _, number, at, place in costs:
        others = claims.get((at, place), [])
        together = places[at][place][0][0] in PARTED and _same_place(found[number], [found[one] for one in others])
        if number not in claimed and (not others or together):
            claims[at, place] = [*others, number]
            claimed.add(number)
    atoms: list[tuple[Atom, list[int]]] = []
    taken: set[int] = set()
    for at, run in enumerate(ordered):
        parts = [(places[at][place][0], some) for (other, place), some in sorted(claims.items()) if other == at]
        base = _base_of_run(parts, found, run, measures)
        for names, some in parts:
            taken |= set(some)
            atoms.append((_atom(names, [found[one] for one in some], run.size, base), some))
    for at, run in enumerate(ordered):
        for place, (names, left, right) in enumerate(places[at]):
            if names and names[0] in ACCENT_MARKS and (at, place) not in claims:
                atoms = _with_mark(atoms, names[0], (left + right) / 2, run, measures)
    return atoms, taken


def _with_mark(
    atoms: Sequence[tuple[Atom, list[int]]], mark: str, x: float, run: Line, measures: Measures
) -> list[tuple[Atom, list[int]]]:
    """The glyphs with a mark cut off the top of the letter that it touches; unchanged where there is no such letter."""
    found: list[tuple[Atom, list[int]]] = []
    for atom, some in atoms:
        top = atom.base - measures[atom.name][0] * (atom.em or 0.0) if atom.base is not None else atom.y0
        touched = atom.x0 <= x <= atom.x1 and top - atom.y0 > 0.1 * run.size and run.box.y0 <= atom.y0 + 0.3 * run.size
        if touched:
            found.append((Atom(atom.x0, atom.y0, atom.x1, top - 0.02 * run.size, ((mark, -0.05),)), []))
            found.append((replace(atom, y0=top), some))
        else:
            found.append((atom, some))
    return found


def _base_of_run(
    parts: Sequence[tuple[tuple[str, ...], list[int]]], found: Sequence[Piece], run: Line, measures: Measures
) -> float | None:
    bases = sorted(
        max(found[one].y1 for one in some) + measures[names[0]][1] * run.size
        for names, some in parts
        if names[0] not in THIN | _VARIABLE
    )
    return bases[len(bases) // 2] if bases else None


def _atom(names: tuple[str, ...], some: Sequence[Piece], size: float, base: float | None) -> Atom:
    options = tuple((one, -0.001 if len(names) == 1 else -0.69) for one in names)
    plain = names[0] not in _VARIABLE
    x0, y0 = min(one.x0 for one in some), min(one.y0 for one in some)
    x1, y1 = max(one.x1 for one in some), max(one.y1 for one in some)
    return Atom(x0, y0, x1, y1, options, em=size if plain else None, base=base if plain else None)


def _places(run: Line, measures: Measures) -> list[tuple[tuple[str, ...], float, float]]:
    """Each character's glyphs and its usual left and right in pixels; blanks share the room that is left."""
    widths: list[float] = []
    for character in run.text:
        names = glyph_names(character)
        widths.append(0.0 if character.isspace() else (measures[names[0]][2] + 0.08 if names else 0.5))
    room = run.box.width / max(1e-6, run.size) - sum(widths)
    blanks = sum(one.isspace() for one in run.text)
    factor = 1.0 if blanks and room > 0 else (run.box.width / run.size) / max(1e-6, sum(widths))
    each = max(0.0, room) / blanks if blanks else 0.0
    found, at = [], run.box.x0
    for character, width in zip(run.text, widths, strict=True):
        step = (each if character.isspace() else width * factor) * run.size
        if not character.isspace():
            found.append((glyph_names(character), at, at + step))
        at += step
    return found


def _cost(piece: Piece, run: Line, place: tuple[tuple[str, ...], float, float], measures: Measures) -> float:
    """How far a piece of ink is from a character's place, and how unlike its shape, in ems; infinite if too much."""
    names, left, right = place
    if not names or names[0] not in measures:
        return float("inf")
    size, x, y = run.size, (piece.x0 + piece.x1) / 2, (piece.y0 + piece.y1) / 2
    outside = max(run.box.x0 - x, x - run.box.x1, 0.0) / size
    if outside > 0.3 or not run.box.y0 - 0.15 * size <= y <= run.box.y1 + 0.05 * size:
        return float("inf")
    across = abs(x - (left + right) / 2) / size + 2 * outside
    if names[0] in _VARIABLE:
        narrow = names[0] in LARGE or piece.width < 0.5 * piece.height
        return across + 0.1 if narrow else float("inf")
    top, bottom, wide = measures[names[0]]
    if names[0] in ACCENT_MARKS:
        top, bottom = top + 0.45, bottom + 0.45
    wide = max(measures[one][2] for one in names)
    base = run.box.y1 - DESCENT * size
    high, low, width = (base - piece.y0) / size - top, (base - piece.y1) / size - bottom, piece.width / size - wide
    if names[0] in PARTED:
        high, low, width = max(high, 0.0), min(low, 0.0), max(width, 0.0)
    unlike = abs(high) + abs(low) + abs(width)
    return across + unlike if unlike < 0.5 else float("inf")


def _same_place(piece: Piece, others: Sequence[Piece]) -> bool:
    return all(min(piece.x1, one.x1) - max(piece.x0, one.x0) >= 0.4 * min(piece.width, one.width) for one in others)
