"""The threshold of a round, from what the judge said about the sample of each stratum.

A stratum's share of pages that belong is estimated from its judged pages and weighed by its pages in the whole crawl
(post-stratification), so that the estimate for a threshold is about all pages above it, though the sample has as many
of a stratum with a hundred pages as of one with a million. The interval is that of Korn and Graubard (1998, Survey
Methodology 24): Clopper and Pearson's, for the number of pages that a simple sample of equal variance would have. It
covers chance in what was sampled, not mistakes of the judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.supplement import ReviewSettings
from neo_assets.retrieval.model import DECIMALS, REVIEW, THRESHOLD_SCHEMA


@dataclass(frozen=True)
class Stratum:
    """Pages of one stratum, those of them judged, and how many of these belong."""

    low: float
    high: float
    pages: int
    judged: int = 0
    belong: int = 0


@dataclass(frozen=True)
class Estimate:
    """A share, with its interval."""

    share: float
    low: float
    high: float


def choose_threshold(strata: pa.Table, judgements: pa.Table, settings: ReviewSettings) -> pa.Table:
    """`THRESHOLD_SCHEMA`: every edge at or above the floor and the default, one of them chosen; empty without strata.

    The lowest threshold whose estimated precision reaches the target is chosen, else the default. Only pages that were
    drawn for their stratum and got an answer count. Above a threshold with a stratum of which no page was judged, or
    that lies inside a stratum, nothing is estimated. Strata are closed below: a page exactly at the threshold is
    counted, though it is not recalled.
    """
    if not strata.num_rows:
        return THRESHOLD_SCHEMA.empty_table()
    found = _strata(strata, judgements)
    default = max(settings.default_threshold, settings.floor)
    thresholds = sorted({default, *(edge for edge in settings.edges if edge >= settings.floor)})
    rows = [_row(threshold, found, settings.confidence) for threshold in thresholds]
    chosen, why = _choice(rows, default, settings)
    for row in rows:
        row["chosen"] = row["threshold"] == chosen
        if row["chosen"]:
            row["reason"] = why if row["reason"] is None else f"{why}; {row['reason']}"
    return pa.Table.from_pylist(rows, schema=THRESHOLD_SCHEMA)


def precision_above(strata: Sequence[Stratum], confidence: float) -> Estimate | None:
    """The share of pages of these strata that belong; null where they hold no page, or one of them none judged.

    For the variance a stratum of which all judged pages say the same is not taken for pure: half a page is added to
    both sides, as Jeffreys' prior has it. Strata judged whole have no variance. What was seen bounds the interval.
    """
    strata = [one for one in strata if one.pages]
    if not strata or not all(one.judged for one in strata):
        return None
    total = sum(one.pages for one in strata)
    share = sum(one.pages / total * one.belong / one.judged for one in strata)
    smooth = [(one, one.pages / total, (one.belong + 0.5) / (one.judged + 1)) for one in strata]
    variance = sum(
        weight**2 * p * (1 - p) / one.judged * (one.pages - one.judged) / (one.pages - 1)
        for one, weight, p in smooth
        if one.pages > one.judged
    )
    if not variance:
        return Estimate(share, share, share)
    middle = sum(weight * p for _, weight, p in smooth)
    n = middle * (1 - middle) / variance
    low, high = _clopper_pearson(share * n, n, confidence)
    seen = sum(one.belong for one in strata), sum(one.judged - one.belong for one in strata)
    return Estimate(share, max(low, seen[0] / total), min(high, 1 - seen[1] / total))


def _clopper_pearson(hits: float, n: float, confidence: float) -> tuple[float, float]:
    """The exact interval of a share, for numbers of trials that need not be whole."""
    from scipy.special import betaincinv  # type: ignore[import-untyped,unused-ignore]

    tail = (1 - confidence) / 2
    misses = max(n - hits, 0.0)
    # A hundred-millionth of a trial is rounding, not a hit.
    low = float(betaincinv(hits, misses + 1, tail)) if hits > 1e-8 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 1e-8 else 1.0
    return low, high


def _strata(strata: pa.Table, judgements: pa.Table) -> list[Stratum]:
    answered = judgements.filter(pc.and_(pc.equal(judgements["purpose"], REVIEW), pc.is_valid(judgements["belongs"])))
    judged: dict[int, int] = {}
    belong: dict[int, int] = {}
    for stratum, belongs in zip(answered["stratum"].to_pylist(), answered["belongs"].to_pylist(), strict=True):
        judged[stratum] = judged.get(stratum, 0) + 1
        belong[stratum] = belong.get(stratum, 0) + belongs
    return [
        Stratum(row["low"], row["high"], row["pages"], judged.get(row["stratum"], 0), belong.get(row["stratum"], 0))
        for row in strata.to_pylist()
    ]


def _row(threshold: float, strata: list[Stratum], confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(THRESHOLD_SCHEMA.names)
    row["threshold"] = threshold
    above = [one for one in strata if one.low >= threshold]
    if any(one.low < threshold < one.high for one in strata):
        row["reason"] = "not estimated: it lies inside a stratum; make it one of review.edges"
        return row
    row["pages"], row["judged"] = sum(one.pages for one in above), sum(one.judged for one in above)
    estimate = precision_above(above, confidence)
    if estimate is not None:
        parts = {"precision": estimate.share, "low": estimate.low, "high": estimate.high}
        row |= {name: round(value, DECIMALS) for name, value in parts.items()}
        return row
    unseen = [one for one in above if one.pages and not one.judged]
    what = ", ".join(f"{one.low:g} to {one.high:g}" for one in unseen)
    row["reason"] = f"not estimated: no answer about pages of {what}" if unseen else "not estimated: no page above it"
    return row


def _choice(rows: list[dict[str, Any]], default: float, settings: ReviewSettings) -> tuple[float, str]:
    if not settings.choose:
        return default, "the default, as the recipe says (choose: false)"
    target = settings.target_precision
    known = [row for row in rows if row["precision"] is not None]
    for row in known:
        if row["precision"] >= target:
            return row["threshold"], f"the lowest whose estimated precision, {row['precision']:.4g}, reaches {target:g}"
    if not known:
        return default, "the default: the precision of no threshold can be estimated"
    best = max(known, key=lambda row: (row["precision"], -row["threshold"]))
    return default, (
        f"the default: no threshold reaches an estimated precision of {target:g}; the best is {best['threshold']:g} "
        f"with {best['precision']:.4g}"
    )
