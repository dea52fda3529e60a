"""Brackets and their contents: which belong together, and which grow with what they enclose."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.formulas.tokens import LARGE

PAIRS = {
    "(": ")", "[": "]", "\\{": "\\}", "\\langle": "\\rangle", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil",
}  # fmt: skip
_CLOSING = frozenset(PAIRS.values())
_BARS = ("|", "\\|")
_TALL = frozenset(("\\frac", "\\binom", "\\begin{matrix}", "\\begin{cases}", *LARGE))


def pairs(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """The positions of brackets that belong together, sorted. Linear.

    They stand in the same group and the same cell. Half-open intervals such as `[0, 1)` pair too; bars pair only
    around a matrix, where nothing is ambiguous. The brackets of a root's degree are no brackets.
    """
    found: list[tuple[int, int]] = []
    levels: list[list[int]] = [[]]
    degree = False
    for position, token in enumerate(tokens):
        if token == "{" or token.startswith("\\begin"):  # noqa: S105 - a brace
            levels.append([])
        elif (token == "}" or token.startswith("\\end")) and len(levels) > 1:  # noqa: S105 - a brace
            levels.pop()
        elif token in ("&", "\\\\"):
            levels[-1].clear()
        elif token == "[" and position and tokens[position - 1] == "\\sqrt":  # noqa: S105 - a bracket
            degree = True
        elif token == "]" and degree:  # noqa: S105 - a bracket
            degree = False
        elif token in PAIRS:
            levels[-1].append(position)
        elif token in _CLOSING and levels[-1] and _fits(tokens[levels[-1][-1]], token):
            found.append((levels[-1].pop(), position))
        elif token in _BARS and tokens[position + 1 : position + 2] == ["\\begin{matrix}"]:
            end = _end(tokens, position + 1)
            if tokens[end : end + 1] == [token]:
                found.append((position, end))
    return sorted(found)


def stretched(tokens: Sequence[str]) -> list[str]:
    r"""The tokens with `\left` and `\right` at pairs of brackets around fractions, large operators and matrices."""
    found = list(tokens)
    for opening, closing in pairs(tokens):
        if any(token in _TALL for token in tokens[opening:closing]):
            found[opening] = f"\\left{tokens[opening]}"
            found[closing] = f"\\right{tokens[closing]}"
    return found


def joined(tokens: Sequence[str]) -> str:
    """The tokens as LaTeX; blanks only where a macro would run into a letter, and around `&` and `\\\\`."""
    found: list[str] = []
    for token, after in zip(tokens, (*tokens[1:], ""), strict=True):
        gap = token[0] == "\\" and token[-1].isalpha() and after[:1].isalpha()
        found.append(f" {token} " if token in ("&", "\\\\") else f"{token} " if gap else token)
    return "".join(found).strip()


def _fits(opening: str, closing: str) -> bool:
    return PAIRS[opening] == closing or {opening, closing} in ({"(", "]"}, {"[", ")"})


def _end(tokens: Sequence[str], begin: int) -> int:
    """The position after the end of the environment that begins here."""
    depth = 0
    for position in range(begin, len(tokens)):
        depth += tokens[position].startswith("\\begin")
        depth -= tokens[position].startswith("\\end")
        if not depth:
            return position + 1
    return len(tokens)
