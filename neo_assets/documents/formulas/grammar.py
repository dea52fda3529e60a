"""Formulas as they are typically written, made from a seed number: what readers are measured with."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from neo_assets.documents.formulas.grammar_parts import Parts
from neo_assets.documents.formulas.grammar_signs import CAPITALS, COMMON
from neo_assets.documents.formulas.sources import seed_formulas
from neo_assets.documents.formulas.tokens import DIGITS, GREEK, canonical


def formula(rng: Random, longest: int = 110) -> list[str]:
    """One formula as canonical tokens, at most `longest` of them. Deterministic in the generator's state."""
    while True:
        tokens = canonical(" ".join(Whole(rng).whole()))
        if 1 <= len(tokens) <= longest:
            return tokens


def varied(tokens: Sequence[str], rng: Random, share: float = 0.3) -> list[str]:
    """A real formula with some letters, digits and Greek letters replaced: the same shape, another formula."""
    pools: tuple[Sequence[str], ...] = (COMMON, CAPITALS, DIGITS, GREEK)
    found = []
    for token in tokens:
        pool = next((one for one in pools if token in one), None)
        found.append(rng.choice(pool) if pool and rng.random() < share else token)
    return found


def formulas(seed: int, count: int) -> list[list[str]]:
    """`count` formulas to measure with: an eighth are the seed's mathematics with letters changed, the others made."""
    rng, real = Random(seed), seed_formulas()
    return [varied(rng.choice(real), rng) if real and rng.random() < 0.12 else formula(rng) for _ in range(count)]


class Whole(Parts):
    """Whole formulas: equations, conditions, lists, matrices, cases, several lines."""

    def whole(self) -> list[str]:
        depth = self.rng.choices((0, 1, 2, 3), (2, 5, 5, 2))[0]
        found = self.pick(
            (9, lambda: self.statement(depth)), (1.2, lambda: self.expression(depth)),
            (0.7, lambda: self.conditioned(depth)),
            (0.7, lambda: [*self.name(), *self.one(["=", "=", "\\to", "\\in"]), *self.matrix()]),
            (0.35, lambda: [*self.matrix(), *self.matrix(), *self.one(["=", "+"]), *self.matrix()]),
            (0.5, self.cases), (0.5, lambda: self.lines(depth)), (0.5, self.enumeration),
        )  # fmt: skip
        return [*found, *self.one([".", ","])] if self.chance(0.12) else found

    def conditioned(self, depth: int) -> list[str]:
        gap = self.pick((3, lambda: [",", "\\quad"]), (1, lambda: ["\\quad"]), (1, lambda: [","]))
        ending = self.pick(
            (2, lambda: self.statement(0)), (2, lambda: ["\\forall", *self.name(), "\\in", *self.domain()]),
            (1, lambda: [*self.index(), *"=1,", *self.one(["2", "\\ldots"]), ",", "\\ldots", ",", *self.index()]),
            (1, lambda: [*self.roman("if"), *self.statement(0)]),
        )  # fmt: skip
        return [*self.statement(depth), *gap, *ending]

    def enumeration(self) -> list[str]:
        name, last = self.rng.choice(COMMON), self.rng.choice("nmNkTK")
        dots = self.one(["\\ldots", "\\cdots"])
        between = self.rng.choice([",", "+", "\\times", "\\cdot", "\\geq", "\\leq", "<"])
        items = [[name, "_", *self.group([one])] for one in (*self.rng.choice([("1", "2"), ("0", "1")]), last)]
        return [*items[0], between, *items[1], between, *dots, between, *items[2]]

    def matrix(self) -> list[str]:
        rows, columns = self.rng.choice(
            [(2, 2), (2, 2), (2, 2), (3, 3), (3, 3), (2, 1), (3, 1), (1, 3), (2, 3), (3, 2), (1, 2)]
        )
        letter, kind = self.rng.choice(COMMON), self.rng.randrange(4)

        def cell(row: int, column: int) -> list[str]:
            if kind == 0:
                return [
                    letter,
                    "_",
                    "{",
                    *([str(row + 1)] if rows > 1 else []),
                    *([str(column + 1)] if columns > 1 or rows == 1 else []),
                    "}",
                ]
            if kind == 1:
                return self.one(["0", "1", "0", "1", "2", "-1", "3"])
            found = self.name() if kind == 2 or self.chance(0.6) else self.expression(0)
            return found if len(found) < 14 else self.name()

        body: list[str] = []
        for row in range(rows):
            body += ["\\\\"] if row else []
            for column in range(columns):
                body += [*(["&"] if column else []), *cell(row, column)]
        opening, closing = self.rng.choice([("(", ")"), ("[", "]"), ("[", "]"), ("|", "|")])
        found = [opening, "\\begin{matrix}", *body, "\\end{matrix}", closing]
        return [*found, "^", *self.group(self.one(["T", "\\top", "2"]))] if self.chance(0.08) else found

    def cases(self) -> list[str]:
        body: list[str] = []
        for row in range(self.rng.choice((2, 2, 3))):
            last = (
                self.roman("otherwise")
                if row and self.chance(0.4)
                else [
                    *(self.roman("if") if self.chance(0.4) else []),
                    *self.name(),
                    *self.one(["<", ">", "\\geq", "\\leq", "=", "\\in"]),
                    *self.one([*"01ax"]),
                ]
            )
            body += [*(["\\\\"] if row else []), *self.expression(0), *([","] if self.chance(0.5) else []), "&", *last]
        return [*(self.applied() if self.chance(0.7) else self.name()), "=", "\\begin{cases}", *body, "\\end{cases}"]

    def lines(self, depth: int) -> list[str]:
        found = ["\\begin{aligned}"]
        for row in range(self.rng.choice((2, 2, 3))):
            found += [*(["\\\\"] if row else []), *self.statement(min(depth, 1))]
        return [*found, "\\end{aligned}"]
