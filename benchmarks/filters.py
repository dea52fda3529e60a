"""Quality signals and rules: ours against other systems' filters, on the same documents, in one run on one core.

    python -m benchmarks.filters [--quick] [--seconds S] [--megabytes N] [--output FOLDER]

Corpora are made from the seed (see `benchmarks.corpora`). Ours reads the whole corpus, the others its first documents
until S seconds are spent. Every system runs in its own process, pinned to one core; time is processor time of the
filters alone, on documents in memory, without reading, loading of models or the first document. Every filter runs on
every document. Ours computes all signals that the recipe's lists and models give, and the verdict of every rule of the
generic English set or the Chinese set; no system identifies the language or deduplicates here. dolma cuts words at
blanks, so that in Chinese it has next to nothing to count; data-juicer's Chinese filters are four, without words.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.corpora import corpus
from benchmarks.peers.environments import OURS, PEERS, absent, ask
from benchmarks.report import RESULTS, write_report

LANGUAGES = ("english", "chinese")
COLUMNS = (
    "corpus",
    "system",
    "computes",
    "documents",
    "documents/s",
    "million characters/s",
    "memory MiB",
    "ours is faster by",
)
Answers = dict[str, dict[str, Any]]


def main() -> None:
    """Runs the comparison, prints its table and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small corpus only: shows that it runs, proves nothing")
    parser.add_argument("--megabytes", type=int, default=200, help="size of each corpus")
    parser.add_argument("--seconds", type=float, default=10.0, help="processor time of each other system")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    megabytes, seconds = (1, 0.5) if chosen.quick else (chosen.megabytes, chosen.seconds)
    answers = {language: measure(language, megabytes, seconds, chosen.quick) for language in LANGUAGES}
    rows = [row for language in LANGUAGES for row in table(language, answers[language])]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(16) for cell in row))
    print(
        write_report(
            "filters", "Quality filters", COLUMNS, rows, notes(answers, megabytes, chosen.quick), chosen.output
        )
    )


def measure(language: str, megabytes: int, seconds: float, quick: bool = False) -> Answers:
    """What each installed system reports, by its title; a quick run goes without our models, which need training."""
    file = corpus(language, megabytes)
    with file.open("rb") as lines:
        n_documents = sum(1 for _ in lines)
    common = ["--input", str(file), "--language", language]
    answers: Answers = {}
    for peer in (OURS, *PEERS):
        limit = ["--seconds", str(seconds)]
        if peer is OURS:
            limit = ["--documents", str(n_documents), *(["--without-models"] if quick else [])]
        found = ask(peer, [*common, *limit])
        if found is not None:
            answers[peer.title] = found[-1]
    return answers


def table(language: str, answers: Answers) -> list[tuple[str, ...]]:
    """One row per system."""
    rows: list[tuple[str, ...]] = []
    ours = answers[OURS.title]["documents"] / answers[OURS.title]["seconds"]
    for peer in (OURS, *PEERS):
        if (answer := answers.get(peer.title)) is None:
            rows.append((language, peer.title, peer.computes, "not installed", "", "", "", ""))
            continue
        speed = answer["documents"] / answer["seconds"]
        rows.append(
            (
                language,
                peer.title,
                f"{answer['signals']} columns: {peer.computes}" if peer is OURS else peer.computes,
                f"{answer['documents']:,}",
                f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}",
                f"{answer['characters'] / answer['seconds'] / 1e6:.3g}",
                f"{answer['peak_mib']:,.0f}",
                "" if peer is OURS else _ratio(ours / speed),
            )
        )
    return rows


def notes(answers: dict[str, Answers], megabytes: int, quick: bool) -> str:
    """How it was measured, and what the table does not show: memory, the parts, who is missing."""
    ours = {language: found[OURS.title] for language, found in answers.items()}
    parts = [(__doc__ or "").split("\n\n")[-1].strip()]
    parts += [_corpus_note(language, megabytes, found) for language, found in ours.items()]
    parts.append(_segmenter_note(ours["chinese"]))
    parts += [f"Not installed, so not measured: {', '.join(missing)}."] if (missing := absent()) else []
    parts += ["**Quick run: not a measurement.**"] if quick else []
    return "\n\n".join(parts)


def _corpus_note(language: str, megabytes: int, found: dict[str, Any]) -> str:
    mean = found["characters"] / max(found["documents"], 1)
    return (
        f"{language.capitalize()}: {megabytes} MB, {found['documents']:,} documents of {mean:,.0f} characters on "
        f"average, {found['kept'] / max(found['documents'], 1):.0%} kept by ours. Memory of ours: "
        f"{found['quarter_mib']:,.0f} MiB after a quarter of the corpus, {found['peak_mib']:,.0f} MiB after all of it. "
        f"Normalisation, not in the table: {found['parts']['normalisation'] / 1e6:.3g} M characters/s. Columns without "
        f"any value: {', '.join(found['without_value']) or 'none'}."
    )


def _segmenter_note(found: dict[str, Any]) -> str:
    alone = found["parts"]["segmentation"]
    whole = found["characters"] / found["seconds"]
    cuts = f"Chinese words: rjieba alone cuts {alone / 1e6:.3g} M characters/s"
    if alone <= whole:
        return f"{cuts}, no more than the whole: it is the limit."
    others = 1 / (1 / whole - 1 / alone)
    return f"{cuts}, which is {whole / alone:.0%} of our time; the rest alone: {others / 1e6:.3g} M characters/s."


def _ratio(value: float) -> str:
    """A ratio with as many figures as tell something: 175x, 1.2x, 0.6x."""
    return f"{value:.0f}x" if value >= 10 else f"{value:.1f}x"


if __name__ == "__main__":
    main()
