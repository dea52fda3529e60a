"""Near deduplication against labelled truth: what each layout of bands finds, and what it merges wrongly.

    python -m benchmarks.dedup_truth [--quick] [--output FOLDER]

*Similar* pairs: Jaccard similarity of at least 0.8 on the shingles of the layout, found exhaustively with plain Python
strings. *Recall*: share of the similar pairs that meet in a band; *formula*: what 1 - (1 - J^rows)^bands gives on
average over these pairs, and how many standard deviations the finding is away from it. *Labelled* pairs are duplicates
by their editors, not by shingles (poems: a title that each edition has just once; laws: one title, two versions; edits:
a passage and its copy; manual pages: one name in both scripts); *reachable*: share of them that is similar; *found*:
share of them that is similar and meets. *Removed*: documents that the whole stage removes; *precision*: share of these
whose named survivor is similar when compared as strings. *False*: labelled non-duplicates that were merged (two pairs
of different laws made on one mould; translations of one page by different people).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import dedup_truth_sources as sources
from benchmarks.report import RESULTS, write_report
from neo_assets.recipe.dedup import NearSettings, Normalisation
from neo_assets_tests.dedup.truth import brute, edits, labels
from neo_assets_tests.dedup.truth.adapter import Pair, layout, met, verdicts
from neo_assets_tests.dedup.truth.edits import Language
from neo_assets_tests.dedup.truth.evaluate import found_pairs, share
from neo_assets_tests.dedup.truth.labels import Document

COLUMNS = (
    "data", "documents", "layout", "similar pairs", "recall", "formula", "labelled", "reachable", "found",
    "removed", "precision", "false",
)  # fmt: skip
MATRIX = (13, 9, 13)
SHORT = (3, 32, 4)
MIDDLE = (5, 32, 4)
THRESHOLD = 0.8


class Data(NamedTuple):
    """Documents of one language, pairs that are duplicates by label, and pairs that are none."""

    name: str
    normalisation: Normalisation
    texts: list[str]
    duplicates: list[Pair]
    others: list[Pair]

    def folded(self, table: dict[int, str]) -> Data:
        """The same in simplified characters."""
        return self._replace(name=f"{self.name}, simplified", texts=[text.translate(table) for text in self.texts])


def main() -> None:
    """Runs everything that can be had, prints the table and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the seed only and few edits: nothing is fetched")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    left_out: list[str] = []
    n_passages = 8 if chosen.quick else 150
    for make in (seed_data, lambda: edit_data(n_passages), *(() if chosen.quick else FETCHED)):
        try:
            for data, layouts in make():
                for row in [*exact_rows(data), *(near_row(data, *one) for one in layouts)]:
                    rows.append(row)
                    print("  ".join(row), flush=True)
        except sources.UnavailableError as error:
            left_out.append(str(error))
    notes = [(__doc__ or "").split("\n\n")[-1].strip(), kinds_table(n_passages), source_notes(chosen.quick, left_out)]
    title = "Near deduplication against labelled truth"
    print(write_report("dedup_truth", title, COLUMNS, rows, "\n\n".join(notes), chosen.output))


Made = list[tuple[Data, tuple[tuple[int, int, int], ...]]]


def seed_data() -> Made:
    """Poems, laws with lookalikes, articles and translated chapters of the seed."""
    poems = poem_data("poems, seed", labels.seed_poems())
    laws = law_data("laws, seed", labels.seed_laws() + labels.lookalike_laws())
    articles = [article for law in labels.seed_laws() for article in labels.articles(law.text)]
    pages = labels.seed_pages()
    pairs = [
        (i, j)
        for j, later in enumerate(pages)
        for i, earlier in enumerate(pages[:j])
        if earlier.title == later.title and earlier.edition != later.edition
    ]
    chapters = Data("guide in 3 languages, seed", "chinese", [page.text for page in pages], [], pairs)
    return [
        (poems, (MATRIX, (5, 9, 13), MIDDLE, SHORT)),
        (laws, (MATRIX, (5, 9, 13), MIDDLE)),
        (Data("articles, seed", "chinese", articles, [], []), (MATRIX, MIDDLE)),
        (chapters, (MATRIX, MIDDLE)),
    ]


def edit_data(n_passages: int) -> Made:
    """Passages of both languages, each with a copy of every kind."""
    made: Made = []
    languages: list[Language] = ["english", "chinese"]
    for language in languages:
        texts = edits.passages(language, n_passages, 400)
        copies = edits.copies(texts, language, edits.KINDS, seed=1)
        pairs = [(copy.origin, n_passages + i) for i, copy in enumerate(copies)]
        name = f"generated edits, {language}"
        made.append((Data(name, language, texts + [copy.text for copy in copies], pairs, []), (MATRIX, MIDDLE)))
    return made


def whole_poems() -> Made:
    """Both editions of the Complete Tang Poems, as they are and in simplified characters."""
    poems = poem_data("poems, whole editions", sources.all_poems())
    return [(poems, (MATRIX, SHORT)), (poems.folded(sources.simplified()), (MATRIX, SHORT))]


def folded_seed_poems() -> Made:
    """The seed's poems in simplified characters."""
    return [(poem_data("poems, seed", labels.seed_poems()).folded(sources.simplified()), (MATRIX, SHORT))]


def whole_laws() -> Made:
    """All laws and all articles."""
    articles = Data("articles, whole", "chinese", sources.all_articles(), [], [])
    return [(law_data("laws, whole", sources.all_laws()), (MATRIX, MIDDLE)), (articles, (MATRIX, MIDDLE))]


def translated_pages() -> Made:
    """Every fourth help page, translated twice (no duplicates), and manual pages in both scripts (often converted)."""
    table = sources.simplified()
    man = sources.man_pages()
    half = len(man) // 2
    same_page = [(i, i + half) for i in range(half)]
    manual = Data("manual pages zh_CN/zh_TW", "chinese", [page.text for page in man], same_page, [])
    every = sources.help_pages()
    titles = set(sorted({page.title for page in every})[::4])
    pages = [page for page in every if page.title in titles and mostly_chinese(page.text)]
    first = {page.title: i for i, page in enumerate(pages) if page.edition == "zh-CN"}
    twice = [(first[page.title], i) for i, page in enumerate(pages) if page.edition != "zh-CN" and page.title in first]
    helped = Data("help pages zh-CN/zh-TW", "chinese", [page.text for page in pages], [], twice)
    return [(data, (MATRIX, MIDDLE)) for data in (manual, manual.folded(table), helped, helped.folded(table))]


FETCHED: tuple[Callable[[], Made], ...] = (folded_seed_poems, whole_laws, translated_pages, whole_poems)


def poem_data(name: str, poems: Sequence[Document]) -> Data:
    """Poems; duplicates are those of a title that each edition has just once."""
    return Data(name, "chinese", [poem.text for poem in poems], labels.title_pairs(poems), [])


def law_data(name: str, laws: Sequence[Document]) -> Data:
    """Laws; duplicates are versions of one title, others the two pairs of lookalikes."""
    place = {law.title: i for i, law in enumerate(laws)}
    titles = [law.title for law in labels.lookalike_laws()]
    others = [(place[one], place[two]) for one, two in zip(titles[::2], titles[1::2], strict=True)]
    pairs = [(min(pair), max(pair)) for pair in others]
    return Data(name, "chinese", [law.text for law in laws], labels.title_pairs(laws), pairs)


def mostly_chinese(text: str) -> bool:
    """Whether the page is translated: half of its letters are Chinese characters (untranslated parts are English)."""
    found = labels.letters(text)
    return sum("\u4e00" <= c <= "\u9fff" for c in found) * 2 >= len(found) > 0


def exact_rows(data: Data) -> list[tuple[str, ...]]:
    """Exact deduplication, of the raw text and of the text as it is compared."""
    rows: list[tuple[str, ...]] = []
    for name, texts in (
        ("exact, raw", data.texts),
        ("exact, normalised", [brute.reduced(text, data.normalisation) for text in data.texts]),
    ):
        equal = [pair for pair in data.duplicates if texts[pair[0]] == texts[pair[1]]]
        false = sum(texts[i] == texts[j] for i, j in data.others)
        removed = len(texts) - len(set(texts))
        labelled = (f"{len(data.duplicates):,}", "", percent(len(equal), len(data.duplicates)))
        end = (f"{removed:,}", "", f"{false} of {len(data.others):,}" if data.others else "")
        rows.append((data.name, f"{len(texts):,}", name, "", "", "", *labelled, *end))
    return rows


def near_row(data: Data, shingle_chars: int, bands: int, rows: int) -> tuple[str, ...]:
    """One layout on one set of documents."""
    settings = layout(data.normalisation, shingle_chars, bands, rows, THRESHOLD)
    found = found_pairs(data.texts, settings)
    n_true = len(found.true)
    removed, right = judged(data, settings)
    false = sum(pair in found.merged for pair in data.others)
    return (
        data.name,
        f"{len(data.texts):,}",
        f"{shingle_chars} characters, {bands} × {rows}",
        f"{n_true:,}",
        percent(len(found.merged), n_true),
        f"{percent(found.expected, n_true)} ({found.deviations:+.1f} sd)" if n_true else "",
        f"{len(data.duplicates):,}",
        f"{share(found.true, data.duplicates):.1%}" if data.duplicates else "",
        f"{share(found.merged, data.duplicates):.1%}" if data.duplicates else "",
        f"{removed:,}",
        percent(right, removed),
        f"{false} of {len(data.others):,}" if data.others else "",
    )


def judged(data: Data, settings: NearSettings) -> tuple[int, int]:
    """Documents that the stage removes, and those of them that are similar to the survivor, compared as strings."""
    survivors = [row["survivor"] for row in verdicts(data.texts, settings)]
    pairs = [(i, survivor) for i, survivor in enumerate(survivors) if survivor is not None]
    right = 0
    for pair in pairs:
        sets = [brute.shingles(data.texts[i], data.normalisation, settings.shingle_chars) for i in pair]
        right += brute.jaccard(*sets) >= settings.threshold
    return len(pairs), right


def kinds_table(n_passages: int) -> str:
    """Per kind of edit: the measured similarity and how often the published bands detect it."""
    lines = [
        f"Generated copies by kind ({n_passages} of each, 13 characters, 9 × 13 bands): median similarity and share "
        "detected (share expected):",
        "",
        "| kind | English | | Chinese | |",
        "| --- | --- | --- | --- | --- |",
    ]
    languages: list[Language] = ["english", "chinese"]
    cells: dict[str, list[str]] = {kind: [] for kind in edits.KINDS}
    for language in languages:
        texts = edits.passages(language, n_passages, 400)
        sets = [brute.shingles(text, language, 13) for text in texts]
        for kind, edit in edits.KINDS.items():
            copies = [copy.text for copy in edits.copies(texts, language, {kind: edit}, seed=1)]
            made = [brute.shingles(text, language, 13) for text in copies]
            measured = [brute.jaccard(*pair) for pair in zip(sets, made, strict=True)]
            detected = int(met(texts, copies, layout(language)).sum())
            expected = sum(brute.detection(value, 9, 13) for value in measured)
            shares = f"{percent(detected, n_passages)} ({percent(expected, n_passages)})"
            cells[kind] += [f"{statistics.median(measured):.3f}", shares]
    return "\n".join([*lines, *(f"| {kind} | {' | '.join(row)} |" for kind, row in cells.items())])


def source_notes(quick: bool, left_out: Sequence[str]) -> str:
    """Where the documents come from, and what could not be had."""
    packages = (sources.POEMS, sources.LAWS, sources.OPENCC, sources.MAN_PAGES, *sources.HELP_PAGES.values())
    lines = ["Seed: `neo_assets/seed`; lookalikes: two pairs of laws made on one mould, beside the tests."]
    if quick:
        lines.append("**Quick run: the seed only, few edits.**")
    else:
        lines.append("Packages, each pinned to one SHA-256: " + "; ".join(package.label for package in packages) + ".")
    lines += [f"**Left out:** {reason}." for reason in left_out]
    return "\n".join(lines)


def percent(part: float, whole: int) -> str:
    """A share; empty when there is nothing to share."""
    return f"{part / whole:.1%}" if whole else ""


if __name__ == "__main__":
    main()
