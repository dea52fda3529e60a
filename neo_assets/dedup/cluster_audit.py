"""A sample of what near deduplication decided, close to its threshold, for a person to judge whether it was right.

Removed documents are drawn from every interval of similarity from the threshold up, and pairs that verification
refused from the interval just below it. Drawn are those whose ids, with the seed, hash lowest: the same ones whatever
the order of rows and the layout of parts. Of each pair both texts are shown from shortly before their first difference
on, what differs in brackets. Memory: what is drawn; time: about 1 µs per removed document.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from neo_assets.dedup.cluster_chains import Floats, Mask, Removed
from neo_assets.dedup.cluster_texts import Documents
from neo_assets.recipe.dedup import ClusterReportSettings, NearSettings

INTERVAL = 0.05
"""Width of the intervals of similarity, here and in the histogram of pairs."""
OPEN, CLOSE = "⟦", "⟧"
"""Around what differs in an excerpt."""
_TOKEN = re.compile(r"[A-Za-z0-9]+|.", re.DOTALL)

AUDIT_SCHEMA = pa.schema(
    [
        pa.field("outcome", pa.string()),
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("found", pa.int64()),
        *(pa.field(name, pa.string()) for name in ("doc_id", "url", "survivor", "survivor_url")),
        pa.field("similarity", pa.float64()),
        pa.field("band", pa.int32()),
        *(pa.field(name, pa.int64()) for name in ("chars", "survivor_chars", "alike_at_start", "alike_at_end")),
        *(pa.field(name, pa.string()) for name in ("excerpt", "survivor_excerpt")),
    ]
)
"""A row per pair drawn: a removed document and the survivor its decision names (`merged`), or a document and an earlier
one that it was compared with (`refused`). `found`: removed documents, or refused pairs, in the interval
[lower, upper); both 1 where the similarity is 1, both null where none was measured. `band`: the first that both share,
null where the two were not compared with each other (components)."""


@dataclass(frozen=True, order=True)
class Stratum:
    """An interval [lower, upper) of similarity of merged documents or refused pairs; NaN to NaN: not measured."""

    outcome: Literal["merged", "refused"]
    lower: float
    upper: float

    def holds(self, similarity: Floats) -> Mask:
        """Which of these lie in it."""
        if np.isnan(self.lower):
            return np.isnan(similarity)
        if self.lower == self.upper:
            return similarity >= self.lower
        return (similarity >= self.lower) & (similarity < self.upper)


def refused_stratum(threshold: float) -> Stratum:
    """What verification only just refused."""
    return Stratum("refused", max(round(threshold - INTERVAL, 9), 0.0), threshold)


def merged_strata(threshold: float) -> list[Stratum]:
    """The intervals from the threshold up, then 1; what lies below (if nothing is verified); what was not measured."""
    count = int(np.ceil(round((1 - threshold) / INTERVAL, 9)))
    edges = [round(threshold + place * INTERVAL, 9) for place in range(count)] + [1.0]
    above = [Stratum("merged", low, high) for low, high in pairwise(edges)]
    below = [Stratum("merged", 0.0, threshold)] if threshold > 0 else []
    return [*above, Stratum("merged", 1.0, 1.0), *below, Stratum("merged", float("nan"), float("nan"))]


@dataclass(frozen=True)
class Drawn:
    """One pair of the sample: a document, and the earlier one it was merged with or not."""

    stratum: Stratum
    found: int
    doc_id: str
    survivor: str
    similarity: float
    band: int | None = None


@dataclass
class Lowest:
    """Collects the pairs of one stratum with the lowest hashes, at most `size`, and counts all."""

    stratum: Stratum
    size: int
    seed: int
    found: int = 0
    _held: list[tuple[bytes, str, str, float, int | None]] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[str, str, float, int | None]]) -> None:
        """Offer (document, survivor, similarity, band)."""
        offered = [(_hash(self.seed, row[0], row[1]), *row) for row in rows]
        self.found += len(offered)
        self._held = sorted([*self._held, *offered], key=lambda row: row[:3])[: self.size]

    def drawn(self) -> list[Drawn]:
        """The sample, by falling similarity."""
        rows = sorted(self._held, key=lambda row: (-row[3], row[:3]))
        return [Drawn(self.stratum, self.found, *row[1:]) for row in rows]


def _hash(seed: int, doc_id: str, survivor: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{doc_id}\n{survivor}".encode("utf-8", "surrogatepass")).digest()[:8]


def draw_removed(removed: Removed, rows: Mask, near: NearSettings, settings: ClusterReportSettings) -> list[Drawn]:
    """The sample of the removed documents of these rows, stratum by stratum."""
    document, survivor, similarity = removed.document[rows], removed.survivor[rows], removed.similarity[rows]
    drawn: list[Drawn] = []
    for stratum in merged_strata(near.threshold):
        lowest = Lowest(stratum, settings.audit_documents, settings.audit_seed)
        places = np.flatnonzero(stratum.holds(similarity))
        for some in np.array_split(places, len(places) // 100_000 + 1):
            names = zip(removed.names(document[some]), removed.names(survivor[some]), strict=True)
            values = similarity[some].tolist()
            lowest.add((one, other, value, None) for (one, other), value in zip(names, values, strict=True))
        drawn += lowest.drawn()
    return drawn


def with_bands(drawn: Sequence[Drawn], bands: Mapping[tuple[str, str], int]) -> list[Drawn]:
    """The same, each with the band in which the two met, if they did."""
    return [replace(one, band=bands.get((one.doc_id, one.survivor))) for one in drawn]


def audit_table(drawn: Sequence[Drawn], documents: Documents, sample_chars: int) -> pa.Table:
    """`AUDIT_SCHEMA` of the pairs drawn; nulls where the lake has no text or URL of a document."""
    texts, urls = documents.texts, documents.urls
    rows: list[dict[str, Any]] = []
    for one in drawn:
        text, other = texts.get(one.doc_id), texts.get(one.survivor)
        measured = not np.isnan(one.stratum.lower)
        rows.append(
            {
                "outcome": one.stratum.outcome, "found": one.found, "doc_id": one.doc_id, "survivor": one.survivor,
                "lower": one.stratum.lower if measured else None, "upper": one.stratum.upper if measured else None,
                "url": urls.get(one.doc_id), "survivor_url": urls.get(one.survivor),
                "similarity": one.similarity if measured else None, "band": one.band,
                "chars": None if text is None else len(text), "survivor_chars": None if other is None else len(other),
                **({} if text is None or other is None else difference(text, other, sample_chars)),
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=AUDIT_SCHEMA)


def difference(text: str, other: str, sample_chars: int) -> dict[str, Any]:
    """How far two texts are alike at both ends, and excerpts of both, a quarter of them before the first difference.

    Linear in the texts; within the excerpts words and other characters are aligned, in time bounded by `sample_chars`.
    """
    start = common_start(text, other)
    end = common_start(text[start:][::-1], other[start:][::-1])
    first = max(start - sample_chars // 4, 0) if (start, start) != (len(text), len(other)) else 0
    ends = [first + sample_chars < len(one) for one in (text, other)]
    excerpts = _marked(text[first : first + sample_chars], other[first : first + sample_chars], any(ends))
    before = "…" if first else ""
    shown = [before + excerpt + ("…" if more else "") for excerpt, more in zip(excerpts, ends, strict=True)]
    return {"alike_at_start": start, "alike_at_end": end, "excerpt": shown[0], "survivor_excerpt": shown[1]}


def common_start(text: str, other: str) -> int:
    """Characters at the start of both texts that are the same. Linear, by comparing halves."""
    low, high = 0, min(len(text), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if text[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _marked(text: str, other: str, cut: bool) -> tuple[str, str]:
    """Both texts with brackets around what the other lacks.

    Where they are `cut` at the end, what only one has there is not marked: the other may have it just behind.
    """
    one, two = _TOKEN.findall(text), _TOKEN.findall(other)
    found: tuple[list[str], list[str]] = ([], [])
    operations = SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    for place, (kind, one_start, one_end, two_start, two_end) in enumerate(operations, start=1):
        alike = kind == "equal" or (cut and place == len(operations) and kind != "replace")
        passages = ("".join(one[one_start:one_end]), "".join(two[two_start:two_end]))
        for marked, passage in zip(found, passages, strict=True):
            marked.append(passage if alike or not passage else f"{OPEN}{passage}{CLOSE}")
    return "".join(found[0]), "".join(found[1])
