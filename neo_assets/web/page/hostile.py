"""Markup that is made to cost too much: HTML's rules for repairing it let small pages grow without bound.

Three of these rules are superlinear in the parser, and in browsers: attributes of a tag are compared with each other;
formatting elements left open (`<b><i>…`) are opened anew in every later paragraph, which turns 35 kB into four million
elements; an end tag of such an element, or an `a` in an `a`, walks through all open elements. What a page can cost by
them is bounded from above by counting signs; only where that is too much, the page is read for what it does cost.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from neo_assets.web.page.markupcost import FORMATTING_NAMES, LOOK_BACK, cost

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

MAX_ATTRIBUTE_PAIRS = 100_000_000
MAX_REOPENED = 1_500_000
MAX_WALKED = 100_000_000
"""About a second or 600 MB each; pages of a megabyte made by people stay a hundred times below."""
MANY_ATTRIBUTES = 200
BLANK, END = r"[\t\n\f\r ]", r"\t\n\f\r />"
ATTRIBUTE = (
    rf"[\t\n\f\r /]*+[^{END}][^{END}=]*+"
    rf"(?:{BLANK}*+={BLANK}*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\t\n\f\r >]*+))?+"
)
RICH_TAG = re.compile(rf"<[A-Za-z/][^<{END}]*+(?:(?=[\t\n\f\r /])(?:{ATTRIBUTE}){{{MANY_ATTRIBUTES}}}|<[^A-Za-z])")
"""A tag with so many attributes, read from wherever one may begin as the tokenizer reads it, and no further: so the
search is linear. A tag whose name holds another `<` is found by the attributes after that, or matches as it is."""
FORMATTING = re.compile(rf"<({'|'.join(FORMATTING_NAMES)})(?=[{END}])([^>]*)", re.IGNORECASE | re.ASCII)
PLAIN_ATTRIBUTES = re.compile(
    rf"(?:{BLANK}++[^{END}=\"'<]++(?:=(?:\"[^\"<]*+\"|'[^'<]*+'|[^{END}=\"'<]++))?+)*+[\t\n\f\r /]*+"
)
"""Attributes that end where the next `>` is, however they are read."""
EQUAL_OPEN = 3
"""So many equal formatting elements stay open at most, and one link ("Noah's Ark clause")."""


def parse(source: str) -> HTMLTree:
    """The page's tree, made only after `check`.

    Raises:
        ValueError, RuntimeError: it can't be parsed, or is made to cost more than any page may.
    """
    from resiliparse.parse.html import HTMLTree

    check(source)
    return HTMLTree.parse(source)


def check(source: str) -> None:
    """Refuses a page that is made to cost more than any page may. Linear in its length.

    Raises:
        ValueError: its attributes, formatting elements or nesting would cost too much.
    """
    pairs, reopened, walked = bounds(source)
    if pairs > MAX_ATTRIBUTE_PAIRS or reopened > MAX_REOPENED or walked > MAX_WALKED:
        pairs, reopened, walked = cost(source)
    if pairs > MAX_ATTRIBUTE_PAIRS:
        raise ValueError("markup too costly: tags with too many attributes")
    if reopened > MAX_REOPENED:
        raise ValueError("markup too costly: formatting elements left open")
    if walked > MAX_WALKED:
        raise ValueError("markup too costly: links or formatting elements closed at a great depth")


def bounds(source: str) -> tuple[int, int, int]:
    """Bounds of what `cost` gives, which take a hundredth of a page's parsing; of small pages, by their size alone."""
    n_tags = source.count("<")
    most = n_tags * n_tags // 4  # so many at most, where some tags are counted once for each of the others
    return _pairs(source), most if most <= MAX_REOPENED else _reopened(source, n_tags), most


def _pairs(source: str) -> int:
    """Every attribute but a tag's first stands behind a blank, a slash or a quote that ends a value."""
    most = len(source) // 2
    if most * most <= MAX_ATTRIBUTE_PAIRS:
        return most * most
    if most * MANY_ATTRIBUTES <= MAX_ATTRIBUTE_PAIRS and not RICH_TAG.search(source):
        return most * MANY_ATTRIBUTES
    n_blanks, n_quotes = sum(map(source.count, "\t\n\f\r /")), source.count('"') + source.count("'")
    n_attributes = min(most, n_blanks + n_quotes // 2)
    few = most * MANY_ATTRIBUTES > MAX_ATTRIBUTE_PAIRS and not RICH_TAG.search(source)
    return n_attributes * (MANY_ATTRIBUTES if few else n_attributes)


def _reopened(source: str, n_tags: int) -> int:
    """Every tag may open anew what is open then: of few kinds of formatting elements, few each; and hardly any links,
    as one ends the other."""
    kinds = Counter(FORMATTING.findall(source))
    unlike = {kind: number for kind, number in kinds.items() if kind[0] not in "aA"}
    n_open = sum(unlike.values())
    n_open += n_open // (LOOK_BACK - 1) + 3
    few = EQUAL_OPEN * len(unlike) + 1
    if few <= LOOK_BACK and all(PLAIN_ATTRIBUTES.fullmatch(attributes) for _, attributes in unlike):
        n_open = min(n_open, few)
    return n_tags * n_open
