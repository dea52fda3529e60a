"""Pods that ended while nobody watched do not stay for ever, and what is in use stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from neo_assets.cli import main
from neo_assets.compute.kubernetes.cluster import Cluster
from neo_assets.compute.kubernetes.leftovers import Leftovers
from neo_assets.lake.lake import Lake
from neo_assets_tests.compute.fake_kube import FakeKube, FakePod, running, wait_for
from neo_assets_tests.compute.run_pod import compute, materialize, profiles
from neo_assets_tests.compute.test_survival import watcher

pytestmark = pytest.mark.slow


def left(given: Lake, kube: FakeKube, **kept: Any) -> Leftovers:
    cluster = Cluster.connect(str(kube.kubeconfig), "neo", 20.0, print)
    return Leftovers.of(cluster, given, True, **kept)


def ago(**how_long: float) -> str:
    return (datetime.now(UTC) - timedelta(**how_long)).strftime("%Y-%m-%dT%H:%M:%SZ")


def end(pod: FakePod, at: str) -> None:
    pod.status["containerStatuses"][0]["state"]["terminated"]["finishedAt"] = at


@pytest.fixture
def unwatched(given: Lake, kube: FakeKube, tmp_path: Path) -> FakePod:
    """A pod at work whose watcher was killed."""
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.kill()
        process.wait()
    return pod


@pytest.fixture
def ended(unwatched: FakePod, acts: Path) -> FakePod:
    """The same when it is done."""
    (acts / "finish").touch()
    wait_for(lambda: unwatched.is_over)
    (acts / "finish").unlink()
    return unwatched


def test_only_what_ended_long_ago_and_told_all_can_go(given: Lake, kube: FakeKube, ended: FakePod) -> None:
    folder = f".jobs/{ended.name}"
    end(ended, ago(hours=23))
    assert not list(left(given, kube)) and left(given, kube).in_use == {folder}
    assert list(left(given, kube, kept=timedelta(hours=22))) == [f"pod {ended.name}"]
    end(ended, ago(hours=25))
    result = given.store.read(f"{folder}/result.json")
    given.store.delete_folder(folder)  # `neo gc` had removed it
    assert list(left(given, kube)) == [f"pod {ended.name}"]
    given.store.replace(f"{folder}/order.json", b"{}")
    assert not list(left(given, kube)), "it was killed: only its pod can tell how"
    given.store.replace(f"{folder}/result.json", result)
    found = left(given, kube)
    assert list(found) == [f"pod {ended.name}"] and not found.in_use
    assert not list(left(Lake(f"{given.root}-other"), kube)), "another lake's pods are its own"
    found.remove()
    assert not kube.pods
    found.remove()  # gone already


def test_a_run_of_the_asset_removes_what_was_left_of_other_partitions(
    given: Lake, kube: FakeKube, acts: Path, ended: FakePod
) -> None:
    ended.body["metadata"]["annotations"]["neo-assets/partitions"] = '["tuesday"]'
    (acts / "finish").touch()
    for at, stays in ((ago(hours=1), [ended.name]), (ago(days=2), [])):
        end(ended, at)
        assert materialize(given, compute(given, kube.kubeconfig)).success
        assert list(kube.pods) == stays


def test_gc_removes_pods_and_leaves_what_is_in_use(
    given: Lake, kube: FakeKube, unwatched: FakePod, acts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "profiles.yaml"
    file.write_text(yaml.safe_dump(profiles().model_dump(mode="json")))
    for name, value in {
        "NEO_LAKE": given.root, "NEO_COMPUTE": "kubernetes", "NEO_POD_PROFILES": file, "NEO_KUBECONFIG": kube.kubeconfig
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))

    def gc(*arguments: str) -> list[str]:
        result = CliRunner().invoke(main, ["gc", "--older-than", "0", *arguments], catch_exceptions=False)
        return result.output.splitlines()

    folder = f".jobs/{unwatched.name}"
    told = gc("--delete")
    assert told[0] == "0 pods deleted" and folder not in told and given.store.exists(f"{folder}/order.json")
    (acts / "finish").touch()
    wait_for(lambda: unwatched.is_over)
    end(unwatched, ago(seconds=5))
    told = gc()
    assert told[:2] == [f"pod {unwatched.name}", "1 pods could be deleted (--delete)"] and folder in told
    assert kube.pods
    told = gc("--delete")
    assert told[1] == "1 pods deleted" and folder in told
    assert not kube.pods and not given.store.exists(f"{folder}/order.json")

    kube.denied["GET pods"] = 403
    assert gc()[-1].startswith("Error: Kubernetes refused to list pods in neo: pods is forbidden")
