"""The nested pieces of made formulas: sums of terms, fractions, roots, integrals, limits, equations."""

from __future__ import annotations

from neo_assets.documents.formulas.grammar_signs import CAPITALS, COMMON, Signs
from neo_assets.documents.formulas.tokens import FUNCTIONS, LARGE


class Parts(Signs):
    """Productions that nest; `depth` is how many more constructions may stand inside."""

    def expression(self, depth: int) -> list[str]:
        found = self.one(["-", "-", "\\pm"]) if self.chance(0.08) else []
        found += self.term(depth)
        for _ in range(self.rng.choices((0, 1, 2, 3), (4, 5, 2, 0.6))[0]):
            joint = (
                "+-+-+-+-"
                if self.chance(0.85)
                else ("\\pm", "\\mp", "\\cup", "\\cap", "\\oplus", "\\wedge", "\\vee", "\\setminus")
            )
            found += [*self.one(tuple(joint)), *self.term(max(0, depth - self.chance(0.5)))]
        return found

    def term(self, depth: int) -> list[str]:
        if depth > 0 and self.chance(0.34):
            return self.pick((3, lambda: self.fraction(depth)), (1.4, lambda: self.large(depth)))
        found = self.one([*"23456789", "10", "12", "100", "0.5"]) if self.chance(0.17) else []
        found = list(found[0]) if found else []
        for _ in range(self.rng.choices((1, 2, 3), (6, 3.4, 1))[0]):
            found += self.factor(depth)
            if self.chance(0.06):
                found += [
                    *self.one(["\\cdot", "\\times", "\\circ", "\\otimes", "/", "*", "\\star", "\\div"]),
                    *self.factor(0),
                ]
        return found

    def factor(self, depth: int) -> list[str]:
        if depth <= 0:
            return self.pick(
                (6, self.name), (1.5, self.number), (1, self.applied), (0.4, self.constant), (0.3, self.simple_function)
            )
        return self.pick(
            (5, self.name), (1.2, self.number), (1.4, self.applied), (0.4, self.constant),
            (0.9, lambda: self.root(depth)),
            (1.4, lambda: self.fraction(depth)), (1.5, lambda: self.parenthesis(depth)),
            (1, lambda: self.function(depth)),
            (0.7, self.derivative), (0.5, self.expectation), (0.5, lambda: self.power(depth)), (0.2, self.binomial),
            (0.3, self.norm),
        )  # fmt: skip

    def applied(self) -> list[str]:
        arguments = self.name()
        while self.chance(0.35):
            arguments += [*self.one([",", ",", ",", ",", "|", ";"]), *self.name()]
        if self.chance(0.2):
            arguments = self.expression(0)
        head = self.pick((3, lambda: self.one("fffgghpquFGPQLT")), (2, self.name), (0.6, self.roman))
        return [*head, "(", *arguments, ")"]

    def function(self, depth: int) -> list[str]:
        below = ["_", *self.group(self.one(["2", "a", "b", "1", "0"]))] if self.chance(0.08) else []
        return [
            *self.one([*FUNCTIONS, "\\log", "\\log", "\\exp", "\\sin", "\\cos", "\\ln"]),
            *below,
            *self.brackets(self.expression(depth - 1)),
        ]

    def parenthesis(self, depth: int) -> list[str]:
        found = self.fenced(self.expression(depth - 1))
        return [*found, "^", *self.group(self.superscript())] if self.chance(0.35) else found

    def power(self, depth: int) -> list[str]:
        return [
            *self.one(["e", "e", "e", "2", "x", "a", "q", "10"]),
            "^",
            *self.group(self.expression(min(1, depth - 1))),
        ]

    def fraction(self, depth: int) -> list[str]:
        if self.chance(0.25):
            return [
                "\\frac",
                *self.group(self.one(("1", "1", "2", "3", "\\pi"))),
                *self.group(self.one(("2", "2", "3", "4", "n", "m", "N", "8"))),
            ]
        above = self.pick(
            (4, lambda: self.expression(depth - 1)),
            (2, self.name),
            (1.5, lambda: ["1"]),
            (0.6, lambda: self.large(depth - 1)),
        )
        return [
            "\\frac",
            *self.group(above),
            *self.group(self.expression(depth - 1) if self.chance(0.7) else self.name()),
        ]

    def root(self, depth: int) -> list[str]:
        degree = ["[", *self.one(["3", "n", "4", "k"]), "]"] if self.chance(0.16) else []
        return ["\\sqrt", *degree, *self.group(self.expression(depth - 1) if self.chance(0.7) else self.name())]

    def norm(self) -> list[str]:
        found = ["\\|", *self.expression(0), "\\|"]
        found += ["_", *self.group(self.one(["2", "1", "F", "p", "\\infty"]))] if self.chance(0.5) else []
        return [*found, "^", *self.group(["2"])] if self.chance(0.5) else found

    def numbers(self) -> list[str]:
        found = ["\\mathbb", *self.group(self.one("RCNZQ"))]
        return [*found, "^", *self.group(self.superscript())] if self.chance(0.4) else found

    def domain(self) -> list[str]:
        return self.pick(
            (3, self.numbers),
            (1, lambda: ["\\{", *self.name(), ",", "\\ldots", ",", *self.name(), "\\}"]),
            (1, lambda: ["[", "0", ",", *self.one("1Tn"), "]"]),
            (1, lambda: ["\\{", *self.name(), "|", *self.statement(0), "\\}"]), (1, lambda: self.one(CAPITALS)),
        )  # fmt: skip

    def large(self, depth: int) -> list[str]:
        sign = self.rng.choice([*["\\sum"] * 6, *["\\int"] * 5, *["\\prod"] * 2, *LARGE])
        inner = self.expression(max(0, depth - 1)) if self.chance(0.45) else self.term(max(0, depth - 1))
        if "int" in sign:
            limits = self.pick(
                (2, lambda: (["0"], self.one(["1", "\\infty", "T", "t", "x", "\\pi"]))),
                (2, lambda: (self.one("abc"), self.one("bdx"))),
                (1, lambda: (["-", "\\infty"], self.one(["\\infty", "x", "t"]))),
                (1.4, lambda: (self.one(["\\Omega", "D", "S", "V", "C"]), [])),
                (1, lambda: ([], [])),
            )  # fmt: skip
            measure = self.one(["x", "t", "y", "\\theta", "\\mu", "s", "z", "V", "r", "\\tau", "u"])
            d = ["\\mathrm", "{", "d", "}"] if self.chance(0.3) else ["d"]
            return [sign, *self.limits(*limits), *inner, *d, *measure]
        above = (
            self.one(["n", "N", "\\infty", "m", "K", "k", "T", "d"]) if self.chance(0.9) else [*self.index(), "-", "1"]
        )
        below = [*self.index(), "=", *self.one("10")]
        if self.chance(0.3):
            above, below = (
                [],
                self.pick(
                    (2, self.index),
                    (2, lambda: [*self.index(), "\\in", *self.letter()]),
                    (1, lambda: [*self.index(), *self.one([",", "<", "\\neq", "\\leq"]), *self.index()]),
                ),
            )
        return [sign, *self.limits(below, above), *inner]

    def limit(self) -> list[str]:
        return [
            "\\lim",
            "_",
            *self.group([*self.one("xnthk"), "\\to", *self.one(["0", "\\infty", "a", "\\infty", "1"])]),
            *self.term(1),
        ]

    def optimum(self) -> list[str]:
        below = self.pick(
            (2, self.name),
            (1, lambda: [*self.name(), "\\in", *self.domain()]),
            (1, lambda: [*self.name(), ",", *self.name()]),
        )
        return [*self.one(["\\max", "\\min", "\\sup", "\\inf"]), "_", *self.group(below), *self.term(1)]

    def derivative(self) -> list[str]:
        d = self.rng.choice([["\\partial"], ["\\partial"], ["d"], ["\\mathrm", "{", "d", "}"]])
        order = ["^", *self.group(["2"])] if self.chance(0.25) else []
        above = [*d, *order, *(self.name() if self.chance(0.8) else [])]
        return ["\\frac", *self.group(above), *self.group([*d, *(self.one(COMMON) if order else self.name()), *order])]

    def expectation(self) -> list[str]:
        head = self.rng.choice(
            [
                ["\\mathbb", "{", "E", "}"],
                ["E"],
                ["P"],
                ["\\mathrm", "{", *"Var", "}"],
                ["\\Pr"],
                ["p"],
                ["\\mathbb", "{", "P", "}"],
            ]
        )
        below = (
            ["_", *self.group([*self.name(), *(["\\sim", *self.one("pqPD")] if self.chance(0.6) else [])])]
            if self.chance(0.35)
            else []
        )
        inner = [*self.name(), *self.one(["|", "|", ","]), *self.name()] if self.chance(0.6) else self.expression(0)
        return [*head, *below, *(["[", *inner, "]"] if self.chance(0.5) else ["(", *inner, ")"])]

    def statement(self, depth: int) -> list[str]:
        left = self.pick(
            (4, self.name), (2, self.applied), (2, lambda: self.expression(depth)), (1.5, lambda: self.large(depth)),
            (0.7, self.derivative), (0.6, self.limit), (0.6, self.expectation), (0.5, self.optimum),
        )  # fmt: skip
        found = [*left, *self.relation(), *self.expression(depth)]
        while self.chance(0.15):
            found += [*self.relation(), *self.expression(max(0, depth - 1))]
        return found
