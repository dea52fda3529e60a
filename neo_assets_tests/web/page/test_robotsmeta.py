"""Directives for robots, in pages and headers."""

from __future__ import annotations

import pytest
from resiliparse.parse.html import HTMLTree

from neo_assets.web.page.robotsmeta import directives, meta_of


@pytest.mark.parametrize(
    ("html", "header", "expected"),
    [
        ("", "", (False, False)),
        ("<meta name=robots content='index, follow'>", "", (False, False)),
        ("<meta name=ROBOTS content='NoIndex'>", "", (True, False)),
        ("<meta name=robots content='nofollow'><meta name=robots content=noindex>", "", (True, True)),
        ("<meta name=robots content='noarchive;none'>", "", (True, True)),
        ("<meta name=neo-assets content=nofollow>", "", (False, True)),
        ("<meta name=googlebot content='noindex,nofollow'>", "", (False, False)),
        ("<body><meta name=robots content=noindex>", "", (True, False)),
        ("<meta name=description content=noindex>", "", (False, False)),
        ("", "noindex", (True, False)),
        ("", "NoIndex, NoFollow", (True, True)),
        ("", "neo-assets: noindex", (True, False)),
        ("", "Neo-Assets: none", (True, True)),
        ("", "otherbot: noindex, nofollow", (False, False)),
        ("", "otherbot: noindex\nnofollow", (False, True)),
        ("", "otherbot: noindex, neo-assets: nofollow", (False, True)),
        ("", "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex", (True, False)),
        ("", "max-snippet: 20, nofollow", (False, True)),
    ],
)
def test_directives(html: str, header: str, expected: tuple[bool, bool]) -> None:
    assert directives(meta_of(HTMLTree.parse(html)), {"x-robots-tag": header}) == expected
