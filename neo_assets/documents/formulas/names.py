"""Names of functions among the letters of a line, and the signs that take limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.formulas.atoms import LARGE_SIGNS, Atom, Tally
from neo_assets.documents.formulas.tokens import FUNCTIONS, LIMITS

NAMES = {one[1:].replace("P", "p"): one for one in sorted((*FUNCTIONS, *LIMITS), key=len, reverse=True)}
_LIMITS = frozenset(LIMITS)
_LIKE = {"1": "l", "|": "l", "rm I": "l", "\\ell": "l", "I": "l"}
_ALIKE = frozenset("CSOVWXZPKU")
"""Capitals that look like their small letters."""
UPRIGHT = 0.2
"""Mean probability of upright letters from which on letters are a name."""


def named(atoms: list[Atom], em: float, tally: Tally) -> list[Atom]:
    """The atoms with letters that spell a function's name as one atom. Linear but for a sort."""
    ordered = sorted(atoms, key=lambda one: (one.x0, one.y0))
    found: list[Atom] = []
    used: set[int] = set()
    for at, atom in enumerate(ordered):
        if at in used:
            continue
        chain = _chain(ordered, at, em)
        length = _spelled([ordered[one] for one in chain])
        if not length:
            found.append(atom)
            continue
        some = [ordered[one] for one in chain[:length]]
        used |= set(chain[:length])
        word = "".join(_letter(one)[0] for one in some)
        tally.logarithms += [max(-1.0, _letter(one)[2]) for one in some]
        token = NAMES[word]
        last = next((one for one in some if _letter(one)[0] not in "gpqyj"), some[0])
        found.append(
            Atom(
                some[0].x0, min(one.y0 for one in some), some[-1].x1, max(one.y1 for one in some), (), (token,),
                em=some[0].em, base=last.base if last.base is not None else last.y1, operator=token in _LIMITS,
                word=True,
            )
        )  # fmt: skip
    return found


def operators(atoms: Sequence[Atom]) -> list[Atom]:
    """The same with large signs marked as what takes limits."""
    return [replace(one, operator=True) if one.name in LARGE_SIGNS else one for one in atoms]


def _chain(ordered: Sequence[Atom], at: int, em: float) -> list[int]:
    """The numbers of up to six letters that follow each other closely on one line; others may lie below or above."""
    found = [at]
    for number in range(at + 1, len(ordered)):
        if len(found) == 6 or ordered[number].x0 > ordered[found[-1]].x1 + 0.25 * em:
            break
        if _follows(ordered[found[-1]], ordered[number], em):
            found.append(number)
    return found


def _spelled(some: Sequence[Atom]) -> int:
    """How many of the atoms spell a name, the longest; 0 for none."""
    usable = next((number for number, one in enumerate(some) if not _letter(one)[0]), len(some))
    for length in range(usable, 1, -1):
        word = "".join(_letter(one)[0] for one in some[:length])
        if word in NAMES and sum(_letter(one)[1] for one in some[:length]) / length >= UPRIGHT:
            return length
    return 0


def _letter(atom: Atom) -> tuple[str, float, float]:
    """A letter, the probability that it is an upright one, and the logarithm of that it is this letter."""
    from math import exp, log

    letters: dict[str, float] = {}
    upright = 0.0
    for name, chance in atom.options:
        plain = name.removeprefix("rm ").removeprefix("bf ")
        letter = _LIKE.get(name, plain if len(plain) == 1 else "")
        letter = letter.lower() if letter in _ALIKE else letter
        if letter.isascii() and letter.isalpha():
            letters[letter] = letters.get(letter, 0.0) + exp(chance)
            upright += exp(chance) if name.startswith(("rm ", "bf ")) or name in _LIKE else 0.0
    if not letters:
        return "", 0.0, -9.0
    best = max(letters, key=lambda one: letters[one])
    return (best, upright, log(max(1e-9, min(1.0, letters[best])))) if letters[best] > 0.3 else ("", 0.0, -9.0)


def _follows(left: Atom, right: Atom, em: float) -> bool:
    near = -0.1 * em < right.x0 - left.x1 < 0.2 * em
    return near and min(left.y1, right.y1) - max(left.y0, right.y0) > 0.4 * min(left.height, right.height)
