"""The Dagster instance beside the lake: on Postgres instead of SQLite, and told of what the lake holds already.

The lake knows what was made, and an instance when and by which run. So a new instance loses nothing that counts: it is
told of every committed partition, with data version, provenance and metadata.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import yaml

from neo_assets.compute.protocol import SettingError
from neo_assets.io_manager import shown
from neo_assets.lake.dataset import Dataset, input_name
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest
from neo_assets.metadata import describe

URL_VARIABLE = "NEO_POSTGRES_URL"
SCHEMES = ("postgresql+psycopg2", "postgresql")
SETTINGS = "dagster.yaml"
POSTGRES = f"""
storage:
  postgres:
    postgres_url: {{env: {URL_VARIABLE}}}  # the password stays in the environment
"""
DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
USER_PROVIDED = "dagster/data_version_is_user_provided"
INPUT_VERSION, INPUT_EVENT = "dagster/input_data_version/{}", "dagster/input_event_pointer/{}"
BEFORE_ALL = "1"
"""As the event that an input was read at: Dagster finds that the input has changed since."""


class InstanceError(SettingError):
    """Settings or a database that an instance cannot be made of: says what to set."""


def postgres_url() -> str:
    """The database that `NEO_POSTGRES_URL` names.

    Raises:
        InstanceError: it is unset, or names another kind of database or driver.
    """
    url = os.environ.get(URL_VARIABLE, "")
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.path.strip("/"):
        given = "it is not set" if not url else f"its scheme is {parts.scheme or 'missing'}, or it names no database"
        raise InstanceError(f"{URL_VARIABLE} must be {SCHEMES[0]}://user:password@host:5432/database; {given}")
    return url


def use_postgres(home: Path, tell: Callable[[str], None] = lambda line: None) -> Path | None:
    """Put the instance of `DAGSTER_HOME` on Postgres and bring the database to Dagster's present schema.

    The other settings of `dagster.yaml` stay; what it was is kept beside it, and SQLite's files are left alone. Done a
    second time, it only migrates.

    Args:
        tell: gets what Dagster says of its migration, line by line.

    Returns:
        Where the former settings are; None if nothing had to be changed.

    Raises:
        InstanceError: the variable, the driver or the database is not there, or another storage is configured already.
    """
    _check_database(postgres_url())
    file, kept = home / SETTINGS, home / f"{SETTINGS}.before-postgres"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    storage = (yaml.safe_load(text) or {}).get("storage")
    if storage is not None and storage != yaml.safe_load(POSTGRES)["storage"]:
        raise InstanceError(f"{file} sets another `storage` already; remove that key and run this again")
    if storage is None:
        home.mkdir(parents=True, exist_ok=True)
        kept.write_text(text, encoding="utf-8")
        beside = file.with_name(f".{SETTINGS}.new")
        beside.write_text(text.rstrip("\n") + "\n" * bool(text) + POSTGRES.lstrip("\n"), encoding="utf-8")
        beside.replace(file)  # not through a link to the settings of a checkout
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.upgrade(tell)
    return kept if storage is None else None


def _check_database(url: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    try:
        import dagster_postgres  # noqa: F401

        create_engine(url, connect_args={"connect_timeout": 10}).connect().close()
    except ImportError as error:
        raise InstanceError(f"{error}; install the extra `postgres` (pip install 'neo-assets[postgres]')") from error
    except OperationalError as error:
        said = " ".join(str(error.orig).split())
        raise InstanceError(f"the database of {URL_VARIABLE} cannot be used: {said}") from error


@dataclass(frozen=True)
class Registered:
    """What `register` found: partitions it told the instance of, those that the instance knew, and assets of the lake
    that are in no definition."""

    told: tuple[str, ...]
    known: int
    unknown_assets: tuple[str, ...]


def register(
    lake: Lake,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Registered:
    """Report every committed partition whose content the instance does not know: one that it never saw made, or not
    in the version that is in force. Done a second time, it reports nothing.

    Args:
        progress: gets the partition's name, how many are done, how many there are.

    Time is about 10 ms a partition with SQLite or a Postgres server nearby; a manifest, and the sample rows that the
    UI shows, are read of each.
    """
    return _Registration(lake, instance, definitions).run(progress)


@dataclass
class _Registration:
    lake: Lake
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    manifests: dict[str, dict[str | None, Manifest]] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    """By asset the last event of it that the instance has."""

    def run(self, progress: Callable[[str, int, int], None]) -> Registered:
        committed = set(self.lake.assets())
        assets = [key.to_user_string() for key in self._graph.toposorted_asset_keys]
        for asset in filter(committed.__contains__, assets):
            whole = self.lake.whole(asset)
            self.manifests[asset] = {manifest.partition: manifest for manifest in whole.manifests}
        waiting = list(self._unknown())
        for done, manifest in enumerate(waiting):
            name = input_name(manifest.asset, manifest.partition)
            progress(name, done, len(waiting))
            self._report(manifest)
        total = sum(map(len, self.manifests.values()))
        told = tuple(input_name(m.asset, m.partition) for m in waiting)
        return Registered(told, total - len(told), tuple(sorted(committed - set(assets))))

    @cached_property
    def _graph(self) -> dg.AssetGraph:
        return self.definitions.resolve_asset_graph()

    def _unknown(self) -> Iterator[Manifest]:
        """What is to be told, inputs first."""
        for asset, manifests in self.manifests.items():
            known = self._known(asset, list(manifests))
            for partition, manifest in manifests.items():
                if known.get(partition) != manifest.digest:
                    yield manifest

    def _known(self, asset: str, partitions: Sequence[str | None]) -> Mapping[str | None, str | None]:
        """The data versions that the instance has of an asset; one query for all partitions."""
        if partitions == [None]:
            event = self.instance.get_latest_materialization_event(_key(asset))
            made = event.asset_materialization if event else None
            return {None: (made.tags or {}).get(DATA_VERSION)} if made else {}
        found = self.instance.event_log_storage.get_latest_tags_by_partition(
            _key(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
        )
        return {partition: tags.get(DATA_VERSION) for partition, tags in found.items()}

    def _report(self, manifest: Manifest) -> None:
        dataset = Dataset(self.lake.store, manifest.asset, (manifest,))
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=_key(manifest.asset),
                partition=manifest.partition,
                description=f"Made {manifest.created}; found in the lake {self.lake.root}",
                metadata={name: shown(value) for name, value in describe(dataset).items()},
                tags=self._tags(manifest),
            )
        )
        self.events.pop(manifest.asset, None)

    def _tags(self, manifest: Manifest) -> dict[str, str]:
        """Data version and provenance, as a run would have recorded them."""
        tags = {
            DATA_VERSION: manifest.digest,
            CODE_VERSION: manifest.provenance.code_version,
            USER_PROVIDED: "true",
        }
        read = manifest.provenance.inputs
        for parent in sorted(key.to_user_string() for key in self._graph.get(_key(manifest.asset)).parent_keys):
            of_parent = {name: digest for name, digest in read.items() if name.partition("|")[0] == parent}
            now = {input_name(parent, key): m.digest for key, m in self.manifests.get(parent, {}).items()}
            current = all(now.get(name) == digest for name, digest in of_parent.items())
            tags[INPUT_VERSION.format(parent)] = _version(parent, of_parent)
            tags[INPUT_EVENT.format(parent)] = self._last_event(parent) if current else BEFORE_ALL
        return tags

    def _last_event(self, asset: str) -> str:
        if asset not in self.events:
            records = self.instance.fetch_materializations(_key(asset), limit=1).records
            self.events[asset] = str(records[0].storage_id) if records else "NULL"
        return self.events[asset]


def _key(asset: str) -> dg.AssetKey:
    return dg.AssetKey(asset.split("/"))


def _version(asset: str, read: Mapping[str, str]) -> str:
    """The version of an input by Dagster's rule: its own, or a hash over those of its partitions in order of keys."""
    if set(read) == {asset}:
        return read[asset]
    return sha256("".join(digest for _, digest in sorted(read.items())).encode()).hexdigest()
