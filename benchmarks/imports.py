"""Imports of WARC files: ours beside warcio with trafilatura and fastwarc with resiliparse alone, on the same files.

    python -m benchmarks.imports [--quick] [--pages 50000] [--files 64] [--cores 1,2] [--output FOLDER]

The dump is what the crawler writes of the bundled web, over and over under other addresses: answers of all kinds with
their requests, bodies coded as they were sent (see `benchmarks.imports_dump`). A record is a response, a text what came
of one with status 200 and HTML. Every run is a process of its own, pinned to the cores named, one after the other, each
with an empty folder. Times are of the whole process: interpreter, imports, worker processes, and reading. Ours verifies
digests and writes Parquet with verdicts, languages and facts of the pages into a resumable work folder, copied into a
version of a lake; the others only write address and text as JSON lines, in one process. The slower a system, the fewer
files it is given: a rate is that of the records named beside it. Processor time is that of a process and all its
children; memory is the most that all of them held at once, shared pages counted for each. Ratios are of records by
processor time on one core, ours to theirs.

Kills: the import is killed without notice at a random time after another file is finished, over and over; each time it
goes on in the same folder, at last to its end. The digest to be had is that of the run on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dedup_process import Measured, available_cores, measure
from benchmarks.imports_dump import MadeDump, make_dump
from benchmarks.peers.environments import REPOSITORY, Peer, PeerError, python_of
from benchmarks.report import RESULTS, Table, write_tables

OURS = Peer("neo-assets", "", "imports_ours", "rows, verdicts, languages, digests")
FASTWARC = Peer("fastwarc + resiliparse", "extraction", "imports_alone", "address and text")
WARCIO = Peer("warcio + trafilatura", "extraction", "imports_alone", "address and text")
COLUMNS = (
    "system", "cores", "records", "texts", "packed MB", "wall s", "CPU s", "records/s", "payload MB/s",
    "records per CPU s", "memory MiB", "ours is faster by",
)  # fmt: skip
TIMEOUT_SECONDS = 3_600.0
POLL_SECONDS = 0.02
ORPHANS_SECONDS = 1.5
"""After a kill: until the workers have noticed that their parent is gone."""


class Run(NamedTuple):
    """One system on a part of the dump."""

    peer: Peer
    cores: int
    part: MadeDump
    argument: str


def our_run(cores: int, part: MadeDump) -> Run:
    """Ours on some cores."""
    return Run(OURS, cores, part, str(cores))


def measured(run: Run, work: Path) -> Measured | str:
    """What the run took, or why there is none."""
    if python_of(run.peer) is None:
        return "not installed"
    print(f"{run.peer.title}, {run.part.n_pages:,} records, cores: {run.cores}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    inputs = [run.part.files[0].parent] if run.peer is OURS else run.part.files
    try:
        found = measure(run.peer, [run.argument, str(work / "out"), *map(str, inputs)], run.cores, TIMEOUT_SECONDS)
        assert found is not None  # noqa: S101
        return found
    except PeerError as error:
        return f"failed: {error}"[:120].replace("|", "/")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def speeds(results: Sequence[tuple[Run, Measured | str]]) -> Table:
    """A row for each run."""
    rates = {run: run.part.n_pages / found.cpu for run, found in results if isinstance(found, Measured)}
    ours = next((rate for run, rate in rates.items() if run.peer is OURS and run.cores == 1), None)
    rows = []
    for run, found in results:
        cells = [run.peer.title, str(run.cores), f"{run.part.n_pages:,}"]
        if isinstance(found, str):
            rows.append([*cells, found, *[""] * (len(COLUMNS) - 4)])
            continue
        cells += [f"{found.answer['texts']:,}", f"{run.part.packed_bytes / 1e6:,.1f}"]
        numbers = (
            found.wall, found.cpu, run.part.n_pages / found.wall, run.part.payload_bytes / 1e6 / found.wall, rates[run],
        )  # fmt: skip
        cells += [f"{number:,.3g}" if number < 1_000 else f"{number:,.0f}" for number in numbers]
        ratio = f"{ours / rates[run]:.2g}x" if ours is not None and run.peer is not OURS else ""
        rows.append([*cells, f"{found.peak_mib:,.0f}", ratio])
    return Table("Speed and memory", COLUMNS, rows)


def kills(part: MadeDump, answer: Mapping[str, Any], work: Path, cores: int, n_kills: int) -> Table:
    """The import killed again and again, and whether its result is that of a run left alone, which gave `answer`."""
    chance, seconds_a_file = random.Random(1), answer["work"] / len(part.files)
    adapter = f"benchmarks.peers.{OURS.adapter}"
    command = [sys.executable, "-m", adapter, str(cores), str(work), str(part.files[0].parent)]
    finished: dict[str, int] = {}
    n_again, n_finished = 0, []
    for _ in range(n_kills):
        print(f"killing an import of {part.n_pages:,} records", flush=True)
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, cwd=REPOSITORY, **silent) as process:
            while process.poll() is None and len(_finished(work)) <= len(finished):
                time.sleep(POLL_SECONDS)
            time.sleep(chance.uniform(0, seconds_a_file))
            process.kill()
        time.sleep(ORPHANS_SECONDS)
        now = _finished(work)
        n_again += sum(now.get(name) != when for name, when in finished.items())
        finished = now
        n_finished.append(len(now))
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    n_again += sum(_finished(work).get(name) != when for name, when in finished.items())
    same = json.loads(done.stdout.splitlines()[-1])["digest"] == answer["digest"]
    columns = ("kills", "files", "finished after each kill", "finished files read again", "same digest")
    row = (str(n_kills), str(len(part.files)), ", ".join(map(str, n_finished)), str(n_again), "yes" if same else "NO")
    return Table("Kills", columns, [row], f"{part.n_pages:,} records, cores: {cores}.")


def _finished(folder: Path) -> dict[str, int]:
    """When each finished file's results were written."""
    markers = folder.glob("segments/*/segment.json")
    return {marker.parent.name: marker.stat().st_mtime_ns for marker in markers if "." not in marker.parent.name}


def part_of(whole: MadeDump, n_files: int, folder: Path) -> MadeDump:
    """The first files of a dump, linked into a folder of their own."""
    folder.mkdir()
    files = tuple(folder / file.name for file in whole.files[:n_files])
    for link, file in zip(files, whole.files, strict=False):
        os.link(file, link)
    share = n_files / len(whole.files)
    packed = sum(file.stat().st_size for file in files)
    return MadeDump(files, round(whole.n_pages * share), packed, round(whole.payload_bytes * share))


def main() -> None:
    """Makes the dump, runs all, prints the tables and writes the report."""
    chosen = _arguments()
    n_pages, n_files, max_crawled = (240, 24, 80) if chosen.quick else (chosen.pages, chosen.files, 2_000)
    cores = sorted({min(n, available_cores()) for n in chosen.cores})
    with tempfile.TemporaryDirectory(prefix="neo-imports-") as name:
        folder = Path(name)
        print(f"crawling, and writing {n_pages:,} records into {n_files} files", flush=True)
        whole = make_dump(folder / "whole", n_pages, n_files, max_crawled)
        quarter = part_of(whole, n_files // 4, folder / "quarter")
        some = part_of(whole, max(1, n_files // 32), folder / "some")
        runs = [*(our_run(n, quarter) for n in cores), our_run(cores[-1], whole)]
        runs += [Run(FASTWARC, 1, quarter, "fastwarc"), Run(WARCIO, 1, some, "warcio")]
        results = [(run, measured(run, folder / "work")) for run in runs]
        tables = [speeds(results)]
        first = results[0][1]
        if isinstance(first, Measured):
            n_kills = 1 if chosen.quick else 3
            tables.append(kills(quarter, first.answer, folder / "killed", cores[-1], n_kills))
    for table in tables:
        print(f"\n{table.title}")
        for row in (table.columns, *table.rows):
            print("  ".join(cell.ljust(12) for cell in row))
    notes = (__doc__ or "").split("\n\n", 2)[-1].strip()
    notes += "\n\n**Quick run: not a measurement.**" if chosen.quick else ""
    print(write_tables("imports", "Imports of WARC files", tables, notes, chosen.output))


def _arguments() -> argparse.Namespace:
    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(","))

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few pages")
    parser.add_argument("--pages", type=int, default=50_000, help="response records")
    parser.add_argument("--files", type=int, default=64, help="WARC files they are in")
    parser.add_argument("--cores", type=numbers, default=(1, 2), help="numbers of cores")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    main()
