"""LaTeX that a model wrote, made valid: balanced braces, brackets and environments; or refused."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.formulas.fences import joined, stretched
from neo_assets.documents.formulas.tokens import ARGUMENTS, ENVIRONMENTS, canonical

MAX_REPAIRS = 4
"""Beyond it the model did not understand the picture."""
MAX_SAME = 12
"""The longest run of one piece of formula that is believed: small models that are lost repeat themselves."""


class FormulaError(ValueError):
    """LaTeX that cannot be repaired."""


def repaired(latex: str) -> str:
    r"""Valid LaTeX for any LaTeX that is nearly so: in one spelling, with `\left` and `\right` where brackets grow.

    Missing braces at the end are added and those too many dropped, environments closed, arguments given.

    Raises:
        FormulaError: it is empty, needs more than four repairs, or repeats itself without end.
    """
    tokens = canonical(_balanced(latex))
    if not tokens or all(token in ("{", "}", "_", "^", "\\quad") for token in tokens):
        raise FormulaError("the formula is empty")
    if _repeats(tokens):
        raise FormulaError("the formula repeats itself")
    _check(tokens)
    return joined(stretched(tokens))


def valid(tokens: Sequence[str]) -> bool:
    """Whether groups and environments are balanced and every argument is there."""
    try:
        _check(tokens)
    except FormulaError:
        return False
    return True


def _check(tokens: Sequence[str]) -> None:
    stack: list[str] = []
    for position, token in enumerate(tokens):
        if token in ("{", *(f"\\begin{{{name}}}" for name in ENVIRONMENTS)):
            stack.append(token)
        elif token == "}":  # noqa: S105 - a brace
            if not stack or stack.pop() != "{":
                raise FormulaError("a closing brace without its opening one")
        elif token.startswith("\\end{"):
            if not stack or stack.pop() != token.replace("end", "begin"):
                raise FormulaError(f"{token} without its beginning")
        elif token.startswith("\\begin{"):
            raise FormulaError(f"{token} is not known")
        elif token in ("&", "\\\\") and (not stack or stack[-1] == "{"):
            raise FormulaError(f"{token} outside a matrix")
        elif token in ARGUMENTS and token != "\\sqrt" and tokens[position + 1 : position + 2] != ["{"]:  # noqa: S105
            raise FormulaError(f"{token} without an argument")
    if stack:
        raise FormulaError("something is not closed")


def _balanced(latex: str) -> str:
    """The LaTeX with what is not closed closed at the end, and what closes nothing left out."""
    from neo_assets.documents.formulas.tokens import split

    found: list[str] = []
    stack: list[str] = []
    repairs = 0
    for token in split(latex):
        if token == "{" or token.startswith("\\begin{"):  # noqa: S105 - a brace
            stack.append("}" if token == "{" else token.replace("begin", "end"))  # noqa: S105 - a brace
        elif token == "}" or token.startswith("\\end{"):  # noqa: S105 - a brace
            if token not in stack:
                repairs += 1
                continue
            while stack[-1] != token:
                found.append(stack.pop())
                repairs += 1
            stack.pop()
        found.append(token)
    repairs += len(stack)
    if repairs > MAX_REPAIRS:
        raise FormulaError(f"the formula needs {repairs} repairs")
    return " ".join([*found, *reversed(stack)])


def _repeats(tokens: Sequence[str]) -> bool:
    """Whether a piece of one to six tokens follows itself more than `MAX_SAME` times. O(n)."""
    for length in range(1, 7):
        run = 0
        for position in range(length, len(tokens)):
            run = run + 1 if tokens[position] == tokens[position - length] else 0
            if run >= MAX_SAME * length:
                return True
    return False
