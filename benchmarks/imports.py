"""Imports of WARC files: ours beside warcio with trafilatura and fastwarc with resiliparse alone, on the same files.

    python -m benchmarks.imports [--quick] [--pages 50000] [--files 16] [--cores 1,2] [--output FOLDER]

The dump is made of the bundled web's pages over and over under other addresses, each with its request and metadata
records (see `benchmarks.imports_dump`). Every run is a process of its own, pinned to the cores named, one after the
other. Times are of the whole process: interpreter, imports, worker processes, and reading. Ours writes Parquet with
verdicts, languages, digests, and a resumable work folder, copied into a version of a lake; the others only write the
address and text as JSON lines, in one process. Processor time is that of a process and all its children; memory is the
most that all of them held at once, shared pages counted for each. trafilatura is run on some of the files only. Ratios
are of pages by processor time, ours to theirs.

Kills: the import is killed without notice at random times, until it has finished; each time goes on in the same folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.dedup_process import Measured, available_cores, measure
from benchmarks.imports_dump import MadeDump, make_dump
from benchmarks.peers.environments import REPOSITORY, Peer, PeerError, python_of
from benchmarks.report import RESULTS, Table, write_tables

OURS = Peer("neo-assets", "", "imports_ours", "rows, verdicts, languages, digests")
FASTWARC = Peer("fastwarc + resiliparse", "extraction", "imports_alone", "address and text")
WARCIO = Peer("warcio + trafilatura", "extraction", "imports_alone", "address and text")
COLUMNS = (
    "system", "cores", "pages", "packed MB", "wall s", "CPU s", "pages/s", "HTML MB/s", "pages per CPU s", "memory MiB",
    "ours is faster by",
)  # fmt: skip
TIMEOUT_SECONDS = 3_600.0


class Run(NamedTuple):
    """One system on a part of the dump."""

    peer: Peer
    cores: int
    part: MadeDump
    arguments: tuple[str, ...]


def speeds(whole: MadeDump, quarter: MadeDump, some: MadeDump, cores: tuple[int, ...], work: Path) -> Table:
    """All systems, and ours on a quarter of the dump too."""
    runs = [Run(OURS, n, part, (str(n),)) for n in cores for part in (quarter, whole)]
    runs += [Run(FASTWARC, 1, whole, ("fastwarc",)), Run(WARCIO, 1, some, ("warcio",))]
    rows: list[tuple[str, ...]] = []
    rates: dict[int, float] = {}
    for run in runs:
        print(f"{run.peer.title}, {run.part.n_pages:,} pages, cores: {run.cores}", flush=True)
        found = _measured(run, work)
        if isinstance(found, str):
            rows.append((run.peer.title, str(run.cores), found, *[""] * (len(COLUMNS) - 3)))
            continue
        pages = found.answer["records"]
        if run.peer is OURS:
            rates[run.cores] = pages / found.cpu
        ratios = ", ".join(f"{ours / (pages / found.cpu):.2g}x ({n})" for n, ours in rates.items())
        cells: tuple[str, ...] = (
            f"{pages:,}",
            f"{run.part.packed_bytes / 1e6:,.0f}",
            f"{found.wall:.3g}",
            f"{found.cpu:.3g}",
        )
        speeds_found = (pages / found.wall, run.part.html_bytes / 1e6 / found.wall, pages / found.cpu)
        cells += tuple(f"{speed:,.3g}" for speed in speeds_found)
        cells += (f"{found.peak_mib:,.0f}", "" if run.peer is OURS else ratios)
        rows.append((run.peer.title, str(run.cores), *cells))
    return Table("Speed and memory", COLUMNS, rows, "In brackets: the cores that ours had.")


def kills(part: MadeDump, work: Path, cores: int, n_kills: int) -> Table:
    """The import killed at random times, and whether its result is that of one left alone."""
    whole = _measured(Run(OURS, cores, part, (str(cores),)), work / "alone")
    assert isinstance(whole, Measured), whole  # noqa: S101
    chance, folder = random.Random(1), work / "killed"
    command = [
        sys.executable,
        "-m",
        "benchmarks.peers.imports_ours",
        str(cores),
        str(folder),
        str(part.files[0].parent),
    ]
    finished: dict[str, int] = {}
    n_again, n_finished = 0, []
    for _ in range(n_kills):
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 0.8) * whole.wall)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(1)  # its workers end by themselves
        now = _finished(folder)
        n_again += sum(now.get(name) != when for name, when in finished.items())
        finished = now
        n_finished.append(len(now))
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    n_again += sum(_finished(folder).get(name) != when for name, when in finished.items())
    same = f'"digest": "{whole.answer["digest"]}"' in done.stdout
    columns = ("kills", "segments", "finished after each kill", "finished segments read again", "same digest")
    row = (str(n_kills), str(len(part.files)), ", ".join(map(str, n_finished)), str(n_again), "yes" if same else "NO")
    return Table("Kills", columns, [row], f"{part.n_pages:,} pages on {cores} cores.")


def _finished(folder: Path) -> dict[str, int]:
    markers = folder.glob("segments/*/segment.json")
    return {marker.parent.name: marker.stat().st_mtime_ns for marker in markers if "." not in marker.parent.name}


def _measured(run: Run, work: Path) -> Measured | str:
    if python_of(run.peer) is None:
        return "not installed"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if run.peer is OURS:
        rest = [str(work / "ours"), str(run.part.files[0].parent)]
    else:
        rest = [str(work / "texts.jsonl"), *map(str, run.part.files)]
    try:
        found = measure(run.peer, [*run.arguments, *rest], run.cores, TIMEOUT_SECONDS)
        assert found is not None  # noqa: S101
        return found
    except PeerError as error:
        return f"failed: {error}"[:120].replace("|", "/")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _part(whole: MadeDump, n_files: int, folder: Path) -> MadeDump:
    """The first files of a dump, linked into a folder of their own."""
    folder.mkdir()
    files = tuple(folder / file.name for file in whole.files[:n_files])
    for link, file in zip(files, whole.files, strict=False):
        os.link(file, link)
    share = n_files / len(whole.files)
    packed = sum(file.stat().st_size for file in files)
    return MadeDump(files, round(whole.n_pages * share), packed, round(whole.html_bytes * share))


def main() -> None:
    """Makes the dump, runs all, prints the tables and writes the report."""
    chosen = _arguments()
    n_pages, n_files = (480, 8) if chosen.quick else (chosen.pages, chosen.files)
    cores = tuple(sorted({min(n, available_cores()) for n in chosen.cores}))
    with tempfile.TemporaryDirectory(prefix="neo-imports-") as name:
        folder = Path(name)
        print(f"making {n_pages:,} pages in {n_files} files", flush=True)
        whole = make_dump(folder / "whole", n_pages, n_files)
        quarter = _part(whole, n_files // 4, folder / "quarter")
        some = _part(whole, max(1, n_files // 16), folder / "some")
        tables = [speeds(whole, quarter, some, cores, folder / "work")]
        tables.append(kills(quarter, folder, max(cores), 1 if chosen.quick else 3))
    for table in tables:
        print(
            f"\n{table.title}",
            *("  ".join(cell.ljust(12) for cell in row) for row in (table.columns, *table.rows)),
            sep="\n",
        )
    notes = [(__doc__ or "").split("\n\n", 2)[-1].strip()]
    notes += ["**Quick run: not a measurement.**"] if chosen.quick else []
    print(write_tables("imports", "Imports of WARC files", tables, "\n\n".join(notes), chosen.output))


def _arguments() -> argparse.Namespace:
    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(","))

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few pages")
    parser.add_argument("--pages", type=int, default=50_000, help="response records")
    parser.add_argument("--files", type=int, default=16, help="WARC files they are in")
    parser.add_argument("--cores", type=numbers, default=(1, 2), help="numbers of cores")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    main()
