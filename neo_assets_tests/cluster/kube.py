"""A namespace of the cluster for one test, whose service accounts may do what ours need, and a record of its pods."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from neo_assets_tests.cluster.settings import kubeconfig

RUN, JOB = "neo-run", "neo-job"
"""Service accounts: of whatever starts jobs, which may handle pods, and of the jobs, which may do nothing."""

PATIENCE = 4
"""How many times longer than on a quiet machine something may take."""
RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["create"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "list", "delete"]},
]
"""What `neo_assets.compute.kubernetes` asks of the API, and no more."""
LAUNCHER_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["batch"], "resources": ["jobs", "jobs/status"], "verbs": ["get"]}
]
"""What `K8sRunLauncher` asks beside that."""
SPARK_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["watch", "patch", "deletecollection"]},
    *(
        {"apiGroups": [""], "resources": [kind], "verbs": ["list", "deletecollection"]}
        for kind in ("services", "configmaps", "persistentvolumeclaims")
    ),
]
"""What a Spark driver asks beside that."""
ASKED_TO_END = "grep -lE '^ShdPnd:[[:space:]]+[0-9a-f]*[4-7c-f][0-9a-f]{3}$' /proc/[0-9]*/status || true"
"""Shell: which processes have a SIGTERM waiting for them (the fifteenth bit from below, proc(5))."""


@dataclass
class Seen:
    """All that was seen of one pod, in order."""

    uid: str
    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Any
    phases: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    deleted: bool = False

    @property
    def gpus(self) -> str | None:
        """What it asked for of `nvidia.com/gpu`."""
        return (self.spec.containers[0].resources.limits or {}).get("nvidia.com/gpu")


@dataclass
class Space:
    """A namespace, and what happened to pods in it."""

    name: str
    core: Any
    batch: Any
    kubeconfig: Path
    """Credentials of the service account that starts jobs."""
    _seen: dict[str, Seen] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def seen(self, prefix: str = "") -> list[Seen]:
        """Every pod that there ever was, in order of its first sight."""
        return [pod for pod in list(self._seen.values()) if pod.name.startswith(prefix)]

    def job_pods(self) -> list[Seen]:
        """Every pod of a job of ours that there ever was."""
        return [pod for pod in self.seen() if "neo-assets/module" in pod.labels]

    def pod(self, name: str) -> Any:
        """A pod as it is now."""
        return self.core.read_namespaced_pod(name, self.name)

    def live(self) -> list[Any]:
        """The pods that there are now."""
        return list(self.core.list_namespaced_pod(self.name).items)

    def execute(self, pod: str, *command: str, seconds: float = 60) -> str:
        """Run a command in a pod, no longer than that; what it said. The pod's end ends it too."""
        import kubernetes as k
        from kubernetes.stream import stream

        # `stream` changes its API client meanwhile, so it gets one that no other thread uses.
        with k.config.new_client_from_config(str(kubeconfig())) as api:
            client = stream(
                k.client.CoreV1Api(api).connect_get_namespaced_pod_exec, pod, self.name, command=list(command),
                stdout=True, stderr=True, stdin=False, tty=False, _preload_content=False,
            )  # fmt: skip
            try:
                client.run_forever(timeout=seconds)
                return str(client.read_all())
            finally:
                client.close()
                client.sock.shutdown()

    def resume(self, pod: str) -> None:
        """Let the processes of a held pod go on."""
        self.execute(pod, "sh", "-c", "kill -CONT -1")

    def resume_to_end(self, pod: str) -> None:
        """Let the processes of a held pod go on as soon as the pod's first passed it on that they are to end."""
        until(lambda: "/status" in self.execute(pod, "sh", "-c", ASKED_TO_END), 30, 0.2)
        self.resume(pod)

    def delete(self, pod: str, grace_seconds: int) -> None:
        """Delete a pod; with 0 by force, as after the loss of its node."""
        self.core.delete_namespaced_pod(pod, self.name, grace_period_seconds=grace_seconds)

    def remove_all(self) -> None:
        """Delete every pod at once."""
        self.core.delete_collection_namespaced_pod(self.name, grace_period_seconds=0)

    def create(self, body: dict[str, Any]) -> None:
        """Make a pod."""
        self.core.create_namespaced_pod(self.name, body)

    def log(self, pod: str) -> str:
        """What a pod has said so far."""
        data = self.core.read_namespaced_pod_log(pod, self.name, _preload_content=False).data
        return str(data.decode(errors="replace"))

    def record(self) -> None:
        """Note every change of every pod until the end; in a thread of its own."""
        from kubernetes import watch
        from kubernetes.client import ApiException

        watching, since = watch.Watch(), None
        while not self._ended.is_set():
            more: dict[str, Any] = {"resource_version": since} if since else {}
            try:
                for event in watching.stream(self.core.list_namespaced_pod, self.name, timeout_seconds=5, **more):
                    self._note(event["type"], event["object"])
                since = watching.resource_version
            except Exception as error:  # noqa: BLE001 -- whatever the server does, the record goes on
                print(f"watching pods: {error}")
                since = None if isinstance(error, ApiException) else watching.resource_version
                time.sleep(0.5)

    def _note(self, kind: str, pod: Any) -> None:
        meta = pod.metadata
        seen = self._seen.setdefault(
            meta.uid, Seen(meta.uid, meta.name, dict(meta.labels or {}), dict(meta.annotations or {}), pod.spec)
        )
        seen.deleted |= kind == "DELETED"
        if pod.status.phase not in seen.phases[-1:]:
            seen.phases.append(pod.status.phase)
        terminated = [c.state.terminated for c in pod.status.container_statuses or () if c.state.terminated]
        for reason in filter(None, [pod.status.reason, *(t.reason for t in terminated)]):
            if reason not in seen.reasons:
                seen.reasons.append(reason)


@contextmanager
def space(folder: Path) -> Iterator[Space]:
    """A new namespace with its service accounts; removed at the end. `folder` gets a kubeconfig."""
    import kubernetes as k

    api = k.config.new_client_from_config(str(kubeconfig()))
    core, batch, rbac = k.client.CoreV1Api(api), k.client.BatchV1Api(api), k.client.RbacAuthorizationV1Api(api)
    minor = int("".join(filter(str.isdecimal, k.client.VersionApi(api).get_code().minor)))
    name = f"neo-test-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name, "labels": {"neo-assets/test": "true"}}})
    try:
        for account in (RUN, JOB):
            core.create_namespaced_service_account(name, {"metadata": {"name": account}})
        rbac.create_namespaced_role(name, {"metadata": {"name": RUN}, "rules": [*RULES, *LAUNCHER_RULES, *SPARK_RULES]})
        subject = {"kind": "ServiceAccount", "name": RUN, "namespace": name}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RUN}
        rbac.create_namespaced_role_binding(
            name, {"metadata": {"name": RUN}, "roleRef": reference, "subjects": [subject]}
        )
        if minor < 24:  # a pod is refused until its account has got the secret that those versions make
            for account in (RUN, JOB):
                until(lambda: core.read_namespaced_service_account(account, name).secrets)  # noqa: B023
        made = Space(name, core, batch, _credentials(core, name, folder / "kubeconfig.yaml"))
        thread = threading.Thread(target=made.record, name=f"record-{name}", daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made._ended.set()
            made.remove_all()
            thread.join(15)
    finally:
        core.delete_namespace(name)


def _credentials(core: Any, namespace: str, file: Path) -> Path:
    """A kubeconfig that may do no more than the service account that starts jobs."""
    request = {"spec": {"expirationSeconds": 3600, "audiences": None}}
    token = core.create_namespaced_service_account_token(RUN, namespace, request).status.token
    config = yaml.safe_load(Path(str(kubeconfig())).read_text())
    context = {
        "name": "run",
        "context": {"cluster": config["clusters"][0]["name"], "user": "run", "namespace": namespace},
    }
    config |= {"users": [{"name": "run", "user": {"token": token}}], "contexts": [context], "current-context": "run"}
    file.write_text(yaml.safe_dump(config))
    return file


def until(what: Callable[[], Any], seconds: float = 60, every: float = 0.1) -> Any:
    """Wait until it gives something true, and give that. `seconds` are for a quiet machine; others get more of them."""
    deadline = time.monotonic() + PATIENCE * seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {PATIENCE * seconds} s"
        time.sleep(every)
    return found
