"""Progress of the loop: what a round brought, how right it was on hosts known wholly, and whether it was the last.

All is counted over batches as they come, so that memory holds what is new in a round and what lies on labelled hosts,
never the crawl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.supplement import RecallSettings, TruthSettings
from neo_assets.retrieval.model import DECIMALS, PAGE, PROGRESS_SCHEMA

STATE = "round.json"
"""The file beside a round's positives that says whether the loop goes on."""

Batches = Iterable[pa.RecordBatch]
_FOUND = [field.name for field in PAGE]


class ProgressError(ValueError):
    """Rows of progress that do not follow each other, or a state file that is none."""


class Counts(NamedTuple):
    """What a round added to the positives."""

    before: int
    """Positives before the round."""
    recalled: int = 0
    annotated: int = 0
    """Pages that only the annotation of specific base URLs brought."""
    new_base_urls: int = 0
    specific_base_urls: int = 0

    @property
    def new(self) -> int:
        """New positives."""
        return self.recalled + self.annotated


class Truth(NamedTuple):
    """Precision and recall on labelled hosts; null where nothing was found, or there is nothing to find."""

    precision: float | None
    recall: float | None


class Asked(NamedTuple):
    """What a round asked the judge."""

    judged: int = 0
    failed: int = 0


def new_of(recalled: Batches, annotations: Batches) -> tuple[Iterator[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """The pages (doc_id, url, base_url) that a round found: those recalled that were not collected before, and those
    that the judge confirmed on specific base URLs."""
    return (
        (batch.filter(pc.invert(batch.column("collected"))).select(_FOUND) for batch in recalled),
        (
            batch.filter(pc.and_not(batch.column("belongs"), batch.column("collected"))).select(_FOUND)
            for batch in annotations
        ),
    )


def counted(before: Batches, recalled: Batches, annotations: Batches, sites: Batches) -> Counts:
    """What a round found, counted as `positives_sql` joins it.

    Args:
        before: `POSITIVE_SCHEMA`, the positives before the round.
        recalled: the pages that were kept, with `collected`.
        annotations: `JUDGEMENT_SCHEMA`.
        sites: `SITE_SCHEMA`.
    """
    by_confidence, confirmed = (
        {doc_id: site for batch in batches for doc_id, site in _pairs(batch)}
        for batches in new_of(recalled, annotations)
    )
    annotated = {doc_id: site for doc_id, site in confirmed.items() if doc_id not in by_confidence}
    new_sites = {*by_confidence.values(), *annotated.values()}
    n_before = 0
    for batch in before:
        n_before += batch.num_rows
        new_sites.difference_update(batch.column("base_url").unique().to_pylist())
    specific = sum(pc.sum(batch.column("specific")).as_py() or 0 for batch in sites)
    return Counts(n_before, len(by_confidence), len(annotated), len(new_sites), specific)


def truth_of(scored: Batches, positives: Batches, seeds: Batches, truth: TruthSettings) -> Truth:
    """How right the positives are on hosts of which it is known whether all their pages belong.

    Counted are the pages of the pool on labelled hosts; a host stands for its subdomains, and of several that match the
    longest counts. Where no negative host is named, every other host is one. Seeds are left out, and unless the
    settings say `held_out: pages`, so are all pages of base URLs that have a seed: nobody told the loop of what is
    counted. A page belongs if its host does; it was found if it is a positive, however it came in. Precision is the
    share of found pages that belong, recall the share of belonging pages that were found.

    Args:
        scored: the pool, with doc_id and base_url.
        positives: doc_id and base_url of all positives after the round.
        seeds: doc_id and base_url of the seeds.
    """
    hosts = _Labels(truth)
    pairs = {pair for batch in seeds for pair in _pairs(batch)}
    seeded = {site for _, site in pairs} if truth.held_out == "base_urls" else set()
    given = {doc_id for doc_id, _ in pairs}
    found: set[str] = set()
    for batch in positives:
        found.update(_labelled(batch, hosts, seeded)[0])
    right = wrong = missed = 0
    for batch in scored:
        for doc_id, belongs in zip(*_labelled(batch, hosts, seeded), strict=True):
            if doc_id in given:
                continue
            if doc_id in found:
                right, wrong = right + belongs, wrong + (not belongs)
            else:
                missed += belongs
    return Truth(_share(right, right + wrong), _share(right, right + missed))


def progress_row(
    domain: str, round_number: int, previous: pa.Table, counts: Counts, thresholds: pa.Table, asked: Asked,
    truth: Truth | None, settings: RecallSettings,
) -> pa.Table:  # fmt: skip
    """`PROGRESS_SCHEMA`: the rows so far, and that of a round.

    The loop stops after a round whose new positives are a share of those before that is below `min_new_share`, or that
    found nothing. A round after that is a row of zeros that carries positives, precision and recall on.

    Args:
        previous: the rows of the rounds before; empty for round 1.
        thresholds: `THRESHOLD_SCHEMA`; the chosen row is the round's.
        truth: null where no host is labelled.

    Raises:
        ProgressError: the rows before are not those of rounds 1 to this one.
    """
    rows = previous.select(PROGRESS_SCHEMA.names).cast(PROGRESS_SCHEMA)
    if rows["round"].to_pylist() != list(range(1, round_number)) or set(rows["domain"].to_pylist()) - {domain}:
        seen = sorted(zip(rows["domain"].to_pylist(), rows["round"].to_pylist(), strict=True))
        raise ProgressError(f"round {round_number} of {domain} cannot follow {seen}; build the rounds before it first")
    last = rows.slice(rows.num_rows - 1).to_pylist()[0] if rows.num_rows else None
    row: dict[str, Any] = {
        name: 0 if pa.types.is_integer(PROGRESS_SCHEMA.field(name).type) else None for name in PROGRESS_SCHEMA.names
    }
    row |= {"domain": domain, "round": round_number}
    if last and last["stopped"]:
        row |= {name: last[name] for name in ("positives", "truth_precision", "truth_recall")}
        first = next(one["round"] for one in rows.to_pylist() if one["stopped"])
        row |= {"new_share": 0.0, "stopped": True, "reason": f"stopped after round {first}"}
    else:
        row |= _counts_row(counts) | _threshold_row(thresholds) | asked._asdict()
        row |= {"truth_precision": truth.precision, "truth_recall": truth.recall} if truth else {}
        reason = stop_reason(counts, settings)
        row |= {"stopped": reason is not None, "reason": reason or "goes on"}
    return pa.concat_tables([rows, pa.Table.from_pylist([row], schema=PROGRESS_SCHEMA)]).combine_chunks()


def stop_reason(counts: Counts, settings: RecallSettings) -> str | None:
    """Why no further round is worth it; null if one is."""
    if not counts.new:
        return "nothing new was found"
    if counts.before and counts.new / counts.before < settings.min_new_share:
        return (
            f"new positives: {counts.new:,}, less than {100 * settings.min_new_share:g} % of the "
            f"{counts.before:,} before"
        )
    return None


def round_state(progress: pa.Table) -> bytes:
    """The state file of a round: its number, whether it was the last, and why."""
    last = progress.slice(progress.num_rows - 1).to_pylist()[0] if progress.num_rows else {}
    state = {"round": last.get("round", 0), "stopped": last.get("stopped", False), "reason": last.get("reason") or ""}
    return json.dumps(state, indent=1, ensure_ascii=False).encode() + b"\n"


def is_stopped(state: bytes) -> bool:
    """Whether the loop came to its end.

    Raises:
        ProgressError: it is no state file.
    """
    try:
        found = json.loads(state)
        stopped = found["stopped"]
    except (ValueError, KeyError, TypeError):
        stopped = None
    if not isinstance(stopped, bool):
        raise ProgressError(f"not the state of a round: {state[:60]!r}; build the positives of that round again")
    return stopped


class _Labels:
    """Whether the pages of a base URL belong, by its host; null for those of no labelled host."""

    def __init__(self, truth: TruthSettings) -> None:
        self._hosts = dict.fromkeys(truth.negative_hosts, False) | dict.fromkeys(truth.positive_hosts, True)
        self._else = None if truth.negative_hosts else False
        either = "|".join(re.escape(host) for host in self._hosts)
        self._pattern = f"://(?:.*[.@])?(?:{either})[.]?(?::[0-9]*)?$"

    def of(self, sites: pa.Array) -> list[bool | None]:
        """The labels of many base URLs; only those that end like a labelled host are taken apart one by one."""
        near = pc.match_substring_regex(sites, self._pattern, ignore_case=True).to_pylist()
        return [self(site) if is_near else self._else for site, is_near in zip(sites.to_pylist(), near, strict=True)]

    def __call__(self, base_url: str) -> bool | None:
        """The label of the longest labelled host that is this one or one above it."""
        name = _host(base_url)
        while name:
            if name in self._hosts:
                return self._hosts[name]
            name = name.partition(".")[2]
        return self._else


def _host(base_url: str) -> str:
    """Host of a base URL without port or final dot; empty where there is none."""
    try:
        return (urlsplit(base_url).hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _labelled(batch: pa.RecordBatch, labels: _Labels, left_out: set[str]) -> tuple[list[str], list[bool]]:
    """The pages of labelled hosts but those of base URLs that are left out: ids, and whether they belong."""
    sites = pc.dictionary_encode(batch.column("base_url"))
    names = sites.dictionary
    known = [
        None if site in left_out else label for site, label in zip(names.to_pylist(), labels.of(names), strict=True)
    ]
    of_page = pa.array(known, pa.bool_()).take(sites.indices)
    there = pc.is_valid(of_page)
    return batch.column("doc_id").filter(there).to_pylist(), of_page.filter(there).to_pylist()


def _pairs(batch: pa.RecordBatch) -> Iterator[tuple[str, str]]:
    return zip(batch.column("doc_id").to_pylist(), batch.column("base_url").to_pylist(), strict=True)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, DECIMALS) if whole else None


def _counts_row(counts: Counts) -> dict[str, Any]:
    return {
        "recalled": counts.recalled,
        "annotated": counts.annotated,
        "new_documents": counts.new,
        "new_base_urls": counts.new_base_urls,
        "new_share": _share(counts.new, counts.before),
        "positives": counts.before + counts.new,
        "specific_base_urls": counts.specific_base_urls,
    }


def _threshold_row(thresholds: pa.Table) -> dict[str, Any]:
    chosen = thresholds.filter(thresholds["chosen"]).to_pylist()
    names = {"threshold": "threshold", "precision": "precision", "precision_low": "low", "precision_high": "high"}
    return {name: chosen[0][column] for name, column in names.items()} if chosen else {}
