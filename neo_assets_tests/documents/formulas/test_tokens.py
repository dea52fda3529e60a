from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.formulas.fences import joined, pairs, stretched
from neo_assets.documents.formulas.grammar import formula, varied
from neo_assets.documents.formulas.repair import FormulaError, repaired, valid
from neo_assets.documents.formulas.sources import seed_formulas
from neo_assets.documents.formulas.tokens import (
    LETTERS,
    VOCABULARY,
    canonical,
    edit_distance,
    known,
    similarity,
    split,
)

OTHERS = ("'", "\\left", "\\right", "\\,", "\\begin{pmatrix}", "\\end{pmatrix}", "\\mystery", "中")
PIECES = st.lists(st.sampled_from([*VOCABULARY, *OTHERS]), max_size=20)


@pytest.mark.parametrize(
    ("latex", "wanted"),
    [
        (r"\frac12", r"\frac { 1 } { 2 }"),
        (r"x^2_i", "x _ { i } ^ { 2 }"),
        (r"f''(x)^{2}", r"f ^ { \prime \prime } ( x ) ^ { 2 }"),
        (r"f'^2", r"f ^ { \prime 2 }"),
        (r"\left( \dfrac{a}{b} \right)", r"( \frac { a } { b } )"),
        (r"\left\{ x \right.", r"\{ x"),
        (r"\begin{pmatrix}a&b\\c&d\end{pmatrix}", r"( \begin{matrix} a & b \\ c & d \end{matrix} )"),
        (r"$$ \operatorname{tr} A \le {a+b} $$", r"\mathrm { t r } A \leq a + b"),
        (r"\sqrt[3]{x+1}", r"\sqrt [ 3 ] { x + 1 }"),
        (r"\displaystyle\sum\limits_{i=1}^n\,x_i", r"\sum _ { i = 1 } ^ { n } x _ { i }"),
        (r"\text{if } x", r"\mathrm { i f } x"),
        ("", ""),
    ],
)
def test_one_spelling_for_one_look(latex, wanted):
    assert " ".join(canonical(latex)) == wanted


@given(st.text(max_size=40))
def test_any_text_has_a_canonical_form(text):
    canonical(text)


@given(PIECES)
def test_the_canonical_form_is_its_own(pieces):
    once = canonical(" ".join(pieces))
    if once.count("{") == once.count("}") and once.count("[") == once.count("]") == 0:
        assert canonical(" ".join(once)) == once


@given(st.integers(0, 10_000))
def test_made_formulas_are_valid_and_keep_their_tokens(seed):
    tokens = formula(Random(seed))
    assert known(tokens) and valid(tokens) and len(tokens) <= 110
    assert canonical(joined(tokens)) == tokens
    assert canonical(joined(stretched(tokens))) == tokens
    assert canonical(repaired(joined(tokens))) == tokens


def test_made_formulas_are_the_same_for_the_same_seed_and_differ():
    made = [tuple(formula(Random(seed))) for seed in range(300)]
    assert made == [tuple(formula(Random(seed))) for seed in range(300)]
    assert len(set(made)) > 295
    assert len({token for one in made for token in one}) > 180


def test_the_seeds_formulas_are_found_and_can_be_varied():
    real = seed_formulas()
    assert len(real) > 45
    assert canonical(r"F = \frac{G m M}{r^2}") in [list(one) for one in real]
    changed = varied(real[5], Random(1), 1.0)
    assert len(changed) == len(real[5]) and changed != real[5]
    assert [one in LETTERS for one in changed] == [one in LETTERS for one in real[5]]


@given(st.lists(st.sampled_from("abc"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7))
def test_the_distance_is_levenshteins(left, right):
    def naive(one: list[str], other: list[str]) -> int:
        if not one or not other:
            return len(one) + len(other)
        return min(
            naive(one[1:], other) + 1, naive(one, other[1:]) + 1, naive(one[1:], other[1:]) + (one[0] != other[0])
        )

    assert edit_distance(left, right) == naive(left, right)
    assert similarity(left, right) == similarity(right, left)
    assert (similarity(left, right) == 1) == (left == right)


def test_brackets_pair_within_their_group():
    tokens = split(r"( a _ { ( i } ) [ 0 , 1 ) \sqrt [ 3 ] { x }")
    assert [(tokens[a], tokens[b]) for a, b in pairs(tokens)] == [("(", ")"), ("[", ")")]
    assert joined(stretched(canonical(r"(\frac{a}{b})(c)"))) == r"\left(\frac{a}{b}\right)(c)"
    assert (
        joined(stretched(canonical(r"\begin{vmatrix}a\\b\end{vmatrix}")))
        == r"\left|\begin{matrix}a \\ b\end{matrix}\right|"
    )


@pytest.mark.parametrize(
    ("latex", "wanted"),
    [
        (r"\frac{a}{b", r"\frac{a}{b}"),
        (r"x_{i}}+1", "x_{i}+1"),
        (r"\sqrt{x^{2+1", r"\sqrt{x^{2+1}}"),
        (r"\left( \frac{a}{b} \right]", r"\left(\frac{a}{b}\right]"),
        (r"(\frac ab", r"(\frac{a}{b}"),
        (r"\left( a + b", r"(a+b"),
        (r"(\begin{matrix}a & b", r"(\begin{matrix}a & b\end{matrix}"),
        (r"$\alpha x$", r"\alpha x"),
    ],
)
def test_nearly_valid_latex_is_repaired(latex, wanted):
    assert repaired(latex) == wanted
    assert repaired(repaired(latex)) == wanted


@pytest.mark.parametrize(
    "latex", ["", "{}", "$$", r"\quad", "a & b", r"\begin{foo}a\end{foo}", "{{{{{{x", "ab" * 20, "x" * 30]
)
def test_hopeless_latex_is_refused(latex):
    with pytest.raises(FormulaError):
        repaired(latex)


@given(PIECES)
def test_what_is_repaired_is_valid(pieces):
    try:
        found = repaired(" ".join(pieces))
    except FormulaError:
        return
    assert valid(canonical(found))
    assert found.count("\\left") == found.count("\\right") + found.count("\\leftarrow") + found.count(
        "\\leftrightarrow"
    ) - found.count("\\rightarrow")
