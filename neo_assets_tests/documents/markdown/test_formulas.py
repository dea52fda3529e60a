"""LaTeX in Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.formulas.repair import valid
from neo_assets.documents.formulas.tokens import split
from neo_assets.documents.markdown.formulas import number_of, numbered, sound
from neo_assets_tests.documents.markdown.pages import composed, element, line, page

PIECES = ["{", "}", "\\left(", "\\right)", "\\left.", "\\frac", "x", "^", "\\{", "\\\\", "$", "\\begin{matrix}",
          "\\end{matrix}", "&", " ", "\n", "\\leftarrow ", "\\right", "\\left", "\\"]  # fmt: skip


@pytest.mark.parametrize("latex", ["$$ x $$", "$x$", "x $", "x", "x}", "{x", " x\n\n"])
def test_dollars_and_lone_braces_go(latex: str) -> None:
    assert sound(latex).replace("{", "").replace("}", "").strip() == "x"


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40))
def test_everything_comes_out_balanced_and_stays(latex: str) -> None:
    found = sound(latex)
    assert valid(split(found)) or not found
    assert sound(found) == found
    assert re.search(r"(?<!\\)(?:\\\\)*\$", found) is None
    assert "\n\n" not in found


def test_what_cannot_be_repaired_is_a_picture_with_its_text() -> None:
    lines = [line('a "(b)', 100)]
    one = element(0, lines, "equation", latex="}}}}}}}}}}}", image="f.png")
    found = composed(page([one]))
    assert found.markdown == '![formula](files/f.png "a &#34;&#40;b&#41;")'
    assert found.text == ""


def test_numbers() -> None:
    assert numbered("x", "3") == "x \\tag{3}"
    assert numbered("x \\tag{1}", "3") == "x \\tag{1}"
    assert numbered("x", None) == "x"
    assert number_of("(3)") == "3"
    assert number_of("（2.1）") == "2.1"
    assert number_of("(A.1)") == "A.1"
    assert number_of("f(3)") is None
    assert number_of("(see)") is None
