"""The report of a batch: its gallery, its histograms, its tables and what the UI shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from neo_assets.documents.report.choice import chosen, worst_pages
from neo_assets.documents.report.drawing import jpeg, page_picture, png, side_by_side
from neo_assets.documents.report.facts import Facts, Key, Row, Stages, by_page, facts_of
from neo_assets.documents.report.gallery import Shown, gallery_html
from neo_assets.documents.report.plots import confidence_plot
from neo_assets.documents.report.summary import summary

N_INLINE = 2
"""Pages that the UI shows without anyone opening a file."""
PHOTO_WIDTH, INLINE_WIDTH = 900, 1000
NOT_KEPT_SCHEMA = pa.schema([("stage", pa.string()), ("rule", pa.string()), ("n", pa.int64())])


@dataclass(frozen=True)
class Report:
    """What a report is made of."""

    files: dict[str, bytes]
    """`gallery.html`, `gallery/*.png` and `confidence.png`. Pictures depend on the fonts of the machine."""
    tables: dict[str, pa.Table]
    """`pages` (a row a page, `FACT_SCHEMA`) and `not_kept` (files and pages by stage and rule)."""
    markdown: str
    """For the UI, with small pictures in it; it names seconds, so it is not content."""


def report(batch: str, stages: Stages, decisions: Mapping[str, Iterable[Row]], n_gallery_pages: int) -> Report:
    """The report of a batch. Memory: its facts and the pages that are shown.

    Args:
        stages: the rows of each stage; each is read up to twice.
        decisions: by stage, the rows of its decisions.
    """
    facts = facts_of(stages)
    pages = shown_pages(stages, facts, n_gallery_pages)
    pictures = {page.key: _picture(page) for page in pages}
    plot = confidence_plot(facts)
    files = {
        f"gallery/{_file_name(place, page.key)}.png": png(pictures[page.key]) for place, page in enumerate(pages, 1)
    }
    files |= {"gallery.html": gallery_html(batch, pages), "confidence.png": plot}
    not_kept = not_kept_counts(decisions)
    inline = [("confidence", plot, "image/png")]
    inline += [(page.title, jpeg(pictures[page.key], INLINE_WIDTH, 60), "image/jpeg") for page in _inline(pages)]
    text = summary(facts.table, not_kept, inline)
    return Report(files, {"pages": facts.table, "not_kept": pa.Table.from_pylist(not_kept, NOT_KEPT_SCHEMA)}, text)


def shown_pages(stages: Stages, facts: Facts, n_pages: int) -> list[Shown]:
    """At most so many pages with all that is drawn of them."""
    keys = chosen(facts.table, n_pages)
    wanted = frozenset(keys)
    rows = {
        (row["doc_id"], row["page"]): row for row in facts.table.to_pylist() if (row["doc_id"], row["page"]) in wanted
    }
    ordered = dict(by_page(stages.ordered(), wanted))
    blocks = _blocks(stages.markdown(), wanted)
    images = {key: _photo(row, ordered.get(key, row)) for key, row in by_page(stages.pages(), wanted)}
    return [
        Shown(
            key=key, url=images[key][0], width=images[key][1], height=images[key][2], photo=images[key][3],
            elements=ordered[key]["elements"] if key in ordered else (), blocks=blocks.get(key, ()), facts=rows[key],
        )
        for key in keys
    ]  # fmt: skip


def not_kept_counts(decisions: Mapping[str, Iterable[Row]]) -> list[dict[str, Any]]:
    """How many files and pages each stage did not keep, by rule; the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for stage, rows in decisions.items():
        for row in rows:
            key = stage, row["rule"] or row["verdict"] or ""
            counts[key] = counts.get(key, 0) + 1
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"stage": stage, "rule": rule, "n": n} for (stage, rule), n in ranked]


def _blocks(documents: Iterable[Row], wanted: frozenset[Key]) -> dict[Key, list[tuple[str, str]]]:
    """Of each page the kind and Markdown of the blocks that have a place on it."""
    found: dict[Key, list[tuple[str, str]]] = {}
    names = {doc_id for doc_id, _ in wanted}
    for row in documents:
        if row["doc_id"] in names:
            for block in row["blocks"]:
                text = row["markdown"][block["start"] : block["end"]]
                for number in sorted({place["page"] for place in block["places"]}):
                    if (row["doc_id"], number) in wanted:
                        found.setdefault((row["doc_id"], number), []).append((block["kind"], text))
    return found


def _photo(row: Row, read: Row) -> tuple[str, float, float, bytes]:
    """Address, width, height and picture of a page, turned as it was read; `row` itself where nobody read it."""
    turned, skew = read.get("turned") or 0, read.get("skew") or 0.0
    picture = page_picture(row["image"], read["width"], (), turned=turned, skew=skew)
    return row["url"], read["width"], read["height"], jpeg(picture, PHOTO_WIDTH)


def _picture(page: Shown) -> Any:
    return side_by_side(page_picture(page.photo, page.width, page.elements), page.markdown)


def _inline(pages: Sequence[Shown]) -> list[Shown]:
    """The first page, and of the others that are shown the one of which the models were least certain."""
    worst = [(row["doc_id"], row["page"]) for row in worst_pages([page.facts for page in pages[1:]], N_INLINE - 1)]
    return [page for place, page in enumerate(pages) if not place or page.key in worst]


def _file_name(place: int, key: Key) -> str:
    """Unique by its place; a document's id may hold anything."""
    safe = "".join(character if character.isascii() and character.isalnum() else "-" for character in key[0])
    return f"{place:03d}-{safe[:80]}-p{key[1]}"
