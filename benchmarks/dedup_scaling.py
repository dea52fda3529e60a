"""How time and memory grow with the number of documents: every method of ours, near duplicates of others too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.dedup_corpora import corpus
from benchmarks.dedup_process import Measured
from benchmarks.peers.environments import DEDUP_DATATROVE, DEDUP_OURS, RENSA, TEXT_DEDUP, Peer
from benchmarks.report import Table

if TYPE_CHECKING:
    from benchmarks.dedup import Runner

GROWTH = "Growth"
METHODS = {
    "english": ("exact", "near", "paragraph", "substring"),
    "chinese": ("exact", "near", "line"),
}
QUICK = {"english": ("near",), "chinese": ()}
OTHERS = (DEDUP_DATATROVE, TEXT_DEDUP, RENSA)
LARGE, LARGE_METHODS = 300_000, ("exact", "near", "paragraph", "line")
"""From so many documents on only these methods run, on one core: memory is then that of one process."""


def scaling(runner: Runner, mean_chars: dict[str, int]) -> Table:
    """A row for each corpus, method, system and number of cores, a column for each size, and the growth exponent."""
    plan = runner.plan
    rows = []
    for language in plan.languages:
        methods = QUICK[language] if plan.quick else METHODS[language]
        runs = [(DEDUP_OURS, method, cores) for method in methods for cores in plan.cores]
        runs += [(peer, "near", 1) for peer in OTHERS]
        rows += [_row(runner, language, mean_chars[language], *one) for one in runs]
    return Table(
        GROWTH,
        ("corpus", "method", "system", "cores", *(f"{size:,} documents" for size in plan.sizes), "exponent"),
        rows,
        "Work: wall seconds, processor seconds; the whole process's memory in MiB. Characters a document, on average: "
        f"{', '.join(f'{mean_chars[name]:,} ({name})' for name in plan.languages)}. The exponent is "
        "the slope of log(wall seconds) over log(documents): 1 is linear, n log n is about 1.1 here. DuckDB's "
        "memory limit is 1 GB.",
    )


def exponent(sizes: list[int], seconds: list[float]) -> float | None:
    """The slope of the least-squares line through the logarithms; nothing for fewer than two sizes."""
    if len(sizes) < 2:
        return None
    x, y = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - middle_x) ** 2 for one in x)
    return sum((one - middle_x) * (two - middle_y) for one, two in zip(x, y, strict=True)) / spread


def _row(runner: Runner, language: str, mean_chars: int, peer: Peer, method: str, cores: int) -> tuple[str, ...]:
    cells = []
    measured: dict[int, float] = {}
    for size in runner.plan.sizes:
        others_too_many = peer is not DEDUP_OURS and size > runner.plan.peer_documents
        if others_too_many or (size >= LARGE and (method not in LARGE_METHODS or cores > min(runner.plan.cores))):
            cells.append("not run at this size")
            continue
        of = corpus(language, size, mean_chars)
        found, _ = runner.run(peer, method, of, of.parquet if peer is DEDUP_OURS else of.jsonl, cores)
        if isinstance(found, Measured):
            measured[size] = found.answer["wall"]
            cells.append(f"{found.answer['wall']:.3g} s, {found.answer['cpu']:.3g} s, {found.peak_mib:,.0f} MiB")
        else:
            cells.append(found)
    slope = exponent(list(measured), list(measured.values()))
    return (language, method, peer.title, str(cores), *cells, "" if slope is None else f"{slope:.2f}")
