"""LaTeX as tokens of a small fixed vocabulary, one spelling for each look, so that formulas can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

LETTERS = tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = tuple("0123456789")
SIGNS = tuple("+-=<>/,.;:!?|()[]*")


def macros(names: str) -> tuple[str, ...]:
    """The names as macros: `alpha beta` to `\\alpha`, `\\beta`."""
    return tuple(f"\\{name}" for name in names.split())


GREEK = macros(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
RELATIONS = macros(
    "leq geq neq approx equiv sim simeq cong propto in notin ni subset subseteq supset supseteq to leftarrow "
    "leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto ll gg perp"
)
OPERATORS = macros("pm mp times div cdot circ oplus otimes wedge vee cup cap setminus star")
SYMBOLS = macros(
    "forall exists nabla partial infty neg emptyset hbar ell Re Im dagger prime ldots cdots vdots ddots langle "
    "rangle lfloor rfloor lceil rceil | { } quad top angle"
)
LARGE = macros("sum prod int iint oint bigcup bigcap bigoplus")
LIMITS = macros("lim max min sup inf")
FUNCTIONS = macros("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp det dim ker arg gcd deg Pr")
ACCENTS = macros("hat tilde bar vec dot ddot overline widehat widetilde")
ALPHABETS = macros("mathbf mathcal mathbb mathrm")
ENVIRONMENTS = ("matrix", "cases", "aligned")
STRUCTURE = (
    "{", "}", "_", "^", "\\frac", "\\binom", "\\sqrt", "&", "\\\\",
    *(f"\\{side}{{{name}}}" for name in ENVIRONMENTS for side in ("begin", "end")),
)  # fmt: skip

VOCABULARY: tuple[str, ...] = (
    *STRUCTURE, *LETTERS, *DIGITS, *SIGNS, *GREEK, *RELATIONS, *OPERATORS, *SYMBOLS, *LARGE, *LIMITS,
    *FUNCTIONS, *ACCENTS, *ALPHABETS,
)  # fmt: skip
"""All that our own reader and the made formulas write."""
_KNOWN = frozenset(VOCABULARY)

ARGUMENTS: Mapping[str, int] = {
    "\\frac": 2, "\\binom": 2, "\\sqrt": 1, "_": 1, "^": 1, **dict.fromkeys(ACCENTS, 1), **dict.fromkeys(ALPHABETS, 1),
}  # fmt: skip
"""How many groups in braces follow a token."""

_SAME: Mapping[str, str] = {
    "\\le": "\\leq", "\\ge": "\\geq", "\\ne": "\\neq", "\\rightarrow": "\\to", "\\longrightarrow": "\\to",
    "\\gets": "\\leftarrow", "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\dbinom": "\\binom",
    "\\mid": "|", "\\vert": "|", "\\lvert": "|", "\\rvert": "|", "\\Vert": "\\|", "\\lVert": "\\|", "\\rVert": "\\|",
    "\\parallel": "\\|", "\\lbrace": "\\{", "\\rbrace": "\\}", "\\lbrack": "[", "\\rbrack": "]", "\\colon": ":",
    "\\ast": "*", "\\dots": "\\ldots", "\\dotsc": "\\ldots", "\\dotsb": "\\cdots", "\\dotso": "\\ldots",
    "\\land": "\\wedge", "\\lor": "\\vee", "\\lnot": "\\neg", "\\varnothing": "\\emptyset", "\\implies": "\\Rightarrow",
    "\\Longrightarrow": "\\Rightarrow", "\\iff": "\\Leftrightarrow", "\\Longleftrightarrow": "\\Leftrightarrow",
    "\\longmapsto": "\\mapsto", "\\qquad": "\\quad", "\\bm": "\\mathbf", "\\boldsymbol": "\\mathbf",
    "\\text": "\\mathrm", "\\textrm": "\\mathrm", "\\mbox": "\\mathrm", "\\operatorname": "\\mathrm",
    "\\textbf": "\\mathbf", "\\mathsf": "\\mathrm", "\\mathscr": "\\mathcal", "\\mathfrak": "\\mathcal",
    "\\slash": "/", "\\intercal": "\\top", "\\hslash": "\\hbar", "\\lt": "<", "\\gt": ">",
    "−": "-", "–": "-", "′": "'", "·": "\\cdot", "×": "\\times", "≤": "\\leq", "≥": "\\geq",
}  # fmt: skip
_FENCED: Mapping[str, tuple[str, str]] = {
    "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "vmatrix": ("|", "|"), "Vmatrix": ("\\|", "\\|"),
    "Bmatrix": ("\\{", "\\}"),
}  # fmt: skip
_ALIGNED = ("align", "align*", "split", "gather", "gather*", "gathered", "eqnarray", "eqnarray*")
_INVISIBLE = frozenset(
    (
        *macros(
            "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle "
            "scriptstyle limits nolimits nonumber notag boldmath rm it mathit mathnormal hfill , ; : ! >"
        ),
        "\\ ", "~",
    )
)  # fmt: skip
_TOKEN = re.compile(
    r"\\(?:begin|end)\s*\{[A-Za-z]+\*?\}|\\[A-Za-z]+|\\.|\S",
    re.DOTALL,
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")


def split(latex: str) -> list[str]:
    """The tokens of any LaTeX mathematics, as written; blanks and a surrounding `$` or `\\[` are gone."""
    text = latex.strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)")):
        if len(text) > len(opening) + len(closing) - 1 and text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)]
            break
    return _TOKEN.findall(text.strip())


def canonical(latex: str) -> list[str]:
    """The tokens in the one spelling that all formulas of the same look share.

    Spacing, sizes and `\\left` are dropped, synonyms become one, every argument has its braces, indices stand before
    exponents, and primes are exponents. Tokens that the vocabulary lacks are kept as they are. Total: any text has a
    canonical form, and the form of that form is itself.
    """
    return _Writer(_plain(split(latex))).all()


def known(tokens: Sequence[str]) -> bool:
    """Whether the vocabulary holds all tokens."""
    return all(token in _KNOWN for token in tokens)


def _plain(tokens: Sequence[str]) -> list[str]:
    found: list[str] = []
    after_fence = False
    for token in tokens:
        environment = _ENVIRONMENT.fullmatch(token)
        if environment:
            found += _environment(environment.group(1), environment.group(2))
        elif token in _INVISIBLE:
            after_fence = token in ("\\left", "\\right")
            continue
        elif not (token == "." and after_fence):  # noqa: S105 - the empty fence of \left. and \right.
            found.append(_SAME.get(token, token))
        after_fence = False
    return found


def _environment(side: str, name: str) -> list[str]:
    if name in _FENCED:
        opening, closing = _FENCED[name]
        return [opening, "\\begin{matrix}"] if side == "begin" else ["\\end{matrix}", closing]
    if name in ("equation", "equation*", "displaymath", "math"):
        return []
    name = "aligned" if name in _ALIGNED else "matrix" if name in ("array", "smallmatrix") else name
    return [f"\\{side}{{{name}}}"]


class _Writer:
    """A reader of tokens that writes the canonical ones; linear in their number."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def all(self) -> list[str]:
        found: list[str] = []
        while self.at < len(self.tokens):
            if self.tokens[self.at] == "}":  # closes nothing: kept, for `repair` to see
                found.append("}")
                self.at += 1
            found += self.sequence()
        return found

    def sequence(self) -> list[str]:
        found: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at] != "}":
            found += self.item()
        return found

    def item(self) -> list[str]:
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":  # noqa: S105 - a brace
            return self._inside()
        if token in ("_", "^", "'"):
            self.at -= 1
            return self._scripts()
        if token not in ARGUMENTS:
            return [token]
        found = [token]
        if token == "\\sqrt" and self._next() == "[":  # noqa: S105 - a macro
            found += self._degree()
        for _ in range(ARGUMENTS[token]):
            found += self._group()
        return found

    def _next(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _inside(self) -> list[str]:
        """What braces hold, without them: a group of its own looks the same."""
        found = self.sequence()
        self.at += 1
        return found

    def _group(self) -> list[str]:
        if self._next() is None or self._next() == "}":
            return ["{", "}"]
        return ["{", *self.item(), "}"]

    def _degree(self) -> list[str]:
        end = self.at
        while end < len(self.tokens) and self.tokens[end] != "]":
            end += 1
        inside = _Writer(self.tokens[self.at + 1 : end]).all()
        self.at = end + 1
        return ["[", *inside, "]"]

    def _scripts(self) -> list[str]:
        below: list[str] = []
        above: list[str] = []
        while self._next() in ("_", "^", "'"):
            token = self._next()
            self.at += 1
            if token == "'":  # noqa: S105 - a prime
                above.append("\\prime")
            else:
                (below if token == "_" else above).extend(self._group()[1:-1])  # noqa: S105 - an index
        found = ["_", "{", *below, "}"] if below else []
        return [*found, "^", "{", *above, "}"] if above else found


def similarity(left: Sequence[str], right: Sequence[str]) -> float:
    """1 less the edit distance of two formulas over the longer one's tokens; 1 for two empty ones. O(n · m)."""
    longest = max(len(left), len(right))
    return 1.0 - edit_distance(left, right) / longest if longest else 1.0


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """The least number of insertions, removals and replacements (Levenshtein). O(n · m)."""
    row = list(range(len(right) + 1))
    for number, one in enumerate(left, 1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(right, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (one != other))
    return row[-1]
