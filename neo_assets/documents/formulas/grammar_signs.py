"""The small pieces of made formulas: letters with what hangs on them, numbers, signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from neo_assets.documents.formulas.tokens import ALPHABETS, DIGITS, FUNCTIONS, GREEK, RELATIONS

T = TypeVar("T")


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


COMMON = tuple("xxxxyyzabcdfghijkklmmnnnpqrstuvw")
CAPITALS = tuple("AABBCDEFGHIJKLMNPQRSTUVWXYZ")
WORDS = words(
    "rank tr diag sign softmax ReLU argmin argmax Var Cov KL MSE loss if otherwise where and subject to for all mod "
    "span dist vol in out eff max min total test train model head area rad s.t. i.i.d. d e i"
)


@dataclass
class Signs:
    """Productions without nesting; each gives tokens."""

    rng: Random

    def pick(self, *weighted: tuple[float, Callable[[], T]]) -> T:
        weights = [weight for weight, _ in weighted]
        return self.rng.choices([make for _, make in weighted], weights)[0]()

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def one(self, pool: Sequence[str]) -> list[str]:
        return [self.rng.choice(pool)]

    def group(self, tokens: list[str]) -> list[str]:
        return ["{", *tokens, "}"]

    def fenced(self, tokens: list[str]) -> list[str]:
        pairs = [("(", ")")] * 6 + [("[", "]")] * 3 + [("\\{", "\\}")] * 2 + [("|", "|")] * 2
        pairs += [("\\|", "\\|"), ("\\langle", "\\rangle"), ("\\lfloor", "\\rfloor"), ("\\lceil", "\\rceil")]
        opening, closing = self.rng.choice(pairs)
        return [opening, *tokens, closing]

    def brackets(self, tokens: list[str]) -> list[str]:
        return ["(", *tokens, ")"] if self.chance(0.75) else ["[", *tokens, "]"] if self.chance(0.6) else tokens

    def letter(self) -> list[str]:
        return self.pick(
            (6, lambda: self.one(COMMON)), (2, lambda: self.one(CAPITALS)), (2.6, lambda: self.one(GREEK)),
            (0.9, self.styled),
        )  # fmt: skip

    def styled(self) -> list[str]:
        alphabet = self.rng.choice(ALPHABETS[:3])
        pool = {"\\mathbf": (*COMMON, *CAPITALS), "\\mathcal": CAPITALS, "\\mathbb": tuple("RRRCNZQEP")}[alphabet]
        return [alphabet, *self.group(self.one(pool))]

    def roman(self, word: str | None = None) -> list[str]:
        return ["\\mathrm", *self.group(list(word or self.rng.choice(WORDS)))]

    def name(self) -> list[str]:
        """A letter with what hangs on it: accent, index, exponent, prime."""
        found = self.letter()
        if self.chance(0.1):
            accents = [
                "\\hat",
                "\\hat",
                "\\tilde",
                "\\bar",
                "\\bar",
                "\\vec",
                "\\dot",
                "\\ddot",
                "\\overline",
                "\\widehat",
                "\\widetilde",
            ]
            found = [*self.one(accents), *self.group(found)]
        if self.chance(0.34):
            found += ["_", *self.group(self.subscript())]
        if self.chance(0.2):
            found += ["^", *self.group(self.superscript())]
        return found

    def index(self) -> list[str]:
        return self.one(tuple("iiijjkklmnnnNtT"))

    def subscript(self) -> list[str]:
        return self.pick(
            (5, self.index), (3, lambda: self.one(("0", "1", "1", "2", "2", "3", "4"))),
            (1.2, lambda: [*self.index(), *self.index()]),
            (0.8, lambda: [*self.index(), *self.one("+-"), "1"]), (0.7, lambda: [*self.index(), ",", *self.index()]),
            (0.8, lambda: self.one(GREEK)), (0.8, self.roman), (0.4, lambda: [*self.one("12"), *self.one("12")]),
            (0.5, lambda: self.one(COMMON)), (0.3, lambda: self.one(["\\infty", "+", "-", "*", "\\perp", "\\|"])),
        )  # fmt: skip

    def superscript(self) -> list[str]:
        return self.pick(
            (5, lambda: self.one(("2", "2", "2", "3", "4"))), (2, self.index), (1.2, lambda: ["-", "1"]),
            (1.2, lambda: self.one(["\\prime", "*", "\\top", "\\dagger", "T", "+", "\\circ"])),
            (1, lambda: [*self.index(), *self.one("+-"), "1"]), (1, lambda: ["(", *self.index(), ")"]),
            (0.6, lambda: ["2", *self.index()]),
            (0.5, lambda: [*self.one("123"), "/", *self.one("234")]), (0.5, lambda: ["\\prime", "\\prime"]),
            (0.6, lambda: ["-", *self.name()]), (0.3, lambda: self.one(GREEK)),
        )  # fmt: skip

    def number(self) -> list[str]:
        digits = [str(self.rng.randrange(10)) for _ in range(self.rng.choices((1, 2, 3, 4), (8, 3, 1, 0.5))[0])]
        return (
            [*digits, ".", *self.one(DIGITS), *self.one(DIGITS)[: self.rng.randrange(2)]]
            if self.chance(0.14)
            else digits
        )

    def constant(self) -> list[str]:
        return self.one(
            [
                "\\pi",
                "\\infty",
                "\\hbar",
                "\\ell",
                "\\emptyset",
                "\\nabla",
                "\\partial",
                "\\ldots",
                "\\cdots",
                "!",
                "\\angle",
                "\\Re",
                "\\Im",
                "\\exists",
                "\\neg",
                "?",
                "O",
                "\\vdots",
                "\\ddots",
            ]
        )

    def relation(self) -> list[str]:
        return (
            ["="] if self.chance(0.68) else self.one([*RELATIONS, "<", ">", "\\leq", "\\geq", "\\approx", "\\to", ":"])
        )

    def limits(self, below: list[str], above: list[str]) -> list[str]:
        found = ["_", *self.group(below)] if below else []
        return [*found, "^", *self.group(above)] if above else found

    def simple_function(self) -> list[str]:
        power = ["^", *self.group(["2"])] if self.chance(0.1) else []
        return [*self.one(FUNCTIONS), *power, *self.name()]

    def binomial(self) -> list[str]:
        return ["\\binom", *self.group(self.name()), *self.group(self.index())]
