"""Two crawls never overlap: what the daemon's run queue would start next, under the settings of this repository.

No daemon runs here: its own rule of what to take from the queue is asked, over an instance in a folder of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from neo_assets.automation import ONE_CRAWL, PAGES

SETTINGS = Path(__file__).parents[1] / "dagster.yaml"
QUEUED, STARTED, SUCCESS = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS
FRONTIER = dg.AssetKey(["crawl", "frontier"])
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(
        ManagedGrpcPythonEnvCodeLocationOrigin(
            LoadableTargetOrigin(executable_path=sys.executable, module_name="neo_assets.definitions"), "neo_assets"
        ),
        "__repository__",
    ),
    "__ASSET_JOB",
)


@dg.asset(key=PAGES, pool="crawl")
def pages() -> None: ...


@dg.asset(key=FRONTIER, deps=[pages])
def frontier() -> None: ...


DEFINITIONS = dg.Definitions([pages, frontier], executor=dg.in_process_executor)


class Queue:
    """The run queue of an instance; each run is of the assets named."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def run(
        self, *assets: dg.AssetKey, status: dg.DagsterRunStatus = QUEUED, tags: Mapping[str, str] | None = None
    ) -> str:
        """A new run; gives its id."""
        job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection=set(assets))
        return self.instance.create_run_for_job(
            job, status=status, tags=dict(tags or {}), remote_job_origin=ORIGIN, asset_selection=frozenset(assets)
        ).run_id

    def next(self) -> list[str]:
        """The runs that the daemon would start now."""
        settings = self.instance.get_concurrency_config()
        return [run.run_id for run in self._daemon._get_runs_to_dequeue(self.instance, settings, None)]


@pytest.fixture
def queue() -> Iterator[Queue]:
    with dg.DagsterInstance.get() as instance:
        yield Queue(instance)


def test_runs_are_queued_and_pools_hold_whole_runs(queue: Queue) -> None:
    assert isinstance(queue.instance.run_coordinator, QueuedRunCoordinator)
    pools = queue.instance.get_concurrency_config().pool_config
    assert pools.pool_granularity is not None
    assert (pools.pool_granularity.value, pools.default_pool_limit) == ("run", 1)


def test_a_crawl_waits_for_the_one_under_way_and_nothing_else_does(queue: Queue) -> None:
    queue.instance.event_log_storage.initialize_concurrency_limit_to_default("crawl")
    queue.run(PAGES, status=STARTED)
    queue.run(PAGES, FRONTIER)
    other = queue.run(FRONTIER)
    assert queue.next() == [other]


def test_the_next_crawl_starts_when_the_one_before_has_ended(queue: Queue) -> None:
    queue.instance.event_log_storage.initialize_concurrency_limit_to_default("crawl")
    queue.run(PAGES, status=SUCCESS)
    first, _ = queue.run(PAGES), queue.run(PAGES)
    assert queue.next() == [first]


def test_runs_of_the_crawl_job_exclude_each_other_from_the_first_one_on(queue: Queue) -> None:
    """The limit of a pool holds from the second look at the queue on; that of a tag from the first."""
    assert {"key": next(iter(ONE_CRAWL)), "limit": 1} in yaml.safe_load(SETTINGS.read_text())["concurrency"]["runs"][
        "tag_concurrency_limits"
    ]
    first, _ = queue.run(PAGES, tags=ONE_CRAWL), queue.run(PAGES, tags=ONE_CRAWL)
    assert queue.next() == [first]


def test_the_pool_limits_every_run_from_the_second_look_on(queue: Queue) -> None:
    """Why the tag is needed: an instance learns of a pool only when it first sees a run of it."""
    first, second = queue.run(PAGES), queue.run(PAGES)
    assert queue.next() == [first, second]
    assert queue.next() == [first]


def test_a_build_in_the_terminal_counts_as_a_crawl_under_way(queue: Queue) -> None:
    """`neo build` runs in its own process, past the queue; the queue sees it all the same."""
    queue.instance.event_log_storage.initialize_concurrency_limit_to_default("crawl")
    found: list[list[str]] = []

    @dg.asset(key=PAGES, pool="crawl")
    def pages() -> None:
        queue.run(PAGES)
        found.append(queue.next())

    definitions = dg.Definitions([pages], executor=dg.in_process_executor)
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=queue.instance).success
    assert found == [[]]
