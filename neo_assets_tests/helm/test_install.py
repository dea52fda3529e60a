"""The chart on a real cluster: installed, upgraded with a changed value, rolled back, uninstalled without its data.

What is installed of the dagster chart is its stand-in: its servers' image is not there, so they do not run. What our
own templates make is real: the API is asked for rights, and whether it would take a pod of every profile.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from neo_assets.compute.kubernetes.profiles import PodProfiles
from neo_assets_tests.helm.rendering import RELEASE, Chart, run_helm

pytestmark = [pytest.mark.needs("helm"), pytest.mark.needs("cluster"), pytest.mark.slow]

# No driver makes volumes on a test's cluster.
SMALL = {"lake.volume.size": "1Mi", "lake.volume.storageClass": "by-hand"}


@dataclass(frozen=True)
class Release:
    """The chart as one release in a namespace of its own."""

    chart: Chart
    kubeconfig: str
    namespace: str

    def helm(self, *arguments: str) -> str:
        return run_helm(*arguments, "--namespace", self.namespace, kubeconfig=self.kubeconfig)

    def put(self, verb: str, **given: Any) -> None:
        """Install or upgrade with values; keys have `__` for a dot."""
        values = SMALL | {"priorityClass.name": self.namespace} | {k.replace("__", "."): v for k, v in given.items()}
        self.helm(verb, RELEASE, str(self.chart.folder), *self.chart.arguments(given=values))

    def kubectl(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *arguments]
        result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
        assert result.returncode == code, f"{arguments}: {result.stdout}{result.stderr}"
        return result.stdout

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output", "json"))
        return found

    def names(self, kind: str) -> set[str]:
        return set(self.kubectl("get", kind, "--output", "name").replace(f"{kind}/", "").split())

    def profiles(self, folder: Path) -> PodProfiles:
        file = folder / "profiles.yaml"
        file.write_text(self.get("configmap", "neo-settings")["data"]["profiles.yaml"])
        return PodProfiles.load(file)

    def may(self, account: str, verb: str, resource: str) -> bool:
        """Whether Kubernetes lets the account do that here."""
        who = f"system:serviceaccount:{self.namespace}:{account}"
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "auth", "can-i", verb, *resource.split(" "), "--as", who]
        command += ["--namespace", self.namespace]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
        assert answer in {"yes", "no"}, answer
        return answer == "yes"


@pytest.fixture
def release(chart: Chart) -> Iterator[Release]:
    kubeconfig = os.environ["NEO_TEST_KUBECONFIG"]
    release = Release(chart, kubeconfig, f"neo-chart-{uuid.uuid4().hex[:8]}")
    release.kubectl("create", "namespace", release.namespace)
    try:
        yield release
    finally:
        release.kubectl("delete", "namespace", release.namespace, "--wait=false")
        release.kubectl("delete", "priorityclass", release.namespace, "--ignore-not-found")


def test_a_release_from_install_to_uninstall(release: Release, tmp_path: Path) -> None:
    release.put("install")
    password = release.get("secret", "neo-postgresql")["data"]["postgresql-password"]
    claim = release.get("pvc", "neo-lake")["metadata"]["uid"]
    assert release.profiles(tmp_path).profiles["gpu"].gpus_per_node == 0
    assert release.names("serviceaccount") >= {"neo-launcher", "neo-code", "neo-run", "neo-job", "neo-executor"}

    release.put("upgrade", compute__profiles__gpu__gpusPerNode=2, environment={"TEAM": "data"})
    upgraded = release.profiles(tmp_path)
    assert upgraded.profiles["gpu"].gpus_per_node == 2
    assert upgraded.environment == {"TEAM": "data"}
    assert release.get("configmap", "neo-environment")["data"]["TEAM"] == "data"

    release.helm("rollback", RELEASE, "1")
    assert release.profiles(tmp_path).profiles["gpu"].gpus_per_node == 0
    assert "TEAM" not in release.get("configmap", "neo-environment")["data"]
    history = json.loads(release.helm("history", RELEASE, "--output", "json"))
    assert [one["status"] for one in history] == ["superseded", "superseded", "deployed"]
    assert release.get("secret", "neo-postgresql")["data"]["postgresql-password"] == password

    release.helm("uninstall", RELEASE, "--wait")
    assert release.get("pvc", "neo-lake")["metadata"]["uid"] == claim
    assert release.get("secret", "neo-postgresql")["data"]["postgresql-password"] == password
    assert not {"neo-run", "neo-job"} & release.names("serviceaccount")
    assert not any(name.startswith("neo-") for name in release.names("configmap"))

    release.put("install")
    assert release.get("pvc", "neo-lake")["metadata"]["uid"] == claim
    assert release.get("secret", "neo-postgresql")["data"]["postgresql-password"] == password


RIGHTS = {
    "neo-run": {"create pods", "list pods", "get pods/log", "delete pods"}
    | {"create jobs.batch", "delete jobs.batch", "create services"},
    "neo-launcher": {
        "get pods/log",
        "create jobs.batch",
        "delete jobs.batch",
        "list pods",
        "delete pods",
        "get jobs.batch/status",
    },
    "neo-job": set(),
    "neo-code": set(),
    "neo-executor": set(),
}
FORBIDDEN = {
    "get secrets",
    "create roles",
    "create pods/exec",
    "list nodes",
    "patch deployments.apps",
    "update configmaps",
}


def test_kubernetes_grants_what_the_roles_say(release: Release) -> None:
    release.put("install")
    asked = FORBIDDEN.union(*RIGHTS.values())
    for account, rights in RIGHTS.items():
        granted = {right for right in asked if release.may(account, *_right(right))}
        assert granted == rights, account


def _right(right: str) -> tuple[str, str]:
    verb, resource = right.split(" ")
    name, _, below = resource.partition("/")
    return verb, f"{name} --subresource={below}" if below else name


def test_the_api_takes_a_pod_of_every_profile_and_of_executors(release: Release, tmp_path: Path) -> None:
    """All but starting them: the server checks them against the policies and accounts of the namespace."""
    release.put("install", engine__name="spark", compute__profiles__gpu__priorityClassName=release.namespace)
    profiles = release.profiles(tmp_path)
    executor = yaml.safe_load(release.get("configmap", "neo-settings")["data"]["executor.yaml"])
    executor["metadata"]["name"] = "executor"
    executor["spec"] |= {"serviceAccountName": "neo-executor"}
    executor["spec"]["containers"][0]["image"] = profiles.image
    pods = [executor]
    for name, profile in profiles.profiles.items():
        (container,) = profile.pod["containers"]
        mounts = [*profiles.volume_mounts, *container.get("volumeMounts", [])]
        container = {"image": profiles.image, **container, "envFrom": list(profiles.env_from), "volumeMounts": mounts}
        spec = {
            **profile.pod,
            "serviceAccountName": profiles.service_account_name,
            "volumes": [*profiles.volumes, *profile.pod.get("volumes", [])],
            "containers": [container],
        }
        pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    for pod in pods:
        made = json.loads(
            release.kubectl("create", "--dry-run=server", "--output=json", "-f", "-", stdin=json.dumps(pod))
        )
        assert made["spec"]["serviceAccountName"] in {"neo-job", "neo-executor"}
        mounted = [
            mount["mountPath"] for container in made["spec"]["containers"] for mount in container["volumeMounts"]
        ]
        assert not any("serviceaccount" in path for path in mounted)


def test_a_wrong_value_changes_nothing(release: Release) -> None:
    release.put("install")
    with pytest.raises(AssertionError, match=re.escape("must be one version")):
        release.put("upgrade", image__tag="9.9.9")
    assert len(json.loads(release.helm("history", RELEASE, "--output", "json"))) == 1
