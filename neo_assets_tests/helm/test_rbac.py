"""Each account may do what the code under it calls, and nothing else."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dagster_k8s.client import DagsterKubernetesClient
from dagster_k8s.launcher import K8sRunLauncher

import neo_assets.compute
from neo_assets_tests.helm.rendering import Chart, Rendered

pytestmark = pytest.mark.needs("helm")

CALL = re.compile(r"\b(create|read|list|delete|patch|replace|delete_collection)_namespaced_(\w+?)(?:_with_retries)?\(")
OBJECTS = {
    "pod": "pods",
    "pod_log": "pods/log",
    "job": "batch/jobs",
    "job_status": "batch/jobs/status",
    "event": "events",
    "service": "services",
}
VERBS = {"read": "get", "replace": "update", "delete_collection": "deletecollection"}
Rights = Mapping[str, set[str]]


def _called(source: str) -> Rights:
    """The rights that calls of the Kubernetes client in this source need."""
    rights: dict[str, set[str]] = defaultdict(set)
    for verb, thing in CALL.findall(source):
        rights[OBJECTS[thing]].add(VERBS.get(verb, verb))
    return rights


def _granted(role: dict[str, Any]) -> Rights:
    rights: dict[str, set[str]] = defaultdict(set)
    for rule in role["rules"]:
        assert not {"resourceNames", "nonResourceURLs"} & set(rule)
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rights[f"{group}/{resource}" if group else resource] |= set(rule["verbs"])
    return rights


@pytest.fixture(scope="module")
def rendered(chart: Chart) -> Rendered:
    return chart.render(engine__name="spark")


def test_a_run_may_do_what_our_compute_calls(rendered: Rendered) -> None:
    folder = Path(neo_assets.compute.__path__[0]) / "kubernetes"
    needed = _called("\n".join(file.read_text() for file in sorted(folder.rglob("*.py"))))
    assert needed["pods"] >= {"create", "list", "delete"}
    assert _granted(rendered.named("Role", "neo-run")) == needed


def test_the_launcher_may_do_what_dagster_k8s_calls(rendered: Rendered) -> None:
    """The client's methods that the run launcher reaches, by name, through each other."""
    methods = {
        name: inspect.getsource(method)
        for name, method in inspect.getmembers(DagsterKubernetesClient, inspect.isfunction)
    }
    reached: set[str] = set()
    waiting = re.findall(r"_api_client\.(\w+)\(", inspect.getsource(K8sRunLauncher))
    while waiting:
        name = waiting.pop()
        if name in methods and name not in reached:
            reached.add(name)
            waiting += re.findall(r"self\.(\w+)\(", methods[name])
    assert {"delete_job", "get_job_status", "get_pod_debug_info"} <= reached
    needed = _called("\n".join(methods[name] for name in reached))
    assert _granted(rendered.named("Role", "neo-launcher")) == needed


def test_spark_needs_pods_only(rendered: Rendered) -> None:
    assert set(_granted(rendered.named("Role", "neo-spark"))) == {"pods"}


def test_without_spark_a_run_has_no_rights_for_it(chart: Chart) -> None:
    assert not {("Role", "neo-spark"), ("RoleBinding", "neo-spark")} & chart.render().kinds()


def test_no_right_is_given_wholesale(rendered: Rendered) -> None:
    roles = [document for document in rendered.documents if document["kind"] == "Role"]
    assert not any("*" in part for role in roles for rule in role["rules"] for part in rule.values())
    assert not any(kind.startswith("Cluster") for kind, _ in rendered.kinds())
    assert not any("secrets" in rule["resources"] for role in roles for rule in role["rules"])


def test_servers_code_jobs_and_executors_are_accounts_apart(rendered: Rendered) -> None:
    bindings = [document for document in rendered.documents if document["kind"] == "RoleBinding"]
    bound = {binding["roleRef"]["name"]: binding["subjects"][0]["name"] for binding in bindings}
    assert bound == {"neo-launcher": "neo-launcher", "neo-run": "neo-run", "neo-spark": "neo-run"}
    accounts = {d["metadata"]["name"]: d for d in rendered.documents if d["kind"] == "ServiceAccount"}
    assert set(accounts) == {"neo-launcher", "neo-code", "neo-run", "neo-job", "neo-executor"}
    tokens = {name for name, account in accounts.items() if account["automountServiceAccountToken"]}
    assert tokens == {"neo-launcher", "neo-run"}
