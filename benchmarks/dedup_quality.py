"""What a system kept of a corpus, held against the truth; and the tables of what the corpora are made of."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection

from benchmarks.dedup_corpora import KINDS, Corpus, cluster_sizes, document_name, similarities, unrelated

DUPLICATES = ("exact", "edits 5 %", "boilerplate")
"""The kinds whose similarity to their base is surely above 0.8."""
OTHERS = tuple(kind for kind in KINDS if kind not in DUPLICATES)
QUALITY_COLUMNS = (*(f"{kind} removed" for kind in (*DUPLICATES, *OTHERS)), "duplicates removed", "wrongly removed")
STRUCTURE_COLUMNS = (
    "corpus", "documents", "characters", "mean", "copies", "clusters of 2", "3", "4–9", "10 or more",
    *(f"{kind}: copies, Jaccard" for kind in KINDS), "unrelated: mean, greatest",
)  # fmt: skip


def quality(of: Corpus, kept: Collection[str]) -> tuple[str, ...]:
    """The cells of `QUALITY_COLUMNS`.

    Systems differ in which document of a cluster stays. So where a base document went and a copy stayed, the copy most
    like it is taken for the base. Wrongly removed are base documents of which then no copy is left.
    """
    kept = set(kept)
    removed: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    copies: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for copy in of.truth():
        copies[copy["base"]].append((copy["id"], copy["kind"]))
    bases = {document_name(of.language, number) for number in range(of.documents)}
    bases -= {name for found in copies.values() for name, _ in found}
    wrong = 0
    for base in bases:
        gone = [kind for name, kind in copies[base] if name not in kept]
        all_of.update(kind for _, kind in copies[base])
        if base not in kept:
            stayed = [kind for name, kind in copies[base] if name in kept and kind != "half"]
            if stayed:
                gone.append(min(stayed, key=["exact", "boilerplate", *KINDS].index))
            else:
                wrong += 1
        removed.update(gone)
    shares = [f"{removed[kind] / max(all_of[kind], 1):.0%}" for kind in (*DUPLICATES, *OTHERS)]
    found, there = (sum(counts[kind] for kind in DUPLICATES) for counts in (removed, all_of))
    return (*shares, f"{found / max(there, 1):.1%}", f"{wrong} of {len(bases):,}")


def structure(of: Corpus, sample: int) -> tuple[str, ...]:
    """The cells of `STRUCTURE_COLUMNS`; similarities are those of the first copies."""
    truth, sizes, similar, apart = of.truth(), cluster_sizes(of), similarities(of, sample), unrelated(of)
    by_kind: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for copy in truth[:sample]:
        by_kind[copy["kind"]].append(similar[copy["id"]])
    counts = Counter(copy["kind"] for copy in truth)
    return (
        of.language,
        f"{of.documents:,}",
        f"{of.characters():,}",
        f"{of.characters() / of.documents:,.0f}",
        f"{len(truth):,}",
        f"{sizes[2]:,}",
        f"{sizes[3]:,}",
        f"{sum(sizes[size] for size in range(4, 10)):,}",
        f"{sum(count for size, count in sizes.items() if size >= 10):,}",
        *(f"{counts[kind]:,}, {_spread(found)}" for kind, found in by_kind.items()),
        f"{statistics.mean(apart):.4f}, {max(apart):.3f}",
    )


def _spread(found: list[float]) -> str:
    return f"{min(found):.2f}–{max(found):.2f}" if found else "not in the sample"
