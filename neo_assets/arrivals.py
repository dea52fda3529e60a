"""The sensor that notices new dumps and changed seed lists, and asks for what must be made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from neo_assets.automation import EXTRACTED, IMPORTS, SEEDS
from neo_assets.recipe.imports import ImportSettings
from neo_assets.recipe.recipe import Recipe

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

Remembered = TypeVar("Remembered")
Stamps = Mapping[str, str]
"""Files by path, each with what changes when it does: its size and time of change, or its ETag."""
LookAtImport = Callable[[ImportSettings, date], Stamps]
LookAtSeeds = Callable[[], Stamps]

DAYS_WATCHED = 14
"""Crawl days, the last ones, whose folders of dumps are looked at; an `arrived` dump is always looked at."""
MAX_REQUESTS = 5
"""Runs asked for in one tick; what is left waits for the next one."""
LOOK_SECONDS = 40.0
"""How long a tick waits for lists of files; Dagster breaks it off after 60 s."""
INTERVAL_SECONDS = 300
NOTES_SHOWN, NOTE_CHARS = 10, 300
SEEDS_KEY = "seeds"


@dataclass(frozen=True)
class Known:
    """What was asked for already: digests of the seed lists, and of each import's files by 'day name'.

    `pending` are files seen once, not asked for before they look the same twice: a dump takes long to copy.
    `n_requests` makes run keys unique, so that files which come back as they once were are imported again.
    """

    seeds: str | None = None
    imports: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
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
        """As JSON; at most 2 * 14 short entries an import."""
        return json.dumps(asdict(self), sort_keys=True)


def read_cursor(kind: type[Remembered], cursor: str) -> Remembered:
    """What a sensor remembered, from the JSON of its fields.

    Raises:
        ValueError: it is no cursor of this sensor.
    """
    try:
        return kind(**json.loads(cursor))
    except (ValueError, TypeError) as error:
        raise ValueError(f"not a cursor of this sensor: {cursor[:80]!r}; reset it in the UI") from error


@dataclass(frozen=True)
class Noticed:
    """What one look found."""

    requests: list[dg.RunRequest]
    known: Known
    notes: list[str]
    """What could not be looked at, or is no crawl day: a sentence each."""


def arrivals_sensor(
    recipe: Recipe,
    days: dg.PartitionsDefinition[str],
    jobs: tuple[UnresolvedAssetJobDefinition, UnresolvedAssetJobDefinition],
    look_at_import: LookAtImport,
    look_at_seeds: LookAtSeeds,
) -> dg.SensorDefinition:
    """The sensor; off until it is switched on. `jobs`: that of new seeds, and that of new dumps."""

    @dg.sensor(
        name="new_dumps_and_seed_lists",
        jobs=list(jobs),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at the seed lists and at the files of the recipe's imports. Changed lists: crawl/seeds; new "
        "or changed files that look the same in two ticks: crawl/imports of their day, and its Chinese line if the day "
        "was crawled. What was made already when the sensor is first switched on counts as known.",
    )
    def new_dumps_and_seed_lists(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        noticed = notice(
            recipe,
            days.get_partition_keys(),
            look_at_import,
            look_at_seeds,
            Known.read(context.cursor) if context.cursor else None,
            made=lambda key: _made(context.instance, key),
        )
        text = shortened(noticed.notes)
        if text and noticed.requests:
            context.log.warning(text)
        skipped = None if noticed.requests else dg.SkipReason(text or "no new files")
        return dg.SensorResult(run_requests=noticed.requests, skip_reason=skipped, cursor=noticed.known.text)

    return new_dumps_and_seed_lists


def notice(
    recipe: Recipe,
    days: Sequence[str],
    look_at_import: LookAtImport,
    look_at_seeds: LookAtSeeds,
    known: Known | None,
    made: Callable[[dg.AssetKey], Collection[str]],
) -> Noticed:
    """What is new since `known`, in a bounded number of requests: seeds first, then the oldest day.

    Args:
        days: the crawl days that there are, in order.
        known: what earlier ticks asked for; None in the first tick, which takes what is already made as known.
        made: the partitions of an asset that are made; of an unpartitioned one, nothing or one empty key.

    An import whose files cannot be listed is named in a note and hides no other.
    """
    first, known = known is None, known or Known()
    digests, notes = _look(recipe, days, look_at_import, look_at_seeds)
    requests: list[dg.RunRequest] = []
    seeds = digests.pop(SEEDS_KEY, None)
    if seeds not in (None, known.seeds) and not (first and made(SEEDS)):
        requests.append(dg.RunRequest(f"seeds {seeds} {known.n_requests}", job_name="new_seeds"))
    watched = {_key(day, name) for day, name in _watched(recipe, days)}
    imports = {key: digest for key, digest in known.imports.items() if key in watched}
    pending: dict[str, str] = {}
    imported, crawled = made(IMPORTS), made(EXTRACTED)
    for day, found in _by_day(digests):
        changed = {key: digest for key, digest in found.items() if known.imports.get(key) != digest}
        if not changed or (first and day in imported):
            imports |= changed
        elif len(requests) == MAX_REQUESTS or any(known.pending.get(key) != changed[key] for key in changed):
            pending |= changed
        else:
            imports |= changed
            run_key = f"dumps {day} {_digest(found)} {known.n_requests + len(requests)}"
            requests.append(_request(day, changed, run_key, day in crawled))
    if pending and not requests:
        notes.append(f"waiting until they stay as they are: {', '.join(sorted(pending)[:NOTES_SHOWN])}")
    known = Known(seeds or known.seeds, imports, pending, known.n_requests + len(requests))
    return Noticed(requests, known, notes)


def _request(day: str, changed: Mapping[str, str], run_key: str, crawled: bool) -> dg.RunRequest:
    """The Chinese line of a day reads its crawl too; before that is made, only the import can be."""
    names = ", ".join(key.partition(" ")[2] for key in sorted(changed))
    return dg.RunRequest(
        run_key,
        job_name="new_dumps",
        partition_key=day,
        asset_selection=None if crawled else [IMPORTS],
        tags={"neo/imports": names[:NOTE_CHARS]},
    )


def _watched(recipe: Recipe, days: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Day and name of every import that is looked at."""
    for name, settings in recipe.imports.items():
        wanted = days[-DAYS_WATCHED:] if settings.arrived is None else [settings.arrived.isoformat()]
        yield from ((day, name) for day in wanted if day in days)


def _look(
    recipe: Recipe, days: Sequence[str], look_at_import: LookAtImport, look_at_seeds: LookAtSeeds
) -> tuple[dict[str, str], list[str]]:
    """Digests of the files found, and what was wrong; side by side, since a server that does not answer must not
    keep the others waiting."""
    notes = [
        f"imports.{name} arrives on {settings.arrived}, which is no crawl day yet"
        for name, settings in recipe.imports.items()
        if settings.arrived and settings.arrived.isoformat() not in days
    ]
    looks: dict[str, LookAtSeeds] = {
        _key(day, name): partial(look_at_import, recipe.imports[name], date.fromisoformat(day))
        for day, name in _watched(recipe, days)
    }
    if recipe.crawl.seed_lists:
        looks[SEEDS_KEY] = look_at_seeds
    digests, faults = looked(looks)
    return digests, [*notes, *faults]


def looked(looks: Mapping[str, LookAtSeeds]) -> tuple[dict[str, str], list[str]]:
    """Digests of the files that each look found, where it found any; and a sentence for each that failed."""
    pool = ThreadPoolExecutor(8, thread_name_prefix="arrivals")
    begun: dict[str, Future[Stamps]] = {key: pool.submit(look) for key, look in looks.items()}
    answered, _ = wait(begun.values(), timeout=LOOK_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    digests: dict[str, str] = {}
    notes: list[str] = []
    for key, look in begun.items():
        fault = look.exception() if look in answered else TimeoutError(f"no answer within {LOOK_SECONDS:.0f} s")
        if fault is not None:
            notes.append(f"{key}: {type(fault).__name__}: {fault}")
        elif stamps := look.result():
            digests[key] = _digest(stamps)
    return digests, notes


def _by_day(digests: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    days: dict[str, dict[str, str]] = {}
    for key in sorted(digests):
        days.setdefault(key.partition(" ")[0], {})[key] = digests[key]
    return list(days.items())


def _key(day: str, name: str) -> str:
    return f"{day} {name}"


def _digest(stamps: Mapping[str, str]) -> str:
    text = json.dumps(sorted(stamps.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shortened(notes: Sequence[str]) -> str:
    """The first notes in one line, and how many more there are."""
    shown = [" ".join(note.split())[:NOTE_CHARS] for note in notes[:NOTES_SHOWN]]
    return "; ".join([*shown, *([f"and {len(notes) - NOTES_SHOWN} more"] if len(notes) > NOTES_SHOWN else [])])


def _made(instance: dg.DagsterInstance, key: dg.AssetKey) -> Collection[Any]:
    if key == SEEDS:
        return [""] if instance.get_latest_materialization_event(key) else []
    return instance.get_materialized_partitions(key)
