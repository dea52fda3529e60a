"""The tables of the recall loop, and what counts as one site.

Every stage of a round reads and writes tables of these schemas; ids are those of the crawled pages. A *base URL*
(scheme and host) is what MAP-Neo calls a domain; the word domain is kept here for a field of knowledge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyarrow as pa

from neo_assets.lake.records import VERDICT_COLUMNS, volatile

TRAIN, VALID, TEST = "train", "valid", "test"
SEED, RECALLED, ANNOTATED = "seed", "recalled", "annotated"
REVIEW, BASE_URL = "review", "base_url"
"""Why the judge looks at a page: for its stratum of confidence, or for its base URL."""
DECIMALS = 6
"""Confidences are rounded, so that the last bits of an exponential are never content."""

PAGE = (pa.field("doc_id", pa.string()), pa.field("url", pa.string()), pa.field("base_url", pa.string()))

SEED_SCHEMA = pa.schema(
    [*PAGE, ("title", pa.string()), ("text", pa.string()), ("source", pa.string()), ("licence", pa.string())]
)
"""Seeds: texts known to belong to the domain, by doc_id; `source` is a file or `crawl`."""

POSITIVE_SCHEMA = pa.schema([*PAGE, ("how", pa.string()), ("round", pa.int32()), ("score", pa.float64())])
"""What is known or found to belong to the domain, by doc_id: `how` is SEED, RECALLED or ANNOTATED; seeds have round 0
and no score."""

SAMPLE_SCHEMA = pa.schema([*PAGE, ("label", pa.int32()), ("split", pa.string()), ("line", pa.string())])
"""What a classifier learns from: label 1 or 0, `line` as fastText reads it."""

SCORE_SCHEMA = pa.schema(
    [*PAGE, ("title", pa.string()), ("score", pa.float64()), ("collected", pa.bool_()), ("sample_key", pa.float64())]
)
"""Every page of the pool with its confidence, by doc_id; `collected`: it was among the positives before this round."""

WORD_SCHEMA = pa.schema(
    [
        ("word", pa.string()),
        ("weight", pa.float64()),
        ("log_odds", pa.float64()),
        ("positives", pa.int64()),
        ("negatives", pa.int64()),
    ]
)
"""The most decisive words of the training split, by decreasing |log_odds| and word: `weight` is what the classifier
adds to the logit of label 1 for it, `log_odds` ln of the ratio of smoothed document frequencies (positive: speaks for
the domain), then the documents of each class that hold it."""

REVIEW_SCHEMA = pa.schema(
    [
        *PAGE,
        ("title", pa.string()),
        ("score", pa.float64()),
        ("collected", pa.bool_()),
        ("purpose", pa.string()),
        ("stratum", pa.int32()),
        ("excerpt", pa.string()),
    ]
)
"""Pages that the judge shall look at, one row a page, by doc_id; `stratum` counts the edges at or below the score."""

STRATUM_SCHEMA = pa.schema(
    [("stratum", pa.int32()), ("low", pa.float64()), ("high", pa.float64()), ("pages", pa.int64())]
)
"""How many pages of the pool, those not collected before, lie in each stratum [low, high)."""

JUDGEMENT_SCHEMA = pa.schema(
    [
        *(field for field in REVIEW_SCHEMA if field.name != "excerpt"),
        ("belongs", pa.bool_()),
        ("said", pa.string()),
        ("judge", pa.string()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("digest", pa.string()),
        volatile(pa.field("attempts", pa.int32())),
        *VERDICT_COLUMNS,
    ]
)
"""Every judgement: kept where the judge answered, quarantined with rule `judge` and the reason where it did not."""

THRESHOLD_SCHEMA = pa.schema(
    [
        ("threshold", pa.float64()),
        ("pages", pa.int64()),
        ("judged", pa.int64()),
        ("precision", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("chosen", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""Every threshold that could be taken, ascending: pages above it, those of them judged, and the estimated precision
with its interval; exactly one is chosen, with the reason."""

SITE_SCHEMA = pa.schema(
    [
        ("base_url", pa.string()),
        ("pages", pa.int64()),
        ("hits", pa.int64()),
        ("hit_rate", pa.float64()),
        ("new_hits", pa.int64()),
        ("judged", pa.int64()),
        ("confirmed", pa.int64()),
        ("foreign", pa.bool_()),
        ("specific", pa.bool_()),
    ]
)
"""Base URLs with a hit (a page above the threshold), by base_url: `foreign` ones were judged mostly not to belong,
`specific` ones have a hit rate above the recipe's and are not foreign."""

PROGRESS_SCHEMA = pa.schema(
    [
        ("domain", pa.string()),
        ("round", pa.int32()),
        ("threshold", pa.float64()),
        ("precision", pa.float64()),
        ("precision_low", pa.float64()),
        ("precision_high", pa.float64()),
        ("recalled", pa.int64()),
        ("annotated", pa.int64()),
        ("new_documents", pa.int64()),
        ("new_base_urls", pa.int64()),
        ("new_share", pa.float64()),
        ("positives", pa.int64()),
        ("specific_base_urls", pa.int64()),
        ("judged", pa.int64()),
        ("failed", pa.int64()),
        ("truth_precision", pa.float64()),
        ("truth_recall", pa.float64()),
        ("stopped", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""One row a round so far. `precision` is the review's estimate at the threshold; `truth_*` are measured on the pages of
labelled hosts, seeds left out; `stopped`: no round after this one does anything, and why."""


def base_url(url: str | None) -> str:
    """Scheme and host of a URL, in lower case, a port kept; what is no web address is its own, up to a `#`."""
    text = url or ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text.partition("#")[0]
    if not parts.scheme or not parts.netloc:
        return text.partition("#")[0]
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}"


def sample_key(seed: int, purpose: str, identity: str) -> float:
    """A number from [0, 1) that depends on nothing else: the order in which samples are drawn."""
    digest = hashlib.blake2b(f"{seed}\0{purpose}\0{identity}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True)
class Sited:
    """Kernel: appends `base_url`, `sample_key` (of the doc_id) and `site_key` (of the base URL)."""

    seed: int
    purpose: str
    """Names the draw: other rounds and domains draw otherwise."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        sites = [base_url(url) for url in batch.column("url").to_pylist()]
        of_site = {site: sample_key(self.seed, self.purpose, site) for site in set(sites)}
        keys = [sample_key(self.seed, self.purpose, doc_id) for doc_id in batch.column("doc_id").to_pylist()]
        for name, values, kind in (
            ("base_url", sites, pa.string()),
            ("sample_key", keys, pa.float64()),
            ("site_key", [of_site[site] for site in sites], pa.float64()),
        ):
            batch = batch.append_column(pa.field(name, kind), pa.array(values, kind))
        return batch
