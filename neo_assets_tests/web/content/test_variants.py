"""Phrases for several readers, of which a page hides all: one is shown, other hidden text is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.content.maintext import main_text
from neo_assets.web.content.markup import TAGS
from neo_assets.web.content.variants import with_a_variant

CASES = {
    "<p>Press <span><span hidden=true>Cmd</span><span hidden=true>Ctrl</span></span>+C": "Press Ctrl+C",
    "<p><span><span hidden>Cmd</span> <span hidden>Ctrl</span></span>+C": "Ctrl+C",
    "<p>a<span><i hidden>b<i>c</i></i><i hidden>d<i>e</i></i></span>f": "adef",
    "<p>Press <span><span hidden>Cmd</span></span> key": "Press key",
    "<p>Press <span>any <span hidden>b</span><span hidden>c</span></span> key": "Press any key",
    "<p>Press <span><b></b><span hidden>b</span><span hidden>c</span></span> key": "Press key",
    "<p>text</p><p><span><span hidden>Copied</span><span hidden>Failed</span></span></p>": "text",
    "<p>a<span><span style='display:none'>b</span><span style='display:none'>c</span></span>d": "ad",
    "<p>a<span class=hidden><span class='sr-only'>b</span><span class='sr-only'>c</span></span>d": "ad",
    "<p>text<div>x<div hidden>b</div><div hidden>c</div></div>": "text\n\nx",
}


@pytest.mark.parametrize("page", CASES)
def test_one_of_several_hidden_phrases_is_shown_and_nothing_else(page: str) -> None:
    assert main_text(page).text == CASES[page]


PIECES = ["<span>", "<span hidden>", "</span>", "<p>", "</p>", "<br>", "<i>", "</i>", "x", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_only_the_attributes_of_hidden_inline_elements_change(markup: str) -> None:
    tags = TAGS.findall(markup)
    for old, new in zip(tags, with_a_variant(tags), strict=True):
        assert old == new or (old[0], " hidden", "") == (new[0], old[1], new[1])


def test_deep_nesting_takes_time_in_proportion() -> None:
    tags = TAGS.findall("<span>x<span hidden>" * 100_000)
    start = time.process_time()
    with_a_variant(tags)
    assert time.process_time() - start < 20  # 0.5 here; in quadratic time it would be hours
