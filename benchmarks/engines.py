"""The same work on the embedded engine, on Spark inside one Java, and on a Spark cluster of two workers, side by side.

    python -m benchmarks.engines [--quick] [--sizes 100000,1000000] [--methods filters,exact,near]
                                 [--engines local,spark,cluster] [--cores N] [--output FOLDER]

All three run the same kernels and statements (see `benchmarks.engines_work`) on this machine, each as a process of its
own with all that it starts, pinned to the same cores, one after the other. Rows must come out equal: content digests
are compared. *Whole* is the process from start to end: interpreter, Java, session, the copying of the input into a
lake, warm-up. *Work* is what remains without them. Memory is the most that all processes held at once, twenty times a
second looked at, shared pages counted for each. Ratios are those of the work, the engine's to the embedded one's.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks.dedup_corpora import Corpus, corpus
from benchmarks.dedup_process import Measured, available_cores, measure
from benchmarks.peers.environments import Peer, PeerError
from benchmarks.report import RESULTS, write_report

LANGUAGE, MEAN_CHARS = "english", 1_000
METHODS = ("filters", "exact", "near")
ENGINES = {"local": "embedded", "spark": "Spark, one Java", "cluster": "Spark, two workers"}
COLUMNS = (
    "work", "documents", "engine", "whole: wall s", "whole: CPU s", "work: wall s", "work: CPU s", "memory MiB",
    "shuffled MiB", "spilled MiB", "same digest", "of the embedded engine's wall time", "of its CPU time",
)  # fmt: skip
MIB = 2**20


def main() -> None:
    """Runs the comparison, prints its table and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few documents: shows that it runs, proves nothing")
    parser.add_argument("--sizes", default="100000,1000000", help="numbers of documents")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--cores", type=int, default=available_cores())
    parser.add_argument("--timeout", type=float, default=3_600.0, help="seconds that one run may take")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    sizes = [400] if chosen.quick else [int(size) for size in chosen.sizes.split(",")]
    methods = ["exact"] if chosen.quick else chosen.methods.split(",")
    engines = ["local", "spark"] if chosen.quick else chosen.engines.split(",")
    rows = [
        row
        for size in sizes
        for method in methods
        for row in compared(method, corpus(LANGUAGE, size, MEAN_CHARS), engines, chosen.cores, chosen.timeout)
    ]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(14) for cell in row))
    notes = (__doc__ or "").split("\n\n", 2)[2].replace("\n", " ").strip()
    if chosen.quick:
        notes = f"Quick run: not a measurement. {notes}"
    notes = f"{notes}\n\n- cores: {chosen.cores}; {LANGUAGE} documents of {MEAN_CHARS:,} characters on average"
    print(write_report("engines", "Engines", COLUMNS, rows, notes, chosen.output))


def compared(method: str, of: Corpus, engines: list[str], cores: int, timeout: float) -> list[tuple[str, ...]]:
    """A row per engine; the first engine's is what the others are compared with."""
    found = {engine: _run(method, engine, of, cores, timeout) for engine in engines}
    first = found[engines[0]]
    return [_row(method, of.documents, engine, measured, first) for engine, measured in found.items()]


def _run(method: str, engine: str, of: Corpus, cores: int, timeout: float) -> Measured | str:
    print(f"{method}: {ENGINES[engine]}, {of.documents:,} documents", flush=True)
    peer = Peer(ENGINES[engine], "", "benchmarks.engines_work", method)
    work = Path(tempfile.mkdtemp(prefix="neo-engines-"))
    arguments = [f"{method}@{engine}", "--input", str(of.parquet), "--language", of.language]
    arguments += ["--work", str(work / "work"), "--cores", str(cores), "--documents", str(of.documents)]
    try:
        measured = measure(peer, arguments, cores, timeout)
        assert measured is not None  # noqa: S101  # ours is always installed
        return measured
    except PeerError as error:
        return f"failed: {error}"[:160].replace("|", "/").replace("\n", " ")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _row(method: str, documents: int, engine: str, of: Measured | str, first: Measured | str) -> tuple[str, ...]:
    start = (method, f"{documents:,}", ENGINES[engine])
    if isinstance(of, str):
        return (*start, of, *[""] * 9)
    told = of.answer
    spilled = told["memory_spilled_bytes"] + told["disk_spilled_bytes"]
    moved = ["", ""] if engine == "local" else [f"{told['shuffle_write_bytes'] / MIB:,.0f}", f"{spilled / MIB:,.0f}"]
    measured = [of.wall, of.cpu, told["wall"], told["cpu"]]
    ratios = ["", "", ""]
    if isinstance(first, Measured) and of is not first:
        same = "yes" if told["digest"] == first.answer["digest"] else "NO"
        ratios = [same, *(f"{told[name] / first.answer[name]:.2g} x" for name in ("wall", "cpu"))]
    return (*start, *(f"{value:,.1f}" for value in measured), f"{of.peak_mib:,.0f}", *moved, *ratios)


if __name__ == "__main__":
    main()
