"""The sensor that notices documents: new batches, batches whose files changed, and batches that were converted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from neo_assets.arrivals import INTERVAL_SECONDS, MAX_REQUESTS, Stamps, looked, read_cursor, shortened
from neo_assets.automation import ARRIVED, CORRECTED, EXTRACTED, IMPORTS
from neo_assets.documents.files.sources import SourceError
from neo_assets.partitions import document_batches
from neo_assets.recipe.documents import BatchSettings, DocumentsSection, InboxSettings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

DATA_VERSION = "dagster/data_version"
LookAtInbox = Callable[[InboxSettings], Sequence[str]]
LookAtBatch = Callable[[BatchSettings], Stamps]


@dataclass(frozen=True)
class Known:
    """What was asked for: digests of batches' files, and the versions of converted batches that were handed on.

    `pending` are files seen once, not asked for before they look the same twice: a batch takes long to copy.
    """

    batches: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    handed_on: dict[str, str] = field(default_factory=dict)
    n_requests: int = 0

    @classmethod
    def read(cls, cursor: str) -> Known:
        """The inverse of `text`.

        Raises:
            ValueError: it is no cursor of this sensor.
        """
        return read_cursor(cls, cursor)

    @property
    def text(self) -> str:
        """As JSON; three short entries a batch at most."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class State:
    """What the instance knows: the version of each batch that was converted, and the crawl days whose text is made."""

    converted: Mapping[str, str]
    ready_days: frozenset[str]


@dataclass(frozen=True)
class Noticed:
    """What one look found: runs to ask for, batches to add, what to remember, and what could not be looked at."""

    requests: list[dg.RunRequest]
    batches: list[str]
    known: Known
    notes: list[str]


def document_sensor(
    documents: DocumentsSection,
    days: dg.PartitionsDefinition[str],
    jobs: tuple[UnresolvedAssetJobDefinition, UnresolvedAssetJobDefinition],
    look_at_inbox: LookAtInbox,
    look_at_batch: LookAtBatch,
) -> dg.SensorDefinition:
    """The sensor; off until it is switched on. `jobs`: that of a batch, and that of a day's converted documents."""

    @dg.sensor(
        name="new_documents_in_batches",
        jobs=list(jobs),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at the recipe's batches of documents and at the folders of its inbox. New or changed files "
        "that look the same in two ticks: the batch is added as a partition and converted. A batch that was converted: "
        "documents/arrived of its day, and the Chinese line of that day if it was crawled. What was converted already "
        "when the sensor is first switched on counts as known.",
    )
    def new_documents_in_batches(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        noticed = notice(
            documents,
            days.get_partition_keys(),
            look_at_inbox,
            look_at_batch,
            Known.read(context.cursor) if context.cursor else None,
            _state(context.instance),
        )
        text = shortened(noticed.notes)
        if text and noticed.requests:
            context.log.warning(text)
        name = str(document_batches.name)
        added = [batch for batch in noticed.batches if not context.instance.has_dynamic_partition(name, batch)]
        return dg.SensorResult(
            run_requests=noticed.requests,
            skip_reason=None if noticed.requests else dg.SkipReason(text or "no new documents"),
            cursor=noticed.known.text,
            dynamic_partitions_requests=[document_batches.build_add_request(added)] if added else [],
        )

    return new_documents_in_batches


def notice(
    documents: DocumentsSection,
    days: Sequence[str],
    look_at_inbox: LookAtInbox,
    look_at_batch: LookAtBatch,
    known: Known | None,
    state: State,
) -> Noticed:
    """What is new since `known`, in a bounded number of requests: conversions first, then days.

    Args:
        days: the crawl days that there are, in order; a batch that arrived on no crawl day is named in a note.
        known: what earlier ticks asked for; None in the first tick, which takes what is converted already as known.

    A batch whose files cannot be listed is named in a note and hides no other.
    """
    first, known = known is None, known or Known()
    batches, notes = _batches(documents, days, look_at_inbox)
    digests, faults = looked({name: partial(look_at_batch, settings) for name, settings in batches.items()})
    requests: list[dg.RunRequest] = []
    asked = {name: digest for name, digest in known.batches.items() if name in batches}
    pending: dict[str, str] = {}
    for name, digest in sorted(digests.items()):
        if asked.get(name) == digest:
            continue
        if first and name in state.converted:
            asked[name] = digest
        elif len(requests) == MAX_REQUESTS or known.pending.get(name) != digest:
            pending[name] = digest
        else:
            asked[name] = digest
            run_key = f"documents {name} {digest} {known.n_requests + len(requests)}"
            requests.append(dg.RunRequest(run_key, job_name="new_documents", partition_key=name))
    handed_on = {name: version for name, version in known.handed_on.items() if name in batches}
    for day, versions in _to_hand_on(batches, state, {} if first else handed_on):
        if first:
            handed_on |= versions
        elif len(requests) < MAX_REQUESTS:
            handed_on |= versions
            requests.append(_handing_on(day, known.n_requests + len(requests), day in state.ready_days))
    if pending and not requests:
        notes.append(f"waiting until they stay as they are: {', '.join(sorted(pending)[:10])}")
    known = Known(asked, pending, handed_on, known.n_requests + len(requests))
    return Noticed(requests, sorted(asked), known, [*notes, *faults])


def _batches(
    documents: DocumentsSection, days: Sequence[str], look_at_inbox: LookAtInbox
) -> tuple[dict[str, BatchSettings], list[str]]:
    """The settings of every batch by name, and what is wrong with the others."""
    notes: list[str] = []
    found: Sequence[str] = []
    if documents.inbox is not None:
        try:
            found = look_at_inbox(documents.inbox)
        except (OSError, SourceError) as error:
            notes.append(f"documents.inbox: {type(error).__name__}: {error}")
    batches = {name: documents.batch(name) for name in sorted({*documents.batches, *found})}
    for name, settings in batches.items():
        if settings.arrived.isoformat() not in days:
            notes.append(f"the batch {name} arrived on {settings.arrived}, which is no crawl day")
    return {name: settings for name, settings in batches.items() if settings.arrived.isoformat() in days}, notes


def _to_hand_on(
    batches: Mapping[str, BatchSettings], state: State, handed_on: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """The days that have newly converted batches, each with the versions of those."""
    found: dict[str, dict[str, str]] = {}
    for name, version in sorted(state.converted.items()):
        if name in batches and handed_on.get(name) != version:
            found.setdefault(batches[name].arrived.isoformat(), {})[name] = version
    return sorted(found.items())


def _handing_on(day: str, number: int, is_crawled: bool) -> dg.RunRequest:
    """The Chinese line of a day reads its crawl and imports too; before those are made, only `arrived` can be."""
    return dg.RunRequest(
        f"day {day} {number}",
        job_name="documents_of_a_day",
        partition_key=day,
        asset_selection=None if is_crawled else [ARRIVED],
    )


def _state(instance: dg.DagsterInstance) -> State:
    """What was made, by the instance's events; one query for all batches."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        CORRECTED, dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    ready = instance.get_materialized_partitions(EXTRACTED) & instance.get_materialized_partitions(IMPORTS)
    return State({batch: tags.get(DATA_VERSION, "") for batch, tags in found.items()}, frozenset(ready))
