"""The mirror host: copies of other pages, exact and near, whose degree is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from neo_assets.web.bundled.edits import edited
from neo_assets.web.bundled.pages import Article

HOST = "mirror.neo.test"

KINDS: dict[str, float] = {
    "exact": 0.0,
    "boilerplate": 0.0,
    "edit-01": 0.01,
    "edit-05": 0.05,
    "edit-15": 0.15,
    "edit-40": 0.40,
}
"""Kinds of copy and the share of units replaced; `exact` is byte-equal, `boilerplate` has only another template."""


@dataclass(frozen=True)
class Copy:
    """A copy, the page it was made from, and how much of the text was replaced."""

    article: Article
    original: Article
    kind: str
    edit_share: float


def copies(originals: list[Article]) -> list[Copy]:
    """Six copies of every original, one of each kind; the originals' first published versions are copied."""
    made = []
    for original in originals:
        name = original.host.split(".")[0] + original.path.removesuffix(".html").replace("/", "-")
        for kind, share in KINDS.items():
            paragraphs = edited(original.paragraphs, share, original.url) if share else original.paragraphs
            article = replace(original, host=HOST, path=f"/{kind}/{name}.html", paragraphs=paragraphs)
            made.append(Copy(article, original, kind, share))
    return made
