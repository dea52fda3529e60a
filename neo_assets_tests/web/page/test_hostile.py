"""Markup that would cost too much is refused before it is parsed, and no page that people made is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.bundled import docs
from neo_assets.web.page import hostile
from neo_assets.web.page.charset import decode
from neo_assets.web.page.hostile import FOREIGN, FORMATTING, NEVER_OPEN, RAW, check
from neo_assets.web.page.pageview import read_page

N = 3_000
OPEN = "".join(f"<b a={number}>" for number in range(N))
HOSTILE = {
    "formatting elements": f"<p>{OPEN}</p>" + "<p>x</p>" * N,
    "closed in comments only": "<p>" + OPEN.replace(">", "><!--</b>-->") + "</p>" + "<p>x</p>" * N,
    "closed in values only": "<p>" + OPEN.replace(">", " x='</b>'>") + "</p>" + "<p>x</p>" * N,
    "attributes": "<p " + " ".join(f"a{number}" for number in range(20_000)) + ">",
    "attributes with signs": "<p " + "".join(f"a{number}='>'" for number in range(20_000)) + ">",
    "links closed at depth": "<a>" + "<div>" * 20_000 + "</a>" * 20_000,
    "links in links at depth": "<a><div>" * 20_000,
    "depth hidden by tags that close nothing": "<div>" * 20_000 + "</x>" * 20_000 + "<a></a>" * 20_000,
}
LARGE = {
    "deep": "<div>" * 100_000,
    "deep text": "<div>x" * 30_000,
    "one endless tag": "<a" * 1_000_000,
    "links": "<a href=x>" * 20_000,
    "unclosed paragraphs": "<p><font color=red>x" * 15_000,
    "signs": "<" * 1_000_000,
    "references": "&" * 1_000_000,
    "comments": "<!--" * 200_000,
    "lists": "<ul><li>" * 20_000,
    "a script full of tags": "<script>" + "'<b a=1><i>'+" * 20_000 + "</script>",
    "json": '<script type="application/ld+json">' + "[" * 200_000 + "</script>",
    "metas": "<meta name=date content=x>" * 20_000,
}


def cost(source: str) -> tuple[int, int, int]:
    import numpy as np

    data = np.frombuffer(source.encode(), np.uint8)
    return tuple(map(int, hostile._cost(data, FORMATTING, NEVER_OPEN, RAW, FOREIGN)))  # type: ignore[return-value]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markup_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="too costly"):
        check(HOSTILE[name])
    with pytest.raises(ValueError, match="too costly"):
        read_page("http://a.test/", HOSTILE[name].encode(), "text/html", None)


@pytest.mark.parametrize("name", LARGE)
def test_large_pages_are_read_in_time_that_grows_with_their_size(name: str) -> None:
    start = time.process_time()
    read_page("http://a.test/", LARGE[name].encode(), "text/html", None)
    assert time.process_time() - start < 5.0


def test_real_pages_are_far_below_the_limits() -> None:
    costs = [cost(decode(page.body)[0]) for page in docs.pages().values() if page.content_type.startswith("text/html")]
    assert len(costs) > 90
    # Measured: 5,125 pairs, 2,916 opened anew, 50,000 walked through.
    assert max(pairs for pairs, _, _ in costs) < hostile.MAX_ATTRIBUTE_PAIRS / 1_000
    assert max(reopened for _, reopened, _ in costs) < hostile.MAX_REOPENED / 100
    assert max(walked for _, _, walked in costs) < hostile.MAX_WALKED / 100


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p a b=1 c='>' d=\">\" e = x f/>", (36, 0, 0)),
        ("<!-- <p a> --><!--><p a><!-x><?p a b>", (1, 0, 0)),
        ("<!-- --!><p a>", (1, 0, 0)),
        ("<script>'<p a b>'</script ><p a>", (1, 0, 0)),
        ("<svg><title><p a b></title>", (4, 0, 0)),
        ("<P A>", (1, 0, 0)),
        ("a < b <1 a> </ a>", (0, 0, 0)),
        ("<b><p>x<p>y", (0, 2, 0)),
        ("<b></b><p>x", (0, 0, 1)),
        ("<b><b><b><b><b><p>", (0, 3, 0)),
        ("<b a=1><b a=2><b a=3><b a=4><p>", (4, 4, 0)),
        ("<div><div><a></a></div></div>", (0, 0, 4)),
        ("<div><br><p><a></a>", (0, 0, 2)),
        ("<a href=", (1, 0, 0)),
        ("<", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_costs_by_hand(source: str, expected: tuple[int, int, int]) -> None:
    assert cost(source) == expected


PIECES = [
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "'",
    '"',
    "=",
    " ",
    "b",
    "a",
    "<script",
    "</script>",
    "<svg>",
    "/",
    "<b a=1>",
    "é",
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_markup_is_scanned_to_its_end(source: str) -> None:
    pairs, reopened, walked = cost(source)
    assert min(pairs, reopened, walked) >= 0
    assert pairs <= len(source) ** 2
