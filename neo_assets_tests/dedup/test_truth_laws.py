"""Laws in two versions, their articles, laws that only look alike, and translations: what is merged and what never."""

from __future__ import annotations

from functools import lru_cache

import pytest

from neo_assets_tests.dedup.truth import brute
from neo_assets_tests.dedup.truth.adapter import layout, verdicts
from neo_assets_tests.dedup.truth.evaluate import expected_survivors, found_pairs
from neo_assets_tests.dedup.truth.labels import Document, articles, lookalike_laws, seed_laws, seed_pages, title_pairs

SURE = (32, 4)
"""Bands and rows that propose a pair of similarity 0.8 with certainty (but for one in ten million)."""


@lru_cache(maxsize=1)
def laws() -> list[Document]:
    """The seed's 42, then the two pairs of lookalikes."""
    return seed_laws() + lookalike_laws()


@lru_cache(maxsize=4)
def similarities(shingle_chars: int) -> dict[tuple[int, int], float]:
    return brute.all_pairs([brute.shingles(law.text, "chinese", shingle_chars) for law in laws()], 0.01)


def merged_titles(shingle_chars: int, bands: int, rows: int, threshold: float = 0.8) -> set[frozenset[str]]:
    settings = layout("chinese", shingle_chars, bands, rows, threshold)
    judged = verdicts([law.text for law in laws()], settings)
    pairs = [(i, row["survivor"]) for i, row in enumerate(judged) if row["survivor"] is not None]
    return {frozenset((laws()[i].title, laws()[j].title)) for i, j in pairs}


def test_eleven_titles_have_two_versions() -> None:
    assert len(title_pairs(laws())) == 11
    assert {laws()[i].edition for pair in title_pairs(laws()) for i in pair} == {"历史版本", "现行有效"}


@pytest.mark.parametrize(("shingle_chars", "similar"), [(3, 1), (5, 1), (13, 0)])
def test_versions_are_merged_just_when_they_are_similar(shingle_chars: int, similar: int) -> None:
    """New versions are mostly new texts: only the constitution's two are near-duplicates, and not by 13 characters."""
    true = {pair: value for pair, value in similarities(shingle_chars).items() if value >= 0.8}
    assert len(true) == similar
    assert set(true) <= set(title_pairs(laws()))
    expected = {frozenset((laws()[i].title, laws()[j].title)) for i, j in true}
    assert expected <= {frozenset(["中华人民共和国宪法"])}
    assert merged_titles(shingle_chars, *SURE) == expected


@pytest.mark.parametrize("shingle_chars", [5, 13])
def test_published_bands_merge_no_lookalikes(shingle_chars: int) -> None:
    assert merged_titles(shingle_chars, 9, 13) <= {frozenset(["中华人民共和国宪法"])}


def test_no_threshold_tells_versions_from_lookalikes() -> None:
    """Different laws of one mould are more similar than nine of the eleven pairs of versions."""
    versions = title_pairs(laws())
    other = {pair: value for pair, value in similarities(5).items() if pair not in versions}
    closest = sorted(other, key=lambda pair: -other[pair])[:2]
    assert [{laws()[i].title.removeprefix("中华人民共和国") for i in pair} for pair in closest] == [
        {"法官法", "检察官法"},
        {"澳门特别行政区驻军法", "香港特别行政区驻军法"},
    ]
    assert all(0.5 < other[pair] < 0.8 for pair in closest)
    assert sum(similarities(5)[pair] > other[closest[0]] for pair in versions) == 2
    # At a threshold of 0.5 the lookalikes would be merged with the three closest versions.
    above = {frozenset(laws()[i].title for i in pair) for pair, value in similarities(5).items() if value >= 0.5}
    assert len(above) == 5
    assert merged_titles(5, 128, 1, threshold=0.5) == above


def test_articles_are_merged_just_when_they_are_similar() -> None:
    """3,721 articles without their numbers; 313 repeat an earlier one word for word."""
    texts = [article for law in seed_laws() for article in articles(law.text)]
    assert len(texts) == 3721
    assert len(texts) - len(set(texts)) == 313
    settings = layout("chinese")
    result = found_pairs(texts, settings)
    judged = verdicts(texts, settings)
    survivors = [row["survivor"] for row in judged]
    assert survivors == expected_survivors(len(texts), result.merged)
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        if first.setdefault(text, i) != i:
            assert survivors[i] is not None, "a repeated article was kept"
        if survivors[i] is not None:
            assert judged[i]["similarity"] == result.true[survivors[i], i] >= 0.8
    assert abs(result.deviations) < 4


@pytest.mark.parametrize("language", ["chinese", "english"])
def test_translations_are_not_merged(language: str) -> None:
    """Chapters of one guide in English, simplified and traditional Chinese share untranslated listings, no more."""
    pages = seed_pages()
    assert {page.edition for page in pages} == {"en", "zh-cn", "zh-tw"}
    texts = [page.text for page in pages]
    settings = layout("chinese" if language == "chinese" else "english", 5, *SURE)
    sets = [brute.shingles(text, settings.normalisation, 5) for text in texts]
    similar = brute.all_pairs(sets, 0.4)
    assert len(similar) > 0
    assert not [pair for pair, value in similar.items() if value >= 0.8]
    assert [row["verdict"] for row in verdicts(texts, settings)] == ["kept"] * len(pages)
