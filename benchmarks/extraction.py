"""Extraction of main text: ours against other extractors, on pages whose main text is known.

    python -m benchmarks.extraction [--quick] [--only PART] [--repeat N] [--output FOLDER]

F1 of character 5-grams (as multisets; blanks, Markdown marks, bullets and numbers of lists left out of both texts), the
mean of a part's pages; the Debian guides, of which only the whole text is known, are scored as a whole. Whether a
page's title is repeated in its text is not judged: the better of both counts. "decoded" systems are given the text as
it truly is, the others the bytes as sent; only ours and trafilatura's own detection look at more than the bytes'
statistics. The gold of the Python and SymPy manuals and the guides is their source, whose marks no extractor can give;
that of the LibreOffice and Apache manuals is the text that readers see of the element that holds it, without languages,
contents and links to related pages.
Speed: pages a second of processor time on one core, page by page in memory, the least of N runs each. Ours is measured
as the crawl calls it, which also takes the page's links, title, date and author, and for its main text only.
A bold F1 of ours is at least the best of trafilatura and resiliparse, rounded as printed.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.charsets import accuracy
from benchmarks.extraction_gold import GoldPage, Part, navigation_pages, parts
from benchmarks.peers.environments import EXTRACTION_OURS, EXTRACTION_PEERS, Peer, absent, ask
from benchmarks.report import RESULTS, Table, write_tables

N_GRAM = 5
QUICK_PAGES = 3
NO_TEXT = "no text (characters found)"
MARKS = re.compile(r"[\s#*_`|>~=+$\\•·‣◦¶-]+")
NUMBERS = re.compile(r"^[ \t]*\d{1,3}\.(?=[ \t])", re.MULTILINE)
RIVALS = ("trafilatura", "resiliparse")


class Found(NamedTuple):
    """What a mode of a system gave for a page."""

    text: str
    seconds: float
    error: str


Results = dict[str, dict[str, Found]]
"""By mode, then by page."""


def main() -> None:
    """Runs the comparison, prints its tables and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some pages only: shows that it runs, proves nothing")
    parser.add_argument("--only", help="only parts whose name has this in it; nothing is written")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each page, of which the quickest counts")
    parser.add_argument("--ours", action="store_true", help="ours only; nothing is written")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    known = parts(QUICK_PAGES if chosen.quick else None)
    known = [part for part in known if not chosen.only or chosen.only.lower() in part.title.lower()]
    blank = [] if chosen.only else navigation_pages()
    peers = (EXTRACTION_OURS,) if chosen.ours else (EXTRACTION_OURS, *EXTRACTION_PEERS)
    results = measure(peers, [*known, Part(NO_TEXT, tuple(blank))], 1 if chosen.quick else chosen.repeat)
    tables = [quality(known, blank, results), speed(known, results)]
    tables += [] if chosen.only or chosen.ours else [accuracy(chosen.quick)]
    for table in tables:
        print_table(table)
    if not (chosen.only or chosen.ours):
        print(write_tables("extraction", "Text extraction", tables, notes(results, chosen.quick), chosen.output))


def measure(peers: Sequence[Peer], known: Sequence[Part], repeat: int) -> Results:
    """What each installed system finds on every page, mode by mode."""
    results: Results = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pages.jsonl"
        rows = (json.dumps(_row(page)) for part in known for page in part.pages)
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        for peer in peers:
            for answer in ask(peer, ["--input", str(file), "--repeat", str(repeat)]) or []:
                if "mode" in answer:
                    found = Found(answer["text"], answer["seconds"], answer["error"])
                    results.setdefault(answer["mode"], {})[answer["id"]] = found
    return results


def _row(page: GoldPage) -> dict[str, Any]:
    sent = page.page
    return {
        "id": page.identity,
        "url": sent.url,
        "payload": base64.b64encode(sent.payload).decode("ascii"),
        "content_type": sent.content_type,
        "charset": sent.charset,
        "decoded": sent.decoded,
    }


def quality(known: Sequence[Part], blank: Sequence[GoldPage], results: Results) -> Table:
    """F1 by part and mode."""
    modes = list(results)
    rows = []
    for part in known:
        scores = {mode: f"{part_f1(part, found):.3f}" for mode, found in results.items()}
        best = max((score for mode, score in scores.items() if mode.startswith(RIVALS)), default="")
        cells = [
            f"**{score}**" if mode.startswith("neo") and score >= best else score for mode, score in scores.items()
        ]
        rows.append((part.title, str(len(part.pages)), *cells))
    if blank:
        found_there = (sum(len(MARKS.sub("", results[mode][page.identity].text)) for page in blank) for mode in modes)
        rows.append((NO_TEXT, str(len(blank)), *(f"{number / len(blank):,.0f}" for number in found_there)))
    return Table(
        "F1 of character 5-grams",
        ("part", "pages", *modes),
        rows,
        "The last row is of lists of links, without a text of their own: the characters found there on average.",
    )


def speed(known: Sequence[Part], results: Results) -> Table:
    """Pages a second by part and mode, in total, and how many times trafilatura's that is."""
    rows = [
        (part.title, *(_rate([found[page.identity] for page in part.pages]) for found in results.values()))
        for part in known
    ]
    seconds = {
        mode: sum(found[page.identity].seconds for part in known for page in part.pages)
        for mode, found in results.items()
    }
    n_pages = sum(len(part.pages) for part in known)
    rows.append(("**all**", *(f"{n_pages / max(spent, 1e-9):,.0f}" for spent in seconds.values())))
    slowest = seconds.get("trafilatura")
    if slowest:
        rows.append(("times trafilatura", *(f"{slowest / max(spent, 1e-9):.1f}x" for spent in seconds.values())))
    return Table("Pages a second", ("part", *results), rows)


def _rate(found: Sequence[Found]) -> str:
    return f"{len(found) / max(sum(one.seconds for one in found), 1e-9):,.0f}"


def part_f1(part: Part, found: dict[str, Found]) -> float:
    """The mean F1 of a part's pages, or the F1 of their texts together."""
    if part.whole is not None:
        return f1("\n".join(found[page.identity].text for page in part.pages), part.whole)
    scores = [page_f1(page, found[page.identity].text) for page in part.pages]
    return sum(scores) / len(scores)


def page_f1(page: GoldPage, text: str) -> float:
    """The F1 of a page's text, with or without its title, whichever is better."""
    gold = page.gold or ""
    return max(f1(text, gold), f1(text, f"{page.title}\n{gold}")) if page.title else f1(text, gold)


def f1(text: str, gold: str) -> float:
    """The harmonic mean of precision and recall of character 5-grams; 1 for two empty texts.

    >>> f1("abcdef", "abcde f"), f1("# abcdef", "abcdef"), f1("", "abcdef"), round(f1("abcdefg", "abcdef"), 2)
    (1.0, 1.0, 0.0, 0.8)
    """
    one, other = grams(text), grams(gold)
    if not one or not other:
        return float(one == other)
    common = sum((one & other).values())
    return 2 * common / (one.total() + other.total())


def grams(text: str) -> Counter[str]:
    """The character 5-grams of a text without blanks, marks and list numbers; a shorter text is one gram."""
    text = MARKS.sub("", NUMBERS.sub("", text))
    return Counter(text[place : place + N_GRAM] for place in range(max(len(text) - N_GRAM + 1, min(len(text), 1))))


def notes(results: Results, quick: bool) -> str:
    """How it was measured, what went wrong, and who is missing."""
    said = [(__doc__ or "").split("\n\n")[-1].strip()]
    for mode, found in results.items():
        errors = [f"{one.error} ({identity})" for identity, one in found.items() if one.error]
        if errors:
            said.append(f"{mode} failed on {len(errors)} pages, scored as empty: {errors[0]}.")
    said += [f"Not installed, so not measured: {', '.join(missing)}."] if (missing := absent(EXTRACTION_PEERS)) else []
    said += ["**Quick run: not a measurement.**"] if quick else []
    return "\n\n".join(said)


def print_table(table: Table) -> None:
    """The table, its columns under each other."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    print(f"\n{table.title}")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    main()
