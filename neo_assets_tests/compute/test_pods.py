"""Jobs in pods of a stand-in cluster: the same as on a laptop, and what only clusters do."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neo_assets.compute.local import LocalCompute
from neo_assets.engine.progress import listening
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import load_recipe
from neo_assets_tests.compute.fake_kube import ROOT, FakeKube, meanwhile, running, starts, wait_for
from neo_assets_tests.compute.run_pod import MODULE, compute, materialize, profiles

pytestmark = pytest.mark.slow

JOB = "neo_assets_tests.compute.job"
MEASURED = {"wall seconds", "CPU seconds", "peak memory (MB)", "scratch"}


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    return str(data.description if data is not None else event.step_failure_data.error)


def materialization(result: dg.ExecuteInProcessResult) -> Any:
    [event] = [event for event in result.all_events if event.is_step_materialization]
    return event.step_materialization_data.materialization


def test_a_pod_gives_what_a_process_gives(
    given: Lake, kube: FakeKube, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kube.environment["ACT"] = "write"
    local = LocalCompute(given, load_recipe("mini"), {"PYTHONPATH": str(ROOT), "ACT": "write"})
    seen, told, printed = [], [], []
    for by in (local, compute(given, kube.kubeconfig)):
        progress: list[tuple[str, int, int]] = []
        capfd.readouterr()
        with listening(lambda *args, into=progress: into.append(args)):
            seen.append(materialization(materialize(given, by, module=JOB)))
        told.append([args for args in progress if "number" in args[0]])
        printed.append([line for line in capfd.readouterr().out.splitlines() if not line.startswith("20")])
    here, there = ({k: v for k, v in shown.metadata.items() if k not in MEASURED} for shown in seen)
    assert {k: v for k, v in here.items() if "seconds" not in k and "memory" not in k} == {
        k: v for k, v in there.items() if "seconds" not in k and "memory" not in k
    }
    assert seen[0].tags["dagster/data_version"] == seen[1].tags["dagster/data_version"]
    assert told[0] == told[1] and len(told[0]) == 3
    assert printed[0] == printed[1] and "written" in printed[1]
    # One pod, labelled, removed at the end; what it needs to know came by the lake.
    [body] = kube.created
    labels, notes = body["metadata"]["labels"], body["metadata"]["annotations"]
    assert re.fullmatch("neo-t-made-[0-9a-f]{12}-1", body["metadata"]["name"])
    assert labels["neo-assets/asset"] == "t.made" and labels["neo-assets/partition"] == "monday"
    assert labels["neo-assets/module"] == "job" and re.fullmatch("[0-9a-f-]{36}", labels["neo-assets/run-id"])
    assert notes["neo-assets/asset"] == "t/made" and notes["neo-assets/partitions"] == '["monday"]'
    variables = {variable["name"] for variable in body["spec"]["containers"][0]["env"]}
    assert variables == {"NEO_LAKE", "NEO_JOB", "PYTHONUNBUFFERED"}
    assert kube.deleted == [body["metadata"]["name"]] and not kube.pods


@pytest.mark.parametrize(
    ("act", "first", "log"),
    [
        ("exit before opening", r"ended with status 3 \(neo-t-made-[0-9a-f]+-1\): line 39", "line 12\n"),
        ("die mute", r"ended with status 7 \(\S+\): it said nothing", ""),
        ("kill itself", r"was killed by signal SIGKILL \(\S+\): so far so good", "so far so good"),
        ("raise", r"ended with status 1 \(\S+\): second line", "ValueError: no such | page\nsecond line"),
        ("say nothing", "ended without reporting its result", ""),
    ],
)
def test_a_bad_end_is_told_as_on_a_laptop(given: Lake, kube: FakeKube, act: str, first: str, log: str) -> None:
    kube.environment["ACT"] = act
    with pytest.raises(dg.Failure) as caught:
        materialize(given, compute(given, kube.kubeconfig), module=JOB)
    text = caught.value.description or ""
    assert re.match(f"{re.escape(JOB)} {first}", text), text
    assert log in text and "line 9\n" not in text
    assert len(kube.created) == 1 and not kube.pods


def test_an_evicted_pod_is_replaced_and_the_next_one_goes_on(
    given: Lake, kube: FakeKube, acts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def evict() -> None:
        kube.evict(running(kube).name)
        kube.delete_pod(running(kube, None, number=2).name)
        running(kube, None, number=3)
        (acts / "finish").touch()

    with meanwhile(evict):
        assert materialize(given, compute(given, kube.kubeconfig)).success
    assert [body["metadata"]["name"][-2:] for body in kube.created] == ["-1", "-2", "-3"]
    first, second, third = starts(acts)
    assert first == 0 and second >= 3 and third > second
    assert not kube.pods and given.manifest("t/made", "monday") is not None


def test_too_many_evictions_are_a_failure(given: Lake, kube: FakeKube) -> None:
    def evict() -> None:
        for number in (1, 2):
            kube.evict(running(kube, None, number).name)

    with meanwhile(evict):
        result = materialize(
            given, compute(given, kube.kubeconfig, profiles(relaunches=1)), raise_on_error=False
        )  # fmt: skip
    assert "was evicted: The node was low on resource: memory. (neo-t-made-" in failure(result)
    assert "the last of 2 pods): step" in failure(result)
    assert len(kube.created) == 2


@pytest.mark.parametrize("whole_group", [True, False])
def test_a_job_without_memory_says_so_and_a_retry_goes_on(
    given: Lake, kube: FakeKube, acts: Path, whole_group: bool
) -> None:
    by = compute(given, kube.kubeconfig)
    with meanwhile(lambda: kube.kill_for_memory(running(kube).name, whole_group)):
        text = failure(materialize(given, by, raise_on_error=False))
    assert f"{MODULE} was killed for want of memory: it may use 2Gi" in text
    assert "step 3 é" in text and len(kube.created) == 1 and not kube.pods
    (acts / "finish").touch()
    assert materialize(given, by).success
    assert [body["metadata"]["name"][-2:] for body in kube.created] == ["-1", "-2"]
    assert starts(acts)[1] >= 3


def test_why_a_pod_waits_is_told_at_once(given: Lake, kube: FakeKube, acts: Path) -> None:
    why = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    kube.held = {"phase": "Pending", "conditions": [condition]}
    (acts / "finish").touch()
    told: list[str] = []
    seen = threading.Event()

    def listen(what: str, done: int, total: int) -> None:
        told.append(what)
        if why in what:
            seen.set()

    def release() -> None:
        assert seen.wait(200)
        kube.release()

    with meanwhile(release), listening(listen):
        assert materialize(given, compute(given, kube.kubeconfig)).success
    assert sum(why in what for what in told) == 1

    kube.held = {"phase": "Pending", "conditions": [condition]}
    impatient = compute(given, kube.kubeconfig, profiles(pending_timeout_seconds=0.5))
    result = materialize(given, impatient, raise_on_error=False)
    assert f"had not started after 0 s: {why}" in failure(result) and not kube.pods


def test_an_image_that_is_not_there_fails_at_once(given: Lake, kube: FakeKube) -> None:
    waiting = {"reason": "ErrImageNeverPull", "message": 'Container image "x" is not present'}
    container = {"name": "job", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    kube.held = {"phase": "Pending", "containerStatuses": [{**container, "state": {"waiting": waiting}}]}
    result = materialize(given, compute(given, kube.kubeconfig), raise_on_error=False)
    assert 'cannot start: ErrImageNeverPull: Container image "x" is not present' in failure(result)
    assert not kube.pods


def test_what_only_events_tell_is_told_too(given: Lake, kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    kube.held = {"phase": "Pending"}
    original = kube.create_pod

    def create(body: dict[str, Any]) -> dict[str, Any]:
        about = {"involvedObject": {"name": body["metadata"]["name"]}, "metadata": {"name": "e"}}
        kube.events.append({**about, "type": "Warning", "message": 'MountVolume failed: "neo-lake" not found'})
        return original(body)

    monkeypatch.setattr(kube, "create_pod", create)
    impatient = compute(given, kube.kubeconfig, profiles(pending_timeout_seconds=0.5))
    result = materialize(given, impatient, raise_on_error=False)
    assert 'had not started after 0 s: MountVolume failed: "neo-lake" not found' in failure(result)


@pytest.mark.parametrize("trouble", ["cut", "rotated", "forbidden", "broken"])
def test_no_line_is_lost_or_doubled_whatever_becomes_of_the_stream(
    given: Lake, kube: FakeKube, acts: Path, trouble: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if trouble == "rotated":
        kube.log_bytes = 100
    if trouble == "forbidden":
        kube.denied["GET pods/log"] = 403
    kube.streams_break = trouble == "broken"

    def act() -> None:
        running(kube, 10)
        if trouble in {"cut", "rotated"}:
            kube.cut_streams()
        running(kube, 20)
        (acts / "finish").touch()

    with meanwhile(act):
        assert materialize(given, compute(given, kube.kubeconfig)).success
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith(("step", "last", "::"))]
    assert lines == [f"step {number} é" for number in range(1, len(lines))] + ["last"] and len(lines) > 20


def test_an_api_that_is_away_for_a_while_changes_nothing(given: Lake, kube: FakeKube, acts: Path) -> None:
    kube.failures = [500, 503]

    def act() -> None:
        running(kube)
        kube.failures += [500, 502, 503, 429, 504]
        wait_for(lambda: not kube.failures)
        (acts / "finish").touch()

    with meanwhile(act):
        assert materialize(given, compute(given, kube.kubeconfig)).success
    assert len(kube.created) == 1


def test_an_api_that_stays_away_leaves_the_pod_to_the_next_run(given: Lake, kube: FakeKube, acts: Path) -> None:
    def act() -> None:
        running(kube)
        kube.failures += [503] * 1000

    with meanwhile(act):
        result = materialize(given, compute(given, kube.kubeconfig, patience_seconds=1.0), raise_on_error=False)
    assert "Kubernetes did not list pods in neo for 1 s: etcd is away; pods go on without us" in failure(result)
    kube.failures.clear()
    (acts / "finish").touch()
    assert materialize(given, compute(given, kube.kubeconfig)).success
    assert len(kube.created) == 1 and starts(acts) == [0]


def test_what_kubernetes_refuses_is_told_in_a_line(given: Lake, kube: FakeKube) -> None:
    kube.denied["POST pods"] = 403
    result = materialize(given, compute(given, kube.kubeconfig), raise_on_error=False)
    assert failure(result).startswith("Kubernetes refused to create pod neo-t-made-")
    assert failure(result).endswith("in neo: pods is forbidden: cannot post it")


def test_a_pod_that_cannot_see_the_lake_shows_its_own_words(given: Lake, kube: FakeKube, tmp_path: Path) -> None:
    pods = profiles()
    wrong = pods.model_copy(update={"python": ("python", "-c", "print('no such disk'); raise SystemExit(64)")})
    result = materialize(given, compute(given, kube.kubeconfig, wrong), raise_on_error=False)
    assert "ended with status 64" in failure(result) and "no such disk" in failure(result)
