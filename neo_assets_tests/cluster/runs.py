"""Runs of Dagster as pods: an instance on PostgreSQL whose launcher is `K8sRunLauncher`, and the runs started on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from neo_assets_tests.cluster.kube import RUN, until
from neo_assets_tests.cluster.lakes import InPods
from neo_assets_tests.cluster.settings import ROOT, pod_settings

HOME = "/opt/neo/dagster"
CONFIG, SECRET = "dagster-instance", "postgres"
LAUNCH = """
mutation Launch($p: ExecutionParams!) {
  launchPipelineExecution(executionParams: $p) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""


@dataclass(frozen=True)
class Runs:
    """An instance here that launches runs as pods, over a checkout whose jobs are pods too."""

    pods: InPods
    home: Path
    url: str

    @classmethod
    def make(cls, pods: InPods, url: str, **environment: str) -> Runs:
        """Write the instance's settings, here and for the pods. `environment`: more variables of the runs."""
        made = cls(pods, pods.checkout.folder / "dagster", url)
        space, storage = pods.space, {"postgres": {"postgres_url": {"env": "NEO_POSTGRES_URL"}}}
        plain = {"storage": storage, "telemetry": {"enabled": False}}
        space.core.create_namespaced_config_map(
            space.name, {"metadata": {"name": CONFIG}, "data": {"dagster.yaml": yaml.safe_dump(plain)}}
        )
        space.core.create_namespaced_secret(
            space.name, {"metadata": {"name": SECRET}, "stringData": {"NEO_POSTGRES_URL": url}}
        )
        launcher = {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": made._launcher(environment)}
        coordinator = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
        (made.home / "dagster.yaml").write_text(
            yaml.safe_dump({**plain, "run_launcher": launcher, "run_coordinator": coordinator})
        )
        return made

    def _launcher(self, environment: dict[str, str]) -> dict[str, Any]:
        pods, settings = self.pods, pod_settings(self.pods.checkout.folder)
        variables = {
            **settings.get("environment", {}),
            "NEO_LAKE": str(pods.checkout.folder / "lake"),
            "NEO_RECIPE": str(pods.checkout.folder / "recipe.yaml"),
            "NEO_COMPUTE": "kubernetes",
            "NEO_POD_PROFILES": str(pods.profiles),
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            **environment,
        }
        return {
            "service_account_name": RUN,
            "job_namespace": pods.space.name,
            "job_image": settings["image"],
            "image_pull_policy": settings.get("image_pull_policy", "IfNotPresent"),
            "dagster_home": HOME,
            "instance_config_map": CONFIG,
            "env_secrets": [SECRET],
            "env_vars": [f"{name}={value}" for name, value in variables.items()],
            "volumes": settings.get("volumes", []),
            "volume_mounts": settings.get("volume_mounts", []),
            "load_incluster_config": False,
            "kubeconfig_file": str(pods.space.kubeconfig),
            "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "3Gi"}},
        }

    def environment(self) -> dict[str, str]:
        """What a process that looks at the instance is started with."""
        return self.pods.environment() | {"DAGSTER_HOME": str(self.home), "NEO_POSTGRES_URL": self.url}

    def launch(self, asset: str, partition: str | None = None) -> str:
        """Launch a run that makes one asset, as the UI does; its id."""
        parameters = {
            "selector": {
                "repositoryName": "__repository__", "repositoryLocationName": "neo_assets",
                "jobName": "__ASSET_JOB", "assetSelection": [{"path": asset.split("/")}],
            },
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}] if partition else []},
        }  # fmt: skip
        told = self._graphql("--text", LAUNCH, "--variables", json.dumps({"p": parameters}))
        [line] = [line for line in told.splitlines() if line.startswith("{")]
        found = json.loads(line)["data"]["launchPipelineExecution"]
        assert found["__typename"] == "LaunchRunSuccess", found
        return str(found["run"]["runId"])

    def _graphql(self, *arguments: str) -> str:
        program = str(Path(sys.executable).with_name("dagster-graphql"))
        command = [program, "--workspace", str(ROOT / "workspace.yaml"), *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **self.environment()}, capture_output=True, text=True, timeout=400
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


Instance = Callable[..., tuple[Runs, dg.DagsterInstance]]
"""Opens an instance over pods; further arguments are variables of its runs."""

ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def wait(instance: dg.DagsterInstance, run_id: str, seconds: float = 240) -> dg.DagsterRunStatus:
    """Wait for a run's end; how it ended."""

    def ended() -> Any:
        run = instance.get_run_by_id(run_id)
        return run.status if run is not None and run.status in ENDED else None

    status: dg.DagsterRunStatus = until(ended, seconds, 0.5)
    return status


def errors(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """What a run's log says of failures."""
    entries = (entry for entry in instance.all_logs(run_id) if entry.dagster_event is not None)
    return [str(e.dagster_event) for e in entries if e.dagster_event and e.dagster_event.is_failure]
