"""Kinds of text laid out as pages of made sites: whole sites, mixed ones, and sites of a single page.

Positives of the seed's topic go to a few sites of their own, and none anywhere else, so that everything else is hidden.
Of the other texts a quarter of the positives stands on mixed sites, a twentieth of all texts alone on a site. Some
hosts of positives say what they hold; some hosts of other texts say so falsely.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from benchmarks.recall_truth.kinds import Kind
from neo_assets.lake.records import document_id
from neo_assets.retrieval.model import base_url

SEED_SITES, SEED_PAGES = 8, 12
MIXED_SHARE, ALONE_SHARE = 0.25, 0.05
SPEAKING_SHARE, LYING_SHARE = 0.3, 0.02
FEWEST_PAGES, MOST_PAGES = 4, 120
FEWEST_BELONGING, MOST_BELONGING = 0.05, 0.4
"""Of a mixed site's pages."""


class Text(NamedTuple):
    """A text with its truth."""

    text: str
    kind: str
    topic: str
    belongs: bool


class Pages(NamedTuple):
    """The pool: `table` has doc_id, url, title and text, by doc_id; truth and kind by doc_id."""

    table: pa.Table
    truth: dict[str, bool]
    kind: dict[str, str]
    seed_hosts: tuple[str, ...]

    @property
    def sites(self) -> Counter[bool]:
        """How many base URLs have a hidden positive (True), and how many have none."""
        return Counter({True: len(self.sites_of(True)), False: len(self.sites_of(False) - self.sites_of(True))})

    def sites_of(self, belongs: bool) -> set[str]:
        """Base URLs with a page of this truth that is no seed."""
        pairs = zip(self.table["doc_id"].to_pylist(), self.table["url"].to_pylist(), strict=True)
        return {base_url(url) for doc_id, url in pairs if self.truth[doc_id] is belongs and not self.is_seed(url)}

    def is_seed(self, url: str) -> bool:
        """Whether a page is of a seed's host."""
        return base_url(url).partition("://")[2] in self.seed_hosts


def laid_out(kinds: Sequence[Kind], seed_topic: str, speaking: str, seed: int) -> Pages:
    """The texts of all kinds on sites.

    Args:
        seed_topic: whose texts are the seed.
        speaking: a word that hosts of the domain have in their names.
        seed: of the whole layout.
    """
    draw = random.Random(f"recall {seed}")
    texts = [
        Text(text, kind.name, topic, kind.belongs)
        for kind in kinds
        for topic, found in kind.texts.items()
        for text in dict.fromkeys(found)
    ]
    draw.shuffle(texts)
    seeds = [one for one in texts if one.belongs and one.topic == seed_topic][: SEED_SITES * SEED_PAGES]
    hidden = [one for one in texts if not one.belongs or one.topic != seed_topic]
    rows: list[tuple[str, Text]] = []
    seed_hosts = tuple(f"seed{number}.test" for number in range(SEED_SITES))
    rows += [(f"http://{seed_hosts[place % SEED_SITES]}/{place}", one) for place, one in enumerate(seeds)]
    for number, site in enumerate(_sites(hidden, draw)):
        belongs = sum(one.belongs for one in site) > len(site) / 2
        speaks = draw.random() < (SPEAKING_SHARE if belongs else LYING_SHARE)
        host = f"{speaking if speaks else 'www'}{number}.test"
        rows += [(f"http://{host}/{place}", one) for place, one in enumerate(site)]
    return _pages(rows, seed_hosts)


def _sites(texts: list[Text], draw: random.Random) -> Iterator[list[Text]]:
    """Each text on one site."""
    alone = [one for one in texts if draw.random() < ALONE_SHARE]
    taken = set(map(id, alone))
    rest = [one for one in texts if id(one) not in taken]
    positives = [one for one in rest if one.belongs]
    others = [one for one in rest if not one.belongs]
    n_mixed = round(MIXED_SHARE * len(positives))
    mixed, positives = positives[:n_mixed], positives[n_mixed:]
    yield from ([one] for one in alone)
    while mixed and others:
        n_pages = draw.randint(20, 80)
        n_belonging = max(1, round(n_pages * draw.uniform(FEWEST_BELONGING, MOST_BELONGING)))
        site = [*mixed[:n_belonging], *others[: n_pages - n_belonging]]
        mixed, others = mixed[n_belonging:], others[n_pages - n_belonging :]
        draw.shuffle(site)
        yield site
    of: dict[tuple[str, str], list[Text]] = {}
    for one in [*positives, *mixed, *others]:
        of.setdefault((one.kind, one.topic), []).append(one)
    for _, found in sorted(of.items()):
        place = 0
        while place < len(found):
            size = draw.randint(FEWEST_PAGES, MOST_PAGES) if draw.random() < 0.5 else draw.randint(FEWEST_PAGES, 15)
            yield found[place : place + size]
            place += size


def _pages(rows: list[tuple[str, Text]], seed_hosts: tuple[str, ...]) -> Pages:
    named = sorted((document_id("2026-11-01", url), url, one) for url, one in rows)
    table = pa.table(
        {
            "doc_id": [doc_id for doc_id, _, _ in named],
            "url": [url for _, url, _ in named],
            "title": pa.array([None] * len(named), pa.string()),
            "text": [one.text for _, _, one in named],
        }
    )
    truth = {doc_id: one.belongs for doc_id, _, one in named}
    return Pages(table, truth, {doc_id: one.kind for doc_id, _, one in named}, seed_hosts)
