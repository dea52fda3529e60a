from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.edit_distance import edit_distance

STRINGS = st.text("ab", max_size=20) | st.text("aé字𠮷𠮸", max_size=90) | st.text("ab", min_size=60, max_size=200)


def naive(one: str, two: str) -> int:
    """The table of the textbook, row by row."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, start=1):
        above, row = row, [i]
        for j, b in enumerate(two, start=1):
            row.append(min(above[j - 1] + (a != b), above[j] + 1, row[-1] + 1))
    return row[-1]


def edited(text: str, edits: int, seed: int) -> str:
    draw = random.Random(seed)
    characters = list(text)
    for _ in range(edits):
        place = draw.randrange(len(characters) + 1)
        kind = draw.randrange(3)
        if kind < 2 and place < len(characters):
            del characters[place]
        if kind > 0:
            characters.insert(place, draw.choice("ab字"))
    return "".join(characters)


@settings(max_examples=200, deadline=None)
@given(STRINGS, STRINGS, st.integers(0, 200))
def test_distance_up_to_the_limit(one: str, two: str, most: int) -> None:
    distance = naive(one, two)
    assert edit_distance(one, two) == distance
    assert edit_distance(one, two, most) == min(distance, most + 1)


@settings(max_examples=300, deadline=None)
@given(st.text("abc字", min_size=1, max_size=300), st.integers(0, 30), st.integers(0, 2**32), st.integers(0, 40))
def test_few_edits_in_long_strings(text: str, edits: int, seed: int, most: int) -> None:
    other = edited(text, edits, seed)
    distance = naive(text, other)
    assert distance <= edits
    assert edit_distance(text, other, most) == edit_distance(other, text, most) == min(distance, most + 1)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 127, 128, 129, 192, 193])
def test_around_the_width_of_a_word(length: int) -> None:
    text = "".join(random.Random(length).choices("ab", k=length))
    for other in (text, text[1:], text[:-1], "c" + text, text + "c", "c" * length, text[:-1] + "c"):
        for most in (0, 1, 2, length):
            assert edit_distance(text, other, most) == min(naive(text, other), most + 1)


def test_two_long_texts_far_apart_end_early() -> None:
    assert edit_distance("ab" * 100_000, "cd" * 100_000, 1000) == 1001


@pytest.mark.parametrize(
    ("one", "two", "distance"), [("", "", 0), ("", "abc", 3), ("𠮷", "", 1), ("kitten", "sitting", 3)]
)
def test_known_distances(one: str, two: str, distance: int) -> None:
    assert edit_distance(one, two) == distance
