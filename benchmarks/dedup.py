"""Deduplication: each method of ours against other systems on the same documents in one run, and how ours grows.

    python -m benchmarks.dedup [--quick] [--sizes 10000,100000] [--languages english,chinese] [--cores 1,2]
                               [--parts signatures,near,exact,paragraph,substring,line,scaling] [--output FOLDER]

Corpora are made from the seed (see `benchmarks.dedup_corpora`). Every run is a process of its own, pinned to the cores
named, one after the other. *Whole* is that process from start to end, with interpreter, imports, session or virtual
machine, and reading of the input; ours has the copying of the input into a lake and a warm-up in it. *Work* is what
remains without start-up: of ours all stages with their tables, decisions and digests written, of the others from input
files to output files, of rensa from texts in memory to verdicts. Processor time is user and system time of a process
and all its children; memory is the most that all of them held at once, twenty times a second looked at, shared pages
counted for each. Ratios are theirs to ours, of processor time. Numba's machine code is cached before.

Others are run on one core where not said, at the scaling sizes up to `--peer-documents` only; what was not run says so.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.dedup_corpora import Corpus, corpus
from benchmarks.dedup_process import Measured, available_cores, measure
from benchmarks.dedup_quality import QUALITY_COLUMNS, STRUCTURE_COLUMNS, quality, structure
from benchmarks.dedup_scaling import GROWTH, scaling
from benchmarks.peers.dedup_protocol import KEPT
from benchmarks.peers.environments import (
    DATASKETCH,
    DEDUP_DATATROVE,
    DEDUP_OURS,
    DEDUP_PEERS,
    PYDIVSUFSORT,
    PYTHON,
    RENSA,
    SPARK,
    TEXT_DEDUP,
    Peer,
    PeerError,
    absent,
    python_of,
)
from benchmarks.report import RESULTS, Table, write_tables

LANGUAGES = ("english", "chinese")
LONG_CHARS = {"english": 3_750, "chinese": 1_780}
"""Mean length where documents are compared with other systems: that of pages."""
SHORT_CHARS = {"english": 1_000, "chinese": 500}
"""Mean length where there are up to a million."""
SPEED_COLUMNS = (
    "corpus", "system", "cores", "documents", "whole: wall s", "whole: CPU s", "work: wall s", "work: CPU s",
    "million characters/s of work", "memory MiB", "ours is faster by, whole", "ours is faster by, work",
)  # fmt: skip
NAMES = {
    "near": "13 characters, 9 x 13",
    "near-words": "5 words, 14 x 8",
    "line-faithful": "as released",
    "line-kernel": "as released, in memory",
}


class Plan(NamedTuple):
    """What is run: numbers of documents, cores, and whether systems with an environment of their own take part."""

    languages: tuple[str, ...]
    sizes: tuple[int, ...]
    cores: tuple[int, ...]
    compared: int = 6_000
    signed: int = 1_000
    lines: int = 6_000
    lines_in_python: int = 200
    spark: int = 100_000
    peer_documents: int = 10_000
    timeout: float = 3_600.0
    peers: bool = True
    quick: bool = False

    def of(self, language: str) -> bool:
        """Whether the language takes part in a method of one language."""
        return language in self.languages


class Runner(NamedTuple):
    """Runs systems, and says on the way which."""

    plan: Plan
    work: Path
    failures: list[str]

    def run(
        self, peer: Peer, part: str, of: Corpus, input_file: Path, cores: int = 1, documents: int | None = None
    ) -> tuple[Measured | str, list[str]]:
        """What was measured, or why not; and the ids of what was kept."""
        if python_of(peer) is None:
            return "not installed", []
        if peer in DEDUP_PEERS and not self.plan.peers:
            return "left out of this run", []
        print(f"{part}: {peer.title}, {of.documents:,} {of.language} documents, cores: {cores}", flush=True)
        work = self.work / f"{peer.title}-{part}".replace(" ", "-")
        arguments = [part, "--input", str(input_file), "--language", of.language, "--work", str(work)]
        arguments += ["--cores", str(cores), *(["--documents", str(documents)] if documents else [])]
        try:
            found = measure(peer, arguments, cores, self.plan.timeout)
            assert found is not None  # noqa: S101
            kept = work / KEPT
            return found, kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        except PeerError as error:
            if peer is DEDUP_OURS:
                self.failures.append(f"{part}, {of.documents:,} {of.language} documents, cores: {cores}: {error}")
            return f"failed: {error}"[:120].replace("|", "/").replace("\n", " "), []
        finally:
            shutil.rmtree(work, ignore_errors=True)


def signatures(runner: Runner) -> Iterator[Table]:
    """128 values over character 13-grams."""
    rows: list[tuple[str, ...]] = []
    for language in runner.plan.languages:
        of = corpus(language, runner.plan.compared, LONG_CHARS[language])
        speeds: dict[str, float | str] = {}
        for peer in (DEDUP_OURS, DATASKETCH, RENSA):
            some = None if peer is DEDUP_OURS else min(runner.plan.signed, of.documents)
            found, _ = runner.run(peer, "signatures", of, of.parquet if peer is DEDUP_OURS else of.reduced, 1, some)
            characters = of.characters(some)
            speeds[peer.title] = found if isinstance(found, str) else characters / found.answer["cpu"] / 1e6
        ours = speeds[DEDUP_OURS.title]
        for title, speed in speeds.items():
            measured = isinstance(speed, float) and isinstance(ours, float)
            ratio = _ratio(ours / speed) if measured and title != DEDUP_OURS.title else ""  # type: ignore[operator]
            rows.append((language, title, speed if isinstance(speed, str) else f"{speed:.3g}", ratio))
    yield Table(
        "MinHash signatures",
        ("corpus", "system", "million characters/s", "ours is faster by"),
        rows,
        "One core, the best of three runs, texts in memory. Ours starts from raw text; the others get text in lower "
        "case without symbols and are timed from there, with cutting it into shingles. rensa's full-set sketches, "
        "the quicker of its calls on texts and on bytes; they are another kind of sketch, which is cheaper to make "
        "than MinHash.",
    )


def near(runner: Runner) -> Iterator[Table]:
    """Near duplicates from end to end, and what each system keeps."""
    rows: list[tuple[str, ...]] = []
    kept_rows: list[tuple[str, ...]] = []
    corpora = [corpus(language, runner.plan.compared, LONG_CHARS[language]) for language in runner.plan.languages]
    for of in corpora:
        runs = [(DEDUP_OURS, "near", cores) for cores in runner.plan.cores]
        runs += [(DEDUP_OURS, "near-words", 1)] if not runner.plan.quick else []
        runs += [(peer, "near", 1) for peer in (DEDUP_DATATROVE, TEXT_DEDUP, RENSA)]
        rows += _compared(runner, of, runs, kept_rows)
    yield Table(
        "Near duplicates",
        SPEED_COLUMNS,
        rows,
        "From documents to kept documents. Ours verifies every pair on the texts, text-dedup too, rensa on the "
        "sketches, datatrove not at all. datatrove: 5-grams of words, 14 x 8, its defaults, `eng` and `cmn_Hani`. "
        "text-dedup: 5-grams of words, 14 x 8; in Chinese a clause is one word to it. rensa: its deduplicator, "
        "character 13-grams, 128 values, on raw text.",
    )
    yield Table(
        "Near duplicates: what is removed",
        ("corpus", "system", *QUALITY_COLUMNS),
        kept_rows,
        "Per kind of planted copy. *Duplicates* are exact copies, those with 5 % edits and with boilerplate; copies "
        "with 20 % edits and halves are below 0.8, those with 10 % at the border. Wrongly removed: base documents "
        "without a copy that stays.",
    )
    shorts = [] if runner.plan.quick else [(size, SHORT_CHARS) for size in runner.plan.sizes]
    described = [*corpora]
    described += [corpus(name, size, chars[name]) for name in runner.plan.languages for size, chars in shorts]
    yield Table(
        "Corpora",
        STRUCTURE_COLUMNS,
        [structure(of, 50 if runner.plan.quick else 1_000) for of in described],
        "Jaccard similarity of character 13-grams between the first thousand copies and their bases, and between "
        "2,000 pairs drawn among the first base documents, counted in plain Python. A cluster is a base document "
        "with its copies.",
    )


def exact(runner: Runner) -> Iterator[Table]:
    """Equal documents, beside Spark."""
    yield from _beside_spark(runner, "exact", "Exact documents", "One of equal texts stays.")


def paragraph(runner: Runner) -> Iterator[Table]:
    """Paragraphs, beside Spark."""
    words = "The first of equal paragraphs of 20 characters or more stays; texts are put together again."
    yield from _beside_spark(runner, "paragraph", "Paragraphs", words)


def substring(runner: Runner) -> Iterator[Table]:
    """Passages, beside a suffix array."""
    if runner.plan.of("english"):
        of = corpus("english", runner.plan.compared, LONG_CHARS["english"])
        runs = [(DEDUP_OURS, "substring", cores) for cores in runner.plan.cores] + [(PYDIVSUFSORT, "substring", 1)]
        note = (
            "Passages of 50 characters that stand elsewhere are cut but for the first. pydivsufsort: suffix array, "
            "LCP array (Kasai) and numpy over the UTF-8 bytes of all documents in memory."
        )
        yield Table("Exact substrings", (*SPEED_COLUMNS, "characters left"), _compared(runner, of, runs), note)


def line(runner: Runner) -> Iterator[Table]:
    """Similar lines, beside plain Python."""
    if runner.plan.of("chinese"):
        of = corpus("chinese", runner.plan.lines, LONG_CHARS["chinese"], repeats=True)
        runs = [(DEDUP_OURS, part, cores) for part in ("line-faithful", "line") for cores in runner.plan.cores]
        runs.insert(0, (DEDUP_OURS, "line-kernel", 1))
        runs.append((PYTHON, "line", 1))
        note = (
            "Every tenth sentence comes again, half of them with 5 % of their characters exchanged. Plain Python: "
            "all pairs, the two quick rejects, then the whole table of the edit distance, on the first documents, in "
            "memory; its ratio is to ours in memory, of time for as much text. Most of the memory of ours is start-up."
        )
        yield Table("Similar lines", (*SPEED_COLUMNS, "characters left"), _compared(runner, of, runs), note)


def growth(runner: Runner) -> Iterator[Table]:
    """All methods at all sizes."""
    yield scaling(runner, SHORT_CHARS)


PARTS: dict[str, Callable[[Runner], Iterator[Table]]] = {
    "signatures": signatures,
    "near": near,
    "exact": exact,
    "paragraph": paragraph,
    "substring": substring,
    "line": line,
    "scaling": growth,
}


def _beside_spark(runner: Runner, part: str, title: str, note: str) -> Iterator[Table]:
    if runner.plan.of("english"):
        of = corpus("english", runner.plan.spark, SHORT_CHARS["english"])
        runs = [(peer, part, cores) for cores in runner.plan.cores for peer in (DEDUP_OURS, SPARK)]
        spark = (
            "Spark in local mode, 4 GB, Parquet to Parquet with its own SQL functions; *whole* has the start of the "
            "session in it, *work* has not. Ours also writes a decision for each document that goes. Ratios: same "
            "number of cores."
        )
        columns = (*SPEED_COLUMNS, "characters left")
        yield Table(title, columns, _compared(runner, of, runs), f"{note} {spark}")


def _compared(
    runner: Runner, of: Corpus, runs: list[tuple[Peer, str, int]], kept_rows: list[tuple[str, ...]] | None = None
) -> list[tuple[str, ...]]:
    """A row for each run; ratios to ours on as many cores, or to ours on one."""
    rows: list[tuple[str, ...]] = []
    ours: dict[int, Measured] = {}
    for peer, part, cores in runs:
        columnar = peer in (DEDUP_OURS, SPARK)
        some = runner.plan.lines_in_python if peer is PYTHON else None
        found, kept = runner.run(peer, part, of, of.parquet if columnar else of.jsonl, cores, some)
        characters = of.characters(some)
        title = f"{peer.title}, {NAMES[part]}" if peer is DEDUP_OURS and part in NAMES else peer.title
        left = [] if kept_rows is not None else [""]
        if isinstance(found, str):
            rows.append((of.language, title, str(cores), found, *[""] * (len(SPEED_COLUMNS) - 4), *left))
            continue
        if peer is DEDUP_OURS:
            ours.setdefault(cores, found)
        base = ours.get(cores) or next(iter(ours.values()), None)
        longer = of.characters() / characters  # ours has read so many times as much
        against = ("", "") if peer is DEDUP_OURS or base is None else _ratios(base, found, longer)
        if kept_rows is None:
            left = (
                [f"{found.answer['characters_kept'] / characters:.2%}"] if "characters_kept" in found.answer else [""]
            )
        elif cores == 1:
            kept_rows.append((of.language, title, *quality(of, kept)))
        rows.append(
            (of.language, title, str(cores), f"{some or of.documents:,}", *_cells(characters, found), *against, *left)
        )
    return rows


def _cells(characters: int, found: Measured) -> tuple[str, ...]:
    work = found.answer
    times = (found.wall, found.cpu, work["wall"], work["cpu"])
    speed = characters / work["cpu"] / 1e6
    return (*(f"{seconds:.3g}" for seconds in times), f"{speed:.3g}", f"{found.peak_mib:,.0f}")


def _ratios(ours: Measured, theirs: Measured, longer: float) -> tuple[str, str]:
    return _ratio(longer * theirs.cpu / ours.cpu), _ratio(longer * theirs.answer["cpu"] / ours.answer["cpu"])


def _ratio(value: float) -> str:
    """A ratio with as many figures as tell something."""
    return f"{value:.0f}x" if value >= 10 else f"{value:.1f}x"


def main() -> None:
    """Runs the parts chosen, prints their tables and writes the report."""
    chosen = _arguments()
    plan = _plan(chosen)
    unknown = sorted((set(chosen.parts) - PARTS.keys()) | (set(chosen.languages) - set(LANGUAGES)))
    if unknown:
        raise SystemExit(f"error: no such parts or languages: {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="neo-dedup-") as folder:
        runner = Runner(plan, Path(folder), [])
        tables = [table for part in PARTS if part in chosen.parts for table in PARTS[part](runner)]
    for table in tables:
        print(
            f"\n{table.title}",
            *("  ".join(cell.ljust(12) for cell in row) for row in (table.columns, *table.rows)),
            sep="\n",
        )
    notes = [(__doc__ or "").split("\n\n", 2)[-1].strip()]
    missing = absent(DEDUP_PEERS)
    notes += [f"Not installed, so not measured: {', '.join(missing)}."] if missing else []
    notes += ["**Quick run: not a measurement.**"] if plan.quick else []
    reports = (
        ("dedup", "Deduplication", [table for table in tables if table.title != GROWTH]),
        ("dedup_scaling", "Deduplication of up to a million documents", [t for t in tables if t.title == GROWTH]),
    )
    for name, title, own in reports:
        if own:
            print(write_tables(name, title, own, "\n\n".join(notes), chosen.output))
    if runner.failures:
        raise SystemExit("\n".join(["error: ours failed:", *runner.failures]))


def _plan(chosen: argparse.Namespace) -> Plan:
    cores = tuple(sorted({min(n, available_cores()) for n in chosen.cores}))
    if chosen.quick:
        small = {"compared": 120, "signed": 20, "lines": 20, "lines_in_python": 5, "spark": 120}
        return Plan(chosen.languages, (50, 100), (1,), peers=False, quick=True, **small)
    return Plan(
        chosen.languages, chosen.sizes, cores, chosen.documents, spark=chosen.spark_documents,
        peer_documents=chosen.peer_documents,
    )  # fmt: skip


def _arguments() -> argparse.Namespace:
    def names(text: str) -> tuple[str, ...]:
        return tuple(text.split(","))

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(","))

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few documents, without systems that have environments")
    parser.add_argument("--sizes", type=numbers, default=(10_000, 100_000), help="numbers of documents for scaling")
    parser.add_argument("--languages", type=names, default=LANGUAGES)
    parser.add_argument("--parts", type=names, default=tuple(PARTS))
    parser.add_argument("--cores", type=numbers, default=(1, 2), help="numbers of cores")
    parser.add_argument("--documents", type=int, default=6_000, help="documents where systems are compared")
    parser.add_argument("--spark-documents", type=int, default=100_000, help="documents for the comparison with Spark")
    parser.add_argument("--peer-documents", type=int, default=10_000, help="most documents for others in scaling")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    main()
