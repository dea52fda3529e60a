"""Calls to the Kubernetes API: few, retried while it is away, and with errors in one line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import dagster as dg

T = TypeVar("T")

TIMEOUT_SECONDS = (10, 60)
"""To connect; between two bytes of an answer."""
CONFLICT, NOT_FOUND = 409, 404
AWAY = {429, 500, 502, 503, 504}
MAX_PAUSE_SECONDS = 15.0


class ClusterError(dg.Failure):
    """Kubernetes refused something, or does not answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message, allow_retries=True)
        self.status = status


@dataclass(frozen=True)
class Cluster:
    """One namespace.

    Args:
        core, batch: the client's APIs.
        patience_seconds: how long an API that does not answer is asked again.
    """

    core: Any
    batch: Any
    namespace: str
    patience_seconds: float = 600.0
    say: Callable[[str], None] = print

    @classmethod
    def connect(
        cls, kubeconfig: str | None, namespace: str, patience_seconds: float, say: Callable[[str], None]
    ) -> Cluster:
        """With the credentials of a kubeconfig file, or of the pod that this runs in.

        Raises:
            ClusterError: there are none.
        """
        from dagster_k8s.client import PatchedApiClient
        from kubernetes import client, config

        configuration = client.Configuration()
        try:
            if kubeconfig:
                config.load_kube_config(config_file=kubeconfig, client_configuration=configuration)
            else:
                config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as error:
            where = kubeconfig or "this is no pod of a cluster; set NEO_KUBECONFIG to a kubeconfig file"
            raise ClusterError(f"no credentials for Kubernetes: {where}: {error}") from error
        configuration.no_proxy = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
        configuration.retries = False
        api = PatchedApiClient(configuration)
        return cls(client.CoreV1Api(api), client.BatchV1Api(api), namespace, patience_seconds, say)

    def call(self, what: str, action: Callable[[], T]) -> T:
        """Do it; again for a while if the API is away.

        Raises:
            ClusterError: it was refused, or the API stays away; `status` is the HTTP status, 0 where there was none.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        end, pause = time.monotonic() + self.patience_seconds, 0.2
        while True:
            try:
                return action()
            except ApiException as error:
                status, said = int(error.status or 0), _message(error)
                if status not in AWAY:
                    raise ClusterError(f"Kubernetes refused to {what}: {said}", status) from error
            except (HTTPError, OSError) as error:
                status, said = 0, str(error)
            if time.monotonic() + pause > end:
                raise ClusterError(
                    f"Kubernetes did not {what} for {self.patience_seconds:.0f} s: {said}; pods go on without us, the"
                    " next run of this asset takes them over",
                    status,
                )
            if pause > 1:
                self.say(f"Kubernetes does not answer, trying again: {said}")
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def create_pod(self, body: Any) -> None:
        """Start a pod; ClusterError with CONFLICT if there is one of this name."""
        self.call(
            f"create pod {body.metadata.name} in {self.namespace}",
            lambda: self.core.create_namespaced_pod(self.namespace, body, _request_timeout=TIMEOUT_SECONDS),
        )

    def create_job(self, body: Any) -> str:
        """Start a Job and give its uid; ClusterError with CONFLICT if there is one of this name."""
        made = self.call(
            f"create Job {body.metadata.name} in {self.namespace}",
            lambda: self.batch.create_namespaced_job(self.namespace, body, _request_timeout=TIMEOUT_SECONDS),
        )
        return str(made.metadata.uid)

    def create_service(self, body: Any) -> None:
        """Make a service, or find it made."""
        try:
            self.call(
                f"create service {body.metadata.name} in {self.namespace}",
                lambda: self.core.create_namespaced_service(self.namespace, body, _request_timeout=TIMEOUT_SECONDS),
            )
        except ClusterError as error:
            if error.status != CONFLICT:
                raise

    def pods(self, selector: str) -> list[Any]:
        """The pods that a label selector finds."""
        found = self.call(
            f"list pods in {self.namespace}",
            lambda: self.core.list_namespaced_pod(
                self.namespace, label_selector=selector, _request_timeout=TIMEOUT_SECONDS
            ),
        )
        return list(found.items)

    def jobs(self, selector: str) -> list[Any]:
        """The Jobs that a label selector finds."""
        found = self.call(
            f"list Jobs in {self.namespace}",
            lambda: self.batch.list_namespaced_job(
                self.namespace, label_selector=selector, _request_timeout=TIMEOUT_SECONDS
            ),
        )
        return list(found.items)

    def warnings(self, name: str) -> list[str]:
        """The texts of warning events about an object, the latest last; empty where they may not be read."""
        try:
            found = self.call(
                f"list events in {self.namespace}",
                lambda: self.core.list_namespaced_event(
                    self.namespace, field_selector=f"involvedObject.name={name}", _request_timeout=TIMEOUT_SECONDS
                ),
            )
        except ClusterError as error:
            if error.status:
                return []
            raise
        return [event.message for event in found.items if event.type == "Warning" and event.message]

    def log_tail(self, pod: str, container: str, lines: int) -> list[str]:
        """The last lines of a container's log, as far as Kubernetes has it."""
        try:
            answer = self.call(
                f"read the log of {pod}",
                lambda: self.core.read_namespaced_pod_log(
                    pod,
                    self.namespace,
                    container=container,
                    tail_lines=lines,
                    _preload_content=False,
                    _request_timeout=TIMEOUT_SECONDS,
                ),
            )
        except ClusterError as error:
            if error.status:
                return []
            raise
        return list(answer.data.decode(errors="replace").split("\n")[:-1])

    def delete(self, name: str, is_job: bool) -> None:
        """Remove a pod, or a Job with its pods; content if it is gone."""
        try:
            if is_job:
                self.call(
                    f"delete Job {name}",
                    lambda: self.batch.delete_namespaced_job(
                        name, self.namespace, propagation_policy="Background", _request_timeout=TIMEOUT_SECONDS
                    ),
                )
            else:
                self.call(
                    f"delete pod {name}",
                    lambda: self.core.delete_namespaced_pod(name, self.namespace, _request_timeout=TIMEOUT_SECONDS),
                )
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise


def _message(error: Any) -> str:
    """What the API said, in a line."""
    try:
        said = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        said = f"{error.status} {error.reason}"
    return " ".join(str(said).split())
