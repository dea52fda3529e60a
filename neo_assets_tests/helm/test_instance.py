"""What Dagster makes of the chart's values: its instance, and the Kubernetes Job that it launches for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster import DagsterRun
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import RunLauncher
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job
from dagster_k8s.launcher import K8sRunLauncher
from kubernetes.client import ApiClient

from neo_assets_tests.helm.rendering import NAMESPACE, ROOT, Chart, Rendered

pytestmark = pytest.mark.needs("helm")

KUBERNETES = ("1.33", "1.37")
VALUES: dict[str, tuple[str, ...]] = {"values": (), "production": ("values-production.yaml",)}


@pytest.fixture(params=VALUES)
def rendered(chart: Chart, request: pytest.FixtureRequest) -> Rendered:
    return chart.render(*VALUES[request.param])


def _instance(rendered: Rendered, folder: Path) -> dict[str, Any]:
    """The instance's settings, written to a folder as its dagster.yaml."""
    text = rendered.named("ConfigMap", "neo-dagster-instance")["data"]["dagster.yaml"]
    settings: dict[str, Any] = yaml.safe_load(text)
    # Outside a cluster the launcher reads a kubeconfig, without using it.
    settings["run_launcher"]["config"] |= {
        "load_incluster_config": False,
        "kubeconfig_file": str(folder / "kubeconfig"),
    }
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    (folder / "kubeconfig").write_text(
        yaml.safe_dump(
            {"clusters": [cluster], "contexts": [context], "current-context": "x", "users": [{"name": "u", "user": {}}]}
        )
    )
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    return settings


@pytest.fixture
def job(rendered: Rendered, tmp_path: Path) -> dict[str, Any]:
    """The Job of a run, as dagster-k8s makes it from the launcher's settings."""
    _instance(rendered, tmp_path)
    launcher = InstanceRef.from_dir(str(tmp_path)).run_launcher_data.rehydrate(as_type=RunLauncher)
    assert isinstance(launcher, K8sRunLauncher)
    context = K8sContainerContext.create_for_run(DagsterRun(job_name="j"), launcher, include_run_tags=True)
    made = construct_dagster_k8s_job(
        context.get_k8s_job_config("neo-assets:0.1.0", launcher),
        ["dagster", "api", "execute_run", "{}"],
        "dagster-run-1",
        user_defined_k8s_config=context.run_k8s_config,
        pod_name="dagster-run-1",
        component="run_worker",
    )
    given: dict[str, Any] = ApiClient().sanitize_for_serialization(made)
    return {"apiVersion": "batch/v1", "kind": "Job", **given}


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_the_job_of_a_run(job: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(job, version, strict=True)


def test_a_run_has_its_account_and_settings(job: dict[str, Any]) -> None:
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == "neo-run"
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert {"configMapRef": {"name": "neo-environment"}} in container["envFrom"]
    assert {"secretRef": {"name": "neo-object-store", "optional": True}} in container["envFrom"]
    assert {"name": "NEO_WORKERS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}} in container["env"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
    assert set(container["resources"]) == {"requests", "limits"}


def test_a_run_is_not_evicted_to_save_a_node_and_is_one_of_ours(job: dict[str, Any]) -> None:
    metadata = job["spec"]["template"]["metadata"]
    assert metadata["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert metadata["labels"]["app.kubernetes.io/part-of"] == "neo-assets"
    assert metadata["labels"]["app.kubernetes.io/component"] == "run_worker"
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_dagster_takes_the_instance_settings(
    rendered: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "x")
    settings = _instance(rendered, tmp_path)
    read, _ = dagster_instance_config(str(tmp_path))
    assert read["concurrency"] == settings["concurrency"]
    InstanceRef.from_dir(str(tmp_path))
    assert settings["storage"]["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert settings["run_launcher"]["config"]["job_namespace"] == NAMESPACE


def test_limits_are_those_of_the_repository(rendered: Rendered, tmp_path: Path) -> None:
    """All but the number of runs at a time, which SQLite bounds on a laptop."""
    ours = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    theirs = _instance(rendered, tmp_path)
    assert theirs["concurrency"]["pools"] == ours["concurrency"]["pools"]
    limits = ours["concurrency"]["runs"]["tag_concurrency_limits"]
    assert theirs["concurrency"]["runs"]["tag_concurrency_limits"] == limits
    assert theirs["concurrency"]["runs"]["max_concurrent_runs"] > ours["concurrency"]["runs"]["max_concurrent_runs"]
    same = "free_slots_after_run_end_seconds"
    assert theirs["run_monitoring"][same] == ours["run_monitoring"][same]


def test_logs_of_steps_are_kept_where_the_ui_reads_them(rendered: Rendered, tmp_path: Path) -> None:
    settings = _instance(rendered, tmp_path)
    data = InstanceRef.from_dir(str(tmp_path)).compute_logs_data
    if data.class_name == "S3ComputeLogManager":
        pytest.importorskip("dagster_aws", reason="dagster-aws is not installed")
        assert settings["compute_logs"]["config"]["prefix"].rpartition("/")[2].startswith(".")
    else:
        config = yaml.safe_load(data.config_yaml)
        assert Path(config["base_dir"]).parent == Path("/lake")
        assert Path(config["base_dir"]).name.startswith(".")
        (tmp_path / "logs").mkdir()
        manager = data.rehydrate(as_type=ComputeLogManager)
        assert type(manager).__name__ == "LocalComputeLogManager"
