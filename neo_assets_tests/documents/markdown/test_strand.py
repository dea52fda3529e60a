"""A strand's stretches follow every change of its text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.markdown.strand import Origin, Strand
from neo_assets.documents.model import Box

TEXT = st.text(alphabet="ab <>é中。", max_size=8)
PATTERNS = ("a+", "b", " ", "<.", "中(?=。)", "^", "a|<")


def origins(n: int) -> list[Origin]:
    return [Origin(1, Box(0, float(i), 1, float(i))) for i in range(n)]


def test_a_replacement_within_a_stretch_moves_the_later_ends() -> None:
    one, two = origins(2)
    changed = Strand.of([("a*b", one), ("c*", two)]).sub(re.compile(r"\*"), lambda found: "\\*")
    assert (changed.text, changed.ends) == ("a\\*bc\\*", (4, 7))


def test_a_match_over_a_border_belongs_to_both_sides_as_far_as_it_goes() -> None:
    one, two = origins(2)
    changed = Strand.of([("ab", one), ("cd", two)]).sub(re.compile("bc"), lambda found: "XYZ")
    assert (changed.text, changed.ends) == ("aXYZd", (2, 5))


@given(st.lists(TEXT, max_size=6), st.sampled_from(PATTERNS), TEXT)
def test_substitution_is_that_of_the_standard_library_and_stretches_tile(
    texts: list[str], pattern: str, new: str
) -> None:
    strand = Strand.of(list(zip(texts, origins(len(texts)), strict=True)))
    changed = strand.sub(re.compile(pattern), lambda found: new)
    assert changed.text == re.sub(pattern, lambda found: new, strand.text)
    places = changed.places()
    assert list(changed.ends) == sorted(changed.ends)
    if strand.text:
        assert changed.ends[-1] == len(changed.text)
    assert "".join(changed.text[place.start : place.end] for place in places) == changed.text


@given(st.lists(TEXT, max_size=6))
def test_what_no_match_touches_stays_in_its_stretch(texts: list[str]) -> None:
    """Reference: each character carries its origin by itself."""
    kept = [text for text in texts if text]
    strand = Strand.of(list(zip(texts, origins(len(texts)), strict=True)))
    changed = strand.sub(re.compile("[a ]"), lambda found: "" if found.group() == " " else "xyz")
    expected = [len("".join(kept[: n + 1]).replace(" ", "").replace("a", "xyz")) for n in range(len(kept))]
    assert list(changed.ends) == expected
