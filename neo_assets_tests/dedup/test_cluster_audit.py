"""The audit sample: who may be drawn, that every seed draws its own, and what is shown of two texts."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.cluster_audit import CLOSE, OPEN, common_start, difference, merged_strata, refused_stratum
from neo_assets.lake.lake import Lake
from neo_assets.recipe.dedup import ClusterReportSettings, NearSettings
from neo_assets_tests.dedup.duplicates import NEAR, Duplicates, Layout, band, url

short_texts = st.text("ab 天 地\U0001f600é", max_size=30)


def many() -> Duplicates:
    """60 removed documents and 60 refused pairs at the same distance from each other."""
    names = [f"s:{n:03}" for n in range(121)]
    near = {name: (names[0], 0.8 + 0.2 * n / 59) for n, name in enumerate(names[1:61])}
    refused = {(name, names[0]): 0.6 + 0.2 * n / 60 for n, name in enumerate(names[61:])}
    return Duplicates(
        {name: f"The same words, but number {name} is here" for name in names}, near=near, refused=refused
    )


def test_every_interval_gives_its_sample_and_says_how_many_there_are(tmp_path: Path) -> None:
    found = many()
    rows = found.report(Lake(str(tmp_path)), Layout(3)).audit.to_pylist()
    shown = {(row["outcome"], row["lower"], row["upper"]): row["found"] for row in rows}
    assert shown == {
        ("merged", 0.8, 0.85): 15, ("merged", 0.85, 0.9): 15, ("merged", 0.9, 0.95): 15, ("merged", 0.95, 1.0): 14,
        ("merged", 1.0, 1.0): 1, ("refused", 0.75, 0.8): 15,
    }  # fmt: skip
    assert len(rows) == 5 * 2 + 1
    for row in rows:
        assert (row["url"], row["survivor"], row["survivor_url"]) == (url(row["doc_id"]), "s:000", url("s:000"))
        assert row["band"] == band(row["doc_id"], "s:000")
        known = found.near[row["doc_id"]][1] if row["outcome"] == "merged" else found.refused[row["doc_id"], "s:000"]
        assert row["similarity"] == known
        assert row["lower"] <= known <= row["upper"]
        assert row["chars"] == len(found.texts[row["doc_id"]])
        # 25 characters and the colon of the id are alike before the number, and " is here" after it.
        assert row["alike_at_start"] >= len("The same words, but number s:")
        assert row["alike_at_end"] >= len(" is here")


def test_each_seed_draws_its_own_and_always_the_same(tmp_path: Path) -> None:
    def drawn(seed: int, layout: Layout) -> list[str]:
        settings = ClusterReportSettings(audit_documents=4, audit_seed=seed)
        folder = tmp_path / f"{seed}-{layout.partitions}"
        return many().report(Lake(str(folder)), layout, settings=settings).audit["doc_id"].to_pylist()

    draws = [drawn(seed, Layout()) for seed in (1, 2, 3)]
    assert len({tuple(draw) for draw in draws}) == 3
    assert drawn(1, Layout(4, True, 7)) == draws[0]


def test_without_verification_nothing_is_refused_and_the_low_ones_are_drawn(tmp_path: Path) -> None:
    found = many()
    found.near = {**found.near, **{name: (other, s) for (name, other), s in found.refused.items()}}
    found.refused = {}
    near = NearSettings(normalisation="none", verify="nothing")
    report = found.report(Lake(str(tmp_path)), near=near)
    shown = {(row["outcome"], row["lower"], row["upper"]): row["found"] for row in report.audit.to_pylist()}
    assert shown["merged", 0.0, 0.8] == 60
    assert report.totals["pairs refused"] == 0
    assert sum(report.refused["merged"].to_pylist()) == 120


def test_a_similarity_that_was_not_measured_has_its_own_interval(tmp_path: Path) -> None:
    found = Duplicates({"s:0": "a", "s:1": "b"}, near={"s:1": ("s:0", float("nan"))})
    report = found.report(Lake(str(tmp_path)), near=NearSettings(normalisation="none", verify="nothing"))
    [row] = report.audit.to_pylist()
    assert (row["lower"], row["upper"], row["similarity"], row["found"]) == (None, None, None, 1)
    assert report.totals["pairs not measured"] == 1
    assert report.clusters["similarity_min"].to_pylist() == [None]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.78, 0.8, 0.95, 0.97, 1.0])
def test_the_intervals_divide_all_similarities(threshold: float) -> None:
    values = np.array([0.0, *np.linspace(0, 1, 1001), threshold, np.nextafter(threshold, 0), 1.0, np.nan])
    held = sum(stratum.holds(values).astype(int) for stratum in merged_strata(threshold))
    assert (held == 1).all()
    below = refused_stratum(threshold)
    assert threshold == 0 or not below.holds(np.array([threshold])).any()
    assert threshold == 0 or below.holds(np.array([np.nextafter(threshold, 0)])).all()


@given(short_texts, short_texts)
def test_the_common_start_is_all_that_is_alike(text: str, other: str) -> None:
    assert common_start(text, other) == sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False))
    )


@given(short_texts, short_texts, short_texts, short_texts, st.integers(1, 40))
def test_an_excerpt_is_of_its_text_and_marks_what_differs(
    before: str, one: str, two: str, after: str, sample_chars: int
) -> None:
    texts = (before + one + after, before + two + after)
    shown = difference(*texts, sample_chars)
    start, end = shown["alike_at_start"], shown["alike_at_end"]
    assert texts[0][:start] == texts[1][:start]
    assert texts[0][len(texts[0]) - end :] == texts[1][len(texts[1]) - end :]
    assert start + end <= min(map(len, texts))
    for text, excerpt in zip(texts, (shown["excerpt"], shown["survivor_excerpt"]), strict=True):
        plain = excerpt.replace(OPEN, "").replace(CLOSE, "").removeprefix("…").removesuffix("…")
        assert plain in text
        assert len(plain) <= sample_chars
    marked = OPEN in shown["excerpt"] + shown["survivor_excerpt"]
    assert not (marked and texts[0] == texts[1])
    if max(map(len, texts)) <= sample_chars // 2:
        assert marked == (texts[0] != texts[1])


def test_what_differs_is_marked_by_words_and_characters() -> None:
    shown = difference("Published on 3 May, 天地玄黄", "Published on 14 May, 天地玄黑", 200)
    assert shown["excerpt"] == "Published on ⟦3⟧ May, 天地玄⟦黄⟧"
    assert shown["survivor_excerpt"] == "Published on ⟦14⟧ May, 天地玄⟦黑⟧"


def test_long_texts_are_compared_in_linear_time() -> None:
    shown = difference("天" * 1_000_000 + "一" + "地" * 1_000_000, "天" * 1_000_000 + "二" + "地" * 1_000_000, 40)
    assert (shown["alike_at_start"], shown["alike_at_end"]) == (1_000_000, 1_000_000)
    assert shown["excerpt"] == "…" + "天" * 10 + "⟦一⟧" + "地" * 29 + "…"


def test_the_published_threshold_has_the_intervals_named_in_the_report() -> None:
    assert [(s.lower, s.upper) for s in merged_strata(NEAR.threshold)][:5] == [
        (0.8, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.0), (1.0, 1.0),
    ]  # fmt: skip
