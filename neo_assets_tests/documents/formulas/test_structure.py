"""Segmentation and structure with made pictures; whole formulas with thresholds; and that nothing makes it fail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.formulas import bundled
from neo_assets.documents.formulas.atoms import Atom
from neo_assets.documents.formulas.classifier import classifier
from neo_assets.documents.formulas.glyphs import glyphs
from neo_assets.documents.formulas.grammar import formulas
from neo_assets.documents.formulas.picture import ink_of
from neo_assets.documents.formulas.pieces import pieces, solid
from neo_assets.documents.formulas.printed import glyph_names
from neo_assets.documents.formulas.reader import FormulaReader
from neo_assets.documents.formulas.rendering import RenderingError, Style, render
from neo_assets.documents.formulas.repair import FormulaError, repaired, valid
from neo_assets.documents.formulas.structure import parsed
from neo_assets.documents.formulas.tokens import canonical, similarity, split
from neo_assets.documents.model import Box, Line
from neo_assets.recipe.documents import FormulaSettings

MEASURES = bundled.usual(classifier())
EM = 30.0


def glyph(name: str, x: float, base: float = 100.0, em: float = EM) -> Atom:
    """A glyph as it usually is, its left at x."""
    top, bottom, width = MEASURES[name]
    return Atom(x, base - top * em, x + width * em, base - bottom * em, ((name, -0.01),))


def bar(x0: float, x1: float, y: float) -> Atom:
    return Atom(x0, y - 1, x1, y + 1, (("-", -0.01),))


def picture(latex: str, dpi: float = 200.0) -> np.ndarray:
    return 255 - np.pad(render(split(latex), Style(dpi=dpi)), 8)


@pytest.mark.parametrize(
    ("atoms", "wanted"),
    [
        ([glyph("a", 0), glyph("+", 25), glyph("b", 50)], "a+b"),
        ([glyph("x", 0), glyph("2", 18, 87, 21)], "x^{2}"),
        ([glyph("a", 0), glyph("i", 18, 105, 21), glyph("2", 18, 87, 21)], "a_{i}^{2}"),
        ([glyph("x", 0), glyph("2", 18, 87, 21), glyph("+", 40), glyph("c", 70), glyph("b", 90)], "x^{2}+cb"),
        ([bar(0, 24, 90), glyph("a", 3, 82), glyph("b", 3, 116)], r"\frac{a}{b}"),
        ([glyph("a", 0), glyph("-", 25), glyph("b", 50)], "a-b"),
        ([Atom(0, 70, 60, 106, bar_from=20), glyph("x", 24), glyph("y", 42)], r"\sqrt{xy}"),
        ([glyph("\\sum", 10), glyph("n", 15, 64, 21), glyph("i", 17, 130, 21), glyph("x", 45)], r"\sum_{i}^{n}x"),
        ([glyph("rm s", 0), glyph("rm i", 14), glyph("rm n", 22), glyph("x", 44)], r"\sin x"),
        ([glyph("x", 0), Atom(4, 76, 14, 81, (("\\hat", -0.1),))], r"\hat{x}"),
        ([glyph("x", 0), bar(1, 14, 80)], r"\bar{x}"),
        ([glyph(".", 0), glyph(".", 8), glyph(".", 16)], r"\ldots"),
    ],
)
def test_places_say_what_belongs_together(atoms, wanted):
    tokens, score = parsed(atoms, MEASURES)
    assert canonical(" ".join(tokens)) == canonical(wanted) and score > 0.5


def test_rows_between_tall_brackets_are_a_matrix():
    opening = Atom(0, 40, 8, 140, (("(", -0.01),))
    closing = Atom(100, 40, 108, 140, ((")", -0.01),))
    cells = [glyph(name, x, y) for name, x, y in (("a", 20, 75), ("b", 70, 75), ("c", 20, 125), ("d", 70, 125))]
    tokens, _ = parsed([opening, *cells, closing], MEASURES)
    assert canonical(" ".join(tokens)) == split(r"( \begin{matrix} a & b \\ c & d \end{matrix} )")


def test_ink_that_hangs_together_is_one_piece_and_specks_are_left_out():
    page = np.full((60, 120), 255, np.uint8)
    page[20:40, 10:20] = 0
    page[28:31, 40:90] = 0
    page[5, 100] = 0
    found = pieces(ink_of(page))
    assert [(one.x0, one.y0, one.x1, one.y1) for one in found] == [(10, 20, 20, 40), (40, 28, 90, 31)]
    assert [solid(one) for one in found] == [False, True]


@pytest.mark.parametrize(
    "latex",
    [
        r"x = \frac{-b \pm \sqrt{b^{2}-4ac}}{2a}", r"E=mc^{2}", r"\sum_{i=1}^{n} i^{2} = n", r"\int_{0}^{1} f(x) d x",
        r"\lim_{x \to 0} \frac{\sin x}{x} = 1", r"\hat{y} = w^{T} x + b", r"\sqrt{a^{2}+b^{2}}",
        r"\frac{\partial f}{\partial x} = k x^{k-1} + \lambda", r"a_{i+1} \leq \eta \nabla f(a_{i})",
    ],
)  # fmt: skip
def test_plain_formulas_are_read(latex):
    found = bundled.read(picture(latex))
    assert found is not None
    assert similarity(canonical(found[0]), canonical(latex)) > 0.85


def test_made_formulas_are_read_as_measured():
    """Below what the benchmark measured for formulas of at most 40 tokens; those that are accepted are better."""
    readings = []
    for tokens in formulas(5, 60):
        if len(tokens) > 40:
            continue
        try:
            crop = 255 - np.pad(render(tokens, Style(dpi=190)), 8)
        except RenderingError:
            continue
        latex, score = bundled.read(crop) or ("", 0.0)
        readings.append((similarity(canonical(latex), tokens), score))
    sure = [one for one, score in readings if score >= 0.9]
    assert len(readings) > 25 and len(sure) > 5
    assert np.mean([one for one, _ in readings]) > 0.8 and np.mean(sure) > 0.9


def test_characters_of_the_layer_win_over_looks():
    crop = picture("u + v = w", 200)
    columns = [one for one in pieces(ink_of(crop)) if one.height > 4]
    names = "𝑢+𝑣=𝑤"
    groups = [columns[0], columns[1], columns[2], columns[3], columns[-1]]
    lines = [
        Line(name.replace("𝑢", "𝜈"), Box(one.x0, one.y1 - 22, one.x1, one.y1 + 6), size=27.8)
        for name, one in zip(names, groups, strict=True)
    ]
    found = bundled.read(crop, lines)
    assert found is not None and found[0] == r"\nu+v=w"


@pytest.mark.parametrize(
    ("character", "wanted"),
    [
        ("𝑥", ("x",)), ("x", ("x", "rm x")), ("𝐱", ("bf x",)), ("𝒜", ("cal A",)), ("ℝ", ("bb R",)),
        ("𝜆", ("\\lambda",)),
        ("−", ("-",)), ("∑", ("\\sum",)), ("ℎ", ("h",)), ("Γ", ("\\Gamma",)), ("中", ()), ("\uf8ee", ()),
    ],
)  # fmt: skip
def test_characters_are_glyphs(character, wanted):
    assert glyph_names(character) == wanted


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 90), st.integers(3, 200), st.floats(0, 6))
def test_any_picture_gives_nothing_or_valid_latex(seed, height, width, blur):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    page = cv2.GaussianBlur(noise, (0, 0), blur) if blur > 0.3 else noise
    found = FormulaReader(FormulaSettings(min_score=0.0)).read(np.repeat(page[..., None], 3, axis=2))
    assert found is None or (valid(canonical(found.latex)) and 0 <= found.score <= 1)


ATOMS = st.builds(
    lambda x, y, w, h, name: Atom(x, y, x + w, y + h, ((name, -0.1),), bar_from=x + 5 if name == "\\sqrt" else None),
    st.floats(0, 300), st.floats(0, 120), st.floats(1, 120), st.floats(1, 80),
    st.sampled_from([one.name for one in glyphs()] + ["-"] * 60 + ["\\sqrt"] * 20 + ["\\sum"] * 20 + ["("] * 20),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(ATOMS, max_size=18))
def test_any_places_give_balanced_groups(atoms):
    tokens, score = parsed(atoms, {**MEASURES, "\\sqrt": (0.8, -0.2, 0.8)})
    assert 0 <= score <= 1
    assert tokens.count("{") == tokens.count("}")
    try:
        assert valid(canonical(repaired(" ".join(tokens))))
    except FormulaError:
        return
