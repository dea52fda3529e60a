"""Display formulas for the pages of known truth: LaTeX with variables drawn by chance, and MathML for the browser."""

from __future__ import annotations

import random

PATTERNS = (
    r"{x} = \frac{{-{b} \pm \sqrt{{{b}^{{2}} - 4 {a} {c}}}}}{{2 {a}}}",
    r"\sum_{{{i}=1}}^{{{n}}} {i}^{{2}} = \frac{{{n} ({n}+1) (2 {n}+1)}}{{6}}",
    r"\int_{{0}}^{{{n}}} {f}({x}) d {x} = {c} {n} + {k}",
    r"{f}({x}) = \frac{{1}}{{\sqrt{{2 \pi}} \sigma}} e^{{-\frac{{({x} - \mu)^{{2}}}}{{2 \sigma^{{2}}}}}}",
    r"\lim_{{{x} \to 0}} \frac{{\sin {x}}}{{{x}}} = 1",
    r"{a}_{{{i}+1}} = {a}_{{{i}}} - \eta \nabla {f}({a}_{{{i}}})",
    r"E = m c^{{2}} + \frac{{1}}{{2}} m {v}^{{2}}",
    r"\alpha_{{{i}}} + \beta_{{{i}}} \leq \gamma^{{{k}}}",
    r"{y} = \sqrt{{{a}^{{2}} + {b}^{{2}}}}",
    r"\hat{{{y}}} = {w}^{{T}} {x} + {b}",
    r"\frac{{\partial {f}}}{{\partial {x}}} = {k} {x}^{{{k}-1}} + \lambda",
    r"P(A | B) = \frac{{P(B | A) P(A)}}{{P(B)}}",
    r"\prod_{{{i}=1}}^{{{n}}} (1 + {x}_{{{i}}}) \geq 1 + \sum_{{{i}=1}}^{{{n}}} {x}_{{{i}}}",
    r"{x}^{{{n}}} + {y}^{{{n}}} = {a}^{{{n}}}",
)


def latex(chance: random.Random) -> str:
    """A formula in LaTeX."""

    def letters(some: str) -> str:
        return chance.choice(some)

    drawn = {
        "x": letters("xtuz"), "y": letters("yrs"), "a": letters("ap"), "b": letters("bq"), "c": letters("cd"),
        "i": letters("ij"), "n": letters("nmN"), "f": letters("fghL"), "k": letters("k3578"), "v": letters("vu"),
        "w": letters("wW"),
    }  # fmt: skip
    return chance.choice(PATTERNS).format(**drawn)


def mathml(formula: str) -> str:
    """The formula as MathML in display style."""
    from latex2mathml.converter import convert

    return str(convert(formula, display="block"))
