"""Ranges of partitions in pods: what was published stays, and the next pod or watcher goes on from there."""

import threading
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neo_assets.build import RANGE_END, RANGE_START
from neo_assets.compute.kubernetes import attempts
from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.lake import Lake
from neo_assets.partitions import PREVIOUS, ordinal
from neo_assets_tests.compute.fake_kube import FakeKube, FakePod, meanwhile, wait_for
from neo_assets_tests.compute.run_pod import compute, profiles

pytestmark = pytest.mark.slow

KEYS = [f"link_00{number}" for number in (1, 2, 3, 4)]
ASSET = dg.AssetKey(["t", "chain"])


def run(
    lake: Lake, by: Any, instance: dg.DagsterInstance, first: str = KEYS[0], raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    """Make the chain from a link on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        decorate = dg.asset(
            key=ASSET,
            partitions_def=ordinal("link", len(KEYS)),
            ins={"previous": dg.AssetIn(ASSET, partition_mapping=PREVIOUS)},
            backfill_policy=dg.BackfillPolicy.single_run(),
            code_version="code-recipe",
            dagster_type=None,
        )

    def links(context: dg.AssetExecutionContext, previous: Any) -> Any:
        return by.run(context, "neo_assets_tests.compute.pod_range_job", profile="gpu", previous=previous)

    definitions = dg.Definitions(
        assets=[decorate(links)],
        resources={"io_manager": LakeIOManager(lake, LocalEngine())},
        executor=dg.in_process_executor,
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    tags = {RANGE_START: first, RANGE_END: KEYS[3]}
    return job.execute_in_process(instance=instance, raise_on_error=raise_on_error, tags=tags)


@pytest.fixture
def instance() -> Any:
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def at(kube: FakeKube, key: str, number: int = 1) -> FakePod:
    """The pod of an attempt, once it is at a partition."""
    mark = f"at {key}".encode()

    def found() -> FakePod | None:
        return next((p for p in list(kube.pods.values()) if p.name.endswith(f"-{number}") and mark in p.log), None)

    return wait_for(found)  # type: ignore[no-any-return]


def check(lake: Lake, instance: dg.DagsterInstance) -> None:
    """Every link is there, made from the one before, and the instance knows it with its own metadata and version."""
    for value, key in enumerate(KEYS, 1):
        manifest = lake.dataset("t/chain", [key]).manifest
        assert lake.dataset("t/chain", [key]).read()["n"].to_pylist() == [value]
        before = {f"t/chain|{KEYS[value - 2]}": lake.dataset("t/chain", [KEYS[value - 2]]).manifest.digest}
        assert manifest.provenance.inputs == (before if value > 1 else {})
        records = instance.fetch_materializations(dg.AssetRecordsFilter(ASSET, asset_partitions=[key]), limit=9).records
        shown = records[0].asset_materialization
        assert shown is not None and shown.tags is not None
        assert shown.metadata["value"].value == value
        assert isinstance(shown.metadata["sample"], dg.MarkdownMetadataValue)


def test_a_pod_makes_a_range_and_its_successor_the_rest(
    lake: Lake, kube: FakeKube, acts: Path, instance: dg.DagsterInstance
) -> None:
    def act() -> None:
        for key in KEYS[:2]:
            (acts / key).touch()
        kube.evict(at(kube, KEYS[2]).name)
        for key in [*KEYS[2:], "finish"]:
            (acts / key).touch()

    with meanwhile(act):
        assert run(lake, compute(lake, kube.kubeconfig), instance).success
    check(lake, instance)
    assert (acts / "starts").read_text().splitlines() == [" ".join(KEYS), " ".join(KEYS[2:])]
    for value, key in enumerate(KEYS, 1):
        [seen] = instance.fetch_observations(dg.AssetRecordsFilter(ASSET, asset_partitions=[key]), limit=9).records
        assert seen.asset_observation is not None and seen.asset_observation.metadata["value"].value == value
    for key in KEYS:
        records = instance.fetch_materializations(dg.AssetRecordsFilter(ASSET, asset_partitions=[key]), limit=9).records
        assert len(records) == 1


def test_a_pod_that_was_lost_after_its_last_commit_is_not_missed(
    lake: Lake, kube: FakeKube, acts: Path, instance: dg.DagsterInstance
) -> None:
    def act() -> None:
        for key in KEYS:
            (acts / key).touch()
        pod = at(kube, KEYS[3])
        wait_for(lambda: lake.manifest("t/chain", KEYS[3]))
        wait_for(lambda: "link_004" in _messages(lake, pod.name))
        kube.evict(pod.name)

    with meanwhile(act):
        assert run(lake, compute(lake, kube.kubeconfig), instance).success
    check(lake, instance)
    assert len(kube.created) == 1


def _messages(lake: Lake, name: str) -> str:
    return "".join(path.read_text() for path in (Path(lake.root) / ".jobs" / name / "messages").glob("*.json"))


@pytest.mark.parametrize("ended", [True, False])
def test_a_build_after_the_watchers_death_takes_the_longer_range_over(
    lake: Lake, kube: FakeKube, acts: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    class DiedError(Exception):
        """Stands for a watcher that is gone."""

    watch = attempts.Attempts._watch

    def die(self: attempts.Attempts, launched: Any) -> Any:
        for key in KEYS[:2]:
            (acts / key).touch()
        at(kube, KEYS[2])
        raise DiedError

    monkeypatch.setattr(attempts.Attempts, "_watch", die)
    assert not run(lake, compute(lake, kube.kubeconfig), instance, raise_on_error=False).success
    monkeypatch.setattr(attempts.Attempts, "_watch", watch)
    [pod] = kube.pods.values()

    def act() -> None:
        if not ended:
            wait_for(lambda: len(kube.asked) > 20)
        for key in [*KEYS[2:], "finish"]:
            (acts / key).touch()

    kube.asked.clear()
    if ended:
        act()
        wait_for(lambda: pod.is_over)
    with meanwhile(lambda: None if ended else act()):
        assert run(lake, compute(lake, kube.kubeconfig), instance, first=KEYS[2]).success
    assert len(kube.created) == 1
    check(lake, instance)


@pytest.mark.parametrize("disturbed", [True, False])
def test_a_job_of_one_pod(
    lake: Lake, kube: FakeKube, acts: Path, instance: dg.DagsterInstance, disturbed: bool
) -> None:
    """Kubernetes itself replaces the pod; the one that follows goes on in the same folder."""

    def act() -> None:
        for key in KEYS[:2]:
            (acts / key).touch()
        mark = f"at {KEYS[2]}".encode()
        pod = wait_for(lambda: next((p for p in list(kube.pods.values()) if mark in p.log), None))
        if disturbed:
            kube.evict(pod.name)
        for key in [*KEYS[2:], "finish"]:
            (acts / key).touch()

    with meanwhile(act):
        assert run(lake, compute(lake, kube.kubeconfig, profiles(as_job=True)), instance).success
    check(lake, instance)
    assert len(kube.created) == (2 if disturbed else 1) and not kube.jobs and not kube.pods
    assert len((acts / "starts").read_text().splitlines()) == (2 if disturbed else 1)
    assert threading.active_count() < 50


def test_a_job_of_two_nodes(
    lake: Lake, kube: FakeKube, acts: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node 1 waits for a training that never asks for it, and goes when node 0 is done; one that is lost ends both."""
    from neo_assets.compute.kubernetes import body

    monkeypatch.setattr(body, "MODULES_OF_SEVERAL_NODES", {"neo_assets_tests.compute.pod_range_job"})

    def act() -> None:
        (acts / KEYS[0]).touch()
        at_second, joins = f"at {KEYS[1]}".encode(), b"node 1 of 2 joins 127.0.0.1"

        def pod(attempt: str, mark: bytes) -> FakePod | None:
            return next((p for p in list(kube.pods.values()) if f"-{attempt}-" in p.name and mark in p.log), None)

        wait_for(lambda: pod("1-0", at_second))
        kube.evict(wait_for(lambda: pod("1-1", joins)).name)
        wait_for(lambda: pod("2-0", at_second))
        for key in [*KEYS[1:], "finish"]:
            (acts / key).touch()

    with meanwhile(act):
        assert run(lake, compute(lake, kube.kubeconfig, profiles(nodes=2)), instance).success
    check(lake, instance)
    assert [body["metadata"]["labels"]["neo-assets/name"][-2:] for body in kube.created] == ["-1", "-1", "-2", "-2"]
    assert (acts / "starts").read_text().splitlines() == [" ".join(KEYS), " ".join(KEYS[1:])]
    assert not kube.jobs and not kube.services
