"""The profiles file, and the pods and Jobs that come of it: valid by the schemas of two recent versions."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import ApiClient

from neo_assets.compute.kubernetes.body import Identity, PodMaker, check, label
from neo_assets.compute.kubernetes.indexed import job_body, service_body
from neo_assets.compute.kubernetes.profiles import PodProfiles, ProfilesError

FILE = Path(__file__).parent / "profiles.yaml"
VERSIONS = ("1.31", "1.33", "1.37")
IDENTITY = Identity(
    "s3://bucket/lake", "training/checkpoint", ("ckpt_001", "ckpt_002"), "neo_assets.jobs.train", "f" * 64
)


def raw() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def plain(body: Any, kind: str, version: str = "v1") -> dict[str, Any]:
    found: dict[str, Any] = ApiClient().sanitize_for_serialization(body)
    return {"apiVersion": version, "kind": kind, **found}


def changed(**gpu: Any) -> PodProfiles:
    given = raw()
    given["profiles"]["gpu"] |= gpu
    return PodProfiles.model_validate(given)


def test_the_pods_of_the_example_are_valid() -> None:
    pods = PodProfiles.load(FILE)
    check(pods)
    for name in pods.profiles:
        body = plain(PodMaker(pods, name).pod(IDENTITY, f"{IDENTITY.base}-1", "run"), "Pod")
        for version in VERSIONS:
            kubernetes_validate.validate(body, version, strict=True)


def test_a_pod_has_what_its_profile_says() -> None:
    body = plain(PodMaker(PodProfiles.load(FILE), "gpu").pod(IDENTITY, "neo-x-1", "run"), "Pod")
    spec, [main] = body["spec"], body["spec"]["containers"]
    assert main["command"] == ["python", "-m", "neo_assets.jobs.pod", "neo_assets.jobs.train"]
    assert main["image"] == "neo-assets:test" and main["imagePullPolicy"] == "Never"
    assert main["resources"]["limits"] == {"memory": "16Gi", "nvidia.com/gpu": "2"}
    assert main["resources"]["requests"] == {"cpu": "4", "memory": "16Gi"}
    assert [mount["mountPath"] for mount in main["volumeMounts"]] == ["/neo", "/dev/shm"]  # noqa: S108
    assert [volume["name"] for volume in spec["volumes"]] == ["lake", "shm"]
    assert spec["nodeSelector"] == {"node.kubernetes.io/instance-type": "gpu"} and len(spec["tolerations"]) == 1
    assert spec["restartPolicy"] == "Never" and spec["terminationGracePeriodSeconds"] == 60
    values = {variable["name"]: variable["value"] for variable in main["env"]}
    assert values["OMP_NUM_THREADS"] == "1" and values["NEO_LAKE"] == "s3://bucket/lake"
    assert body["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert body["metadata"]["labels"]["neo-assets/asset"] == "training.checkpoint"
    assert body["metadata"]["labels"]["neo-assets/partition"] == "ckpt_001...ckpt_002"
    # What one pod was given is not what the next one gets.
    again = plain(PodMaker(PodProfiles.load(FILE), "gpu").pod(IDENTITY, "neo-x-1", "run"), "Pod")
    assert again == body


@pytest.mark.parametrize("nodes", [1, 4])
def test_the_jobs_are_valid(nodes: int) -> None:
    maker, name = PodMaker(changed(nodes=nodes, as_job=nodes == 1), "gpu"), f"{IDENTITY.base}-12"
    job = plain(job_body(maker, IDENTITY, name, "run"), "Job", "batch/v1")
    service = plain(service_body(maker, IDENTITY, name, "run", "uid"), "Service")
    for version in VERSIONS:
        kubernetes_validate.validate(job, version, strict=True)
        kubernetes_validate.validate(service, version, strict=True)
    spec = job["spec"]
    assert spec["completions"] == spec["parallelism"] == nodes
    template = spec["template"]
    variables = {v["name"]: v.get("value") for v in template["spec"]["containers"][0]["env"]}
    if nodes == 1:
        assert spec["completionMode"] == "NonIndexed" and spec["backoffLimit"] == 5
        assert spec["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
        assert variables["NEO_NODES"] == "1" and "NEO_RENDEZVOUS" not in variables
    else:
        assert spec["completionMode"] == "Indexed" and spec["backoffLimit"] == 0
        assert variables["NEO_NODES"] == "4" and variables["NEO_RENDEZVOUS"] == f"{name}-0.{name}.neo.svc:29500"
        assert "NEO_NODE_RANK" in variables and template["spec"]["subdomain"] == name == service["metadata"]["name"]
        assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"] is True
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    # The name of a pod's host: what Kubernetes makes of the Job's name and an index.
    assert len(f"{name}-1000") <= 63


def test_jobs_that_know_one_machine_get_one() -> None:
    maker = PodMaker(changed(nodes=4), "gpu")
    assert maker.nodes("neo_assets.jobs.train") == 4 and maker.nodes("neo_assets.jobs.evaluate") == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("imag", "x", "imag: Extra inputs"),
        ("image", "", "image: "),
        ("namespace", "No_Name", "namespace: "),
        ("image_pull_policy", "Sometimes", "image_pull_policy: "),
        ("profiles.gpu.gpus_per_node", "2", "profiles.gpu.gpus_per_node: expected a number"),
        ("profiles.gpu.nodes", 0, "profiles.gpu.nodes: "),
        ("profiles.gpu.relaunch", 1, "profiles.gpu.relaunch: Extra inputs"),
        ("profiles.tpu", {}, "profiles.tpu"),
        ("profiles.cpu", None, "profiles.cpu: "),
        ("environment.NEO_LAKE", "/x", "environment: Value error, NEO_LAKE is set by the job"),
        ("environment.A-B", "/x", "'A-B' is no name of an environment variable"),
        ("environment.A", 1, "environment.A: "),
        ("profiles.cpu.pod.containers", [], "expected a list of containers"),
        ("profiles.cpu.pod.containers", [{"command": ["x"]}], "containers[0].command is set by the job"),
        ("profiles.cpu.pod.containers", [{"env": [{"name": "NEO_JOB", "value": "x"}]}], "NEO_JOB is set by the job"),
        ("profiles.cpu.pod.restartPolicy", "Always", "restartPolicy must be Never"),
        (
            "profiles.gpu.pod.containers",
            [{"resources": {"limits": {"nvidia.com/gpu": 8}}}],
            "asks for 8 nvidia.com/gpu, gpus_per_node for 2",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_key(tmp_path: Path, path: str, value: Any, message: str) -> None:
    given = raw()
    place, (*parents, last) = given, path.split(".")
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    file = tmp_path / "profiles.yaml"
    file.write_text(yaml.safe_dump(given))
    with pytest.raises(ProfilesError) as error:
        PodProfiles.load(file)
    assert str(error.value).startswith(f"{file}: ") and message in str(error.value)


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        ({"nodeSelektor": {"a": "b"}}, "nodeSelektor"),
        ({"containers": [{"resources": {"limit": {}}}]}, "limit"),
        ({"volumes": ["lake"]}, "volumes[1]"),  # after the lake
    ],
)
def test_a_key_that_kubernetes_does_not_know_is_refused(pod: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfilesError, match=r"^profiles\.gpu\.pod: ") as error:
        check(changed(pod=pod))
    assert message in str(error.value)


def test_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO_POD_PROFILES", raising=False)
    with pytest.raises(ProfilesError, match="NEO_COMPUTE=kubernetes needs NEO_POD_PROFILES"):
        PodProfiles.from_environment()
    monkeypatch.setenv("NEO_POD_PROFILES", str(tmp_path / "none.yaml"))
    with pytest.raises(ProfilesError, match="cannot be read"):
        PodProfiles.from_environment()
    (tmp_path / "none.yaml").write_text("a: [")
    with pytest.raises(ProfilesError, match="cannot be read"):
        PodProfiles.from_environment()
    monkeypatch.setenv("NEO_POD_PROFILES", str(FILE))
    assert PodProfiles.from_environment().namespace == "neo"


def test_the_name_says_what_is_made_and_not_who_asks() -> None:
    order = {
        "lake": "/lake",
        "asset": "training/checkpoint",
        "partition": None,
        "partitions": ["ckpt_001", "ckpt_002"],
        "inputs": {"chunk": {"asset": "a/b", "manifests": [{"asset": "a/b", "partition": "x", "digest": "1"}]}},
        "provenance": {"code_version": "c", "recipe": {"training": 1}, "inputs": {}},
        "settings": {"tracking": "/here"},
    }
    module = "neo_assets.jobs.train"
    name = Identity.of(module, order).base
    assert name.startswith("neo-training-checkpoint-") and len(name) <= 45
    other = copy.deepcopy(order)
    other["settings"] = {"tracking": "/there"}
    assert Identity.of(module, other).base == name
    for change in (
        {"lake": "/other"},
        {"asset": "training/other"},
        {"partitions": ["ckpt_001"]},
        {"provenance": {**order["provenance"], "code_version": "d"}},  # type: ignore[dict-item]
        {"provenance": {**order["provenance"], "recipe": {"training": 2}}},  # type: ignore[dict-item]
        {"inputs": {"chunk": {"asset": "a/b", "manifests": [{"asset": "a/b", "partition": "x", "digest": "2"}]}}},
    ):
        assert Identity.of(module, order | change).base != name
    assert Identity.of("neo_assets.jobs.export", order).base != name


@given(st.text(max_size=200))
def test_labels_are_labels(text: str) -> None:
    import re

    assert re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", label(text)) and len(label(text)) <= 63
