"""Documents to Markdown: ours against other converters, on pages of known truth, clean and as simulated scans.

    python -m benchmarks.documents [--seed N] [--quick] [--keep FOLDER] [--ours] [--only KIND [--peers]]
                                  [--output FOLDER]
    python -m benchmarks.documents --judge FILE.md TRUTH.json

The pages are made from the seed's texts by a seed number: twenty documents, Chinese and English, in one, two and three
columns, of ten kinds with fonts, sizes and looks drawn by chance; printed by Chromium. In the kinds essays and
proceedings the text in the file is not in reading order: row by row across columns, or lines shuffled. Scans are the
same pages at 200 pixels an inch, turned by up to half a degree, blurred, noisy, unevenly lit, JPEG of quality 55.
Numbers below 1,000 are for development; a result counts for a seed number that nobody has looked at before.

Measures after OmniDocBench: text is 1 - edit distance of the whole texts / the longer length (tables, formulas,
figures' inner text and footnotes left out of both; NFKC, one kind of quotes and dashes; blanks count but beside
Chinese), a mean over documents. Order is 1 - edit distance of the sequence of found blocks / the longer length, blocks
that are not found being missing in it. Paragraphs is the share found as one paragraph with a similarity above 0.9.
Leakage is the share of characters of running heads and page numbers that are in the output. Formulas is the mean
edit distance of LaTeX, 1 where there is none. TEDS is of the tables on the pages, 0 where there is none.

A document on which a system fails counts as one without text, and is told with the reason; its time does not count.

CPU seconds a page are of the process with all its children on one core, without loading of models; as many systems run
at once as there are cores. "times ours" is relative to our default profile on the same documents. The systems that
recognise what they could read (PPStructureV3, tesseract) and our faithful profile get half of the documents, the same
half as scans: one of each kind, in turn Chinese and English. Whoever got all documents stands in that table too.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.document_truth.metrics import judged
from benchmarks.document_truth.model import TruthDocument, read_truth
from benchmarks.document_truth.real import RealDocument, measured_real, real_documents
from benchmarks.document_truth.results import LINES, details, quality, results_of, said_of, stages, standing, targets
from benchmarks.document_truth.systems import FAST, OURS, PDFIUM, SYSTEMS, Found, Sent, System, run_all
from benchmarks.document_truth.tables_alone import tables_alone
from benchmarks.document_truth.templates import TEMPLATES
from benchmarks.report import RESULTS, Table, write_tables

WARM = "science"
"""The kind of documents that needs all models."""


def main() -> None:
    """Makes the pages, runs all systems, prints the tables and writes the report."""
    chosen = _arguments()
    if chosen.judge:
        scores = judged(chosen.judge[0].read_text(encoding="utf-8"), read_truth(chosen.judge[1]))
        print("\n".join(f"{name} {value}" for name, value in scores._asdict().items()))
        return
    brief = bool(chosen.quick or chosen.ours or chosen.only)
    with tempfile.TemporaryDirectory(prefix="neo-documents-") as name:
        folder = chosen.keep or Path(name)
        documents, truths = pages(folder, chosen.seed, chosen.quick, chosen.only)
        real = [] if brief else real_documents(folder)
        systems = _systems(chosen)
        found, remarks = run_all(systems, [*documents, *(one.sent for one in real)])
        _keep(found, folder / "found")
        absent = [system.mode for system in SYSTEMS if system not in systems]
        remarks += [f"Left out in this run: {', '.join(absent)}."] if absent else []
        tables = _tables(found, documents, truths, chosen, real)
    for table in tables:
        print(f"\n{table.title}")
        for row in (table.columns, *table.rows):
            print("  ".join(cell.ljust(11) for cell in row))
        print(table.notes)
    print("\n".join(["", *remarks]))
    notes = [
        (__doc__ or "").split("\n\n", 2)[-1].strip(),
        said_of(chosen.seed),
        "\n".join(f"- {one}" for one in remarks),
    ]
    notes += ["**Quick run: not a measurement.**"] if chosen.quick else []
    if not (chosen.ours or chosen.only):
        print(
            write_tables("documents", "Documents to Markdown", tables, "\n\n".join(filter(None, notes)), chosen.output)
        )


def _tables(
    found: Sequence[Found], documents: Sequence[Sent], truths: dict[str, TruthDocument], chosen: argparse.Namespace,
    real: Sequence[RealDocument],
) -> list[Table]:  # fmt: skip
    """The report's tables."""
    results = results_of(found, documents, truths)
    n_pages, of = sum(truth.n_pages for truth in truths.values()), standing(chosen.seed)
    tables = [
        quality(results, "clean", f"Born digital, {n_pages} {of}"),
        quality(results, "scan", f"Scans of the same {n_pages} {of}"),
    ]  # fmt: skip
    alone: dict[str, float] = {}
    if not (chosen.quick or chosen.ours or chosen.only):
        half = [document for document in documents if document.half and document.kind != "lines"]
        some = results_of(found, half, truths)
        n_half = sum(document.n_pages for document in half if document.kind == "clean")
        tables += [
            quality(some, "clean", f"Born digital, the {n_half} of them that all systems got"),
            quality(some, "scan", f"Scans, the {n_half} of them that all systems got"),
        ]
        by_themselves = tables_alone(chosen.seed)
        alone = {row[0]: float(row[1]) for row in by_themselves[0].rows}
        tables += by_themselves
    tables += measured_real(real, found)
    last = [stages(results), details(results, FAST.mode if chosen.quick else OURS.mode)]
    return [*tables, *last] if chosen.quick else [targets(results, chosen.seed, alone), *tables, *last]


def _keep(found: Sequence[Found], folder: Path) -> None:
    """Writes what systems found, to be looked at."""
    folder.mkdir(exist_ok=True)
    for one in found:
        (folder / f"{one.id}.{one.mode.replace(' ', '_')}.md").write_text(one.text, encoding="utf-8")


def pages(folder: Path, seed: int, quick: bool, only: str | None = None) -> tuple[list[Sent], dict[str, TruthDocument]]:
    """The documents made from a seed number, as systems get them, and their truths."""
    from benchmarks.document_truth.printing import generate, lines_page

    templates = tuple(one._replace(pages=1) for one in TEMPLATES if one.name == "statute") if quick else TEMPLATES
    templates = tuple(one for one in templates if only is None or only in one.name)
    truths = {truth.name: truth for truth in generate(seed, folder, templates)}
    kinds = [one.name for one in TEMPLATES]
    warm = WARM if any(truth.template == WARM for truth in truths.values()) else templates[0].name
    sent = []
    for name, truth in truths.items():
        turn = (kinds.index(truth.template) + (truth.language == "en")) % 2
        one = Sent(name, "clean", folder / f"{name}.pdf", truth.language, truth.n_pages, half=bool(only) or not turn)
        sent.append(one._replace(warm=truth.template == warm and truth.language == "en"))
    sent += [one._replace(id=f"{one.id}.scan", kind="scan", path=folder / f"{one.id}.scan.pdf") for one in sent]
    if not quick and only is None:
        for language in ("zh", "en"):
            sent.append(Sent(f"{language}-lines", "lines", lines_page(folder, language, LINES, seed), language, 1))
    return sent, truths


def _systems(chosen: argparse.Namespace) -> Sequence[System]:
    if chosen.quick:
        return (FAST, PDFIUM)
    if chosen.only:
        return SYSTEMS if chosen.peers else (OURS, FAST)
    return (OURS,) if chosen.ours else SYSTEMS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="number that the documents are made from")
    parser.add_argument("--quick", action="store_true", help="two pages, our fast profile: shows that it runs")
    parser.add_argument("--ours", action="store_true", help="our default profile only; nothing is written")
    parser.add_argument("--only", help="our default and fast profiles on kinds of documents with this name; no report")
    parser.add_argument("--peers", action="store_true", help="with --only: all systems")
    parser.add_argument("--keep", type=Path, help="folder for the documents, truths and results, to be looked at")
    parser.add_argument("--judge", nargs=2, type=Path, metavar=("FILE", "TRUTH"), help="judge one result")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    main()
