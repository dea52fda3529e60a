"""A stand-in for a cluster: the part of Kubernetes' API that jobs need, over real HTTP; pods are processes here.

It is there for what a real cluster does rarely and at its own time: evictions, lost streams, answers that don't come.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import yaml

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 3.0
INDEX = "batch.kubernetes.io/job-completion-index"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakePod:
    """A pod whose first container is a process of this machine."""

    def __init__(self, kube: FakeKube, body: dict[str, Any]) -> None:
        self.kube = kube
        self.body = body
        self.log = bytearray()
        self.cuts = 0
        self.grown = threading.Condition()
        self.process: subprocess.Popen[bytes] | None = None
        self.status: dict[str, Any] = {"phase": "Pending"}
        self.is_oom = False
        self.eviction: str | None = None

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def main(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["spec"]["containers"][0]
        return found

    def start(self) -> None:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NEO_POD_FLUSH_SECONDS": "0.1"}
        environment |= self.kube.environment
        for variable in self.main.get("env", []):
            source = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
            if found := re.fullmatch(r"metadata\.annotations\['(.*)'\]", source):
                environment[variable["name"]] = self.body["metadata"]["annotations"][found[1]]
            else:
                environment[variable["name"]] = re.sub(r"[\w-]+\.[\w-]+\.[\w-]+\.svc:", "127.0.0.1:", variable["value"])
        command = [sys.executable if word == "python" else word for word in self.main["command"]]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.status = {"phase": "Running", "containerStatuses": [self._container({"running": {"startedAt": now()}})]}
        threading.Thread(target=self._run, daemon=True).start()

    def _container(self, state: dict[str, Any]) -> dict[str, Any]:
        name, image = self.main["name"], self.main["image"]
        return {"name": name, "image": image, "imageID": "", "ready": True, "restartCount": 0, "state": state}

    def _run(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.grown:
                self.log += data
                self.grown.notify_all()
        code = self.process.wait()
        self.process.stdout.close()
        code = 128 - code if code < 0 else code
        reason = "OOMKilled" if self.is_oom else "Completed" if code == 0 else "Error"
        terminated = {"exitCode": code, "reason": reason}
        self.status = {
            "phase": "Succeeded" if code == 0 else "Failed",
            "containerStatuses": [self._container({"terminated": terminated})],
        }
        if self.eviction and code:
            self.status |= {"phase": "Failed", "reason": "Evicted", "message": self.eviction}
        with self.grown:
            self.grown.notify_all()
        self.kube.ended(self)

    @property
    def is_over(self) -> bool:
        return self.status["phase"] in {"Succeeded", "Failed"}

    def stop(self) -> None:
        """As a kubelet does: SIGTERM, and SIGKILL for all of it later."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        threading.Thread(target=self._kill_later, daemon=True).start()

    def _kill_later(self) -> None:
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS)
        self.kill()

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def json(self) -> dict[str, Any]:
        return {**self.body, "apiVersion": "v1", "kind": "Pod", "status": self.status}


class FakeKube:
    """The server, and what a test may do to its pods behind everybody's back."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.environment = environment or {}
        self.pods: dict[str, FakePod] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.asked: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.held: dict[str, Any] | None = None
        """The status in which new pods stay."""
        self.failures: list[int] = []
        """Statuses that the next requests get instead of an answer."""
        self.denied: dict[str, int] = {}
        """Statuses by `METHOD resource`."""
        self.log_bytes = 1 << 30
        """How much of a log is kept."""
        self.streams_break = False
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "fake",
                    "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
                    "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
                    "users": [{"name": "fake", "user": {"token": "secret"}}],
                }
            )
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for pod in list(self.pods.values()):
            pod.kill()
            if pod.process is not None:
                pod.process.wait()

    # What happens to pods

    def create_pod(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            if body["metadata"]["name"] in self.pods:
                raise ApiError(409, "AlreadyExists")
            metadata = body["metadata"]
            body["metadata"] = {**metadata, "creationTimestamp": now(), "uid": str(uuid.uuid4())}
            pod = self.pods[metadata["name"]] = FakePod(self, body)
            self.created.append(copy.deepcopy(body))
            if self.held is not None:
                pod.status = dict(self.held)
            else:
                pod.start()
            return pod.json()

    def delete_pod(self, name: str) -> dict[str, Any]:
        with self.lock:
            pod = self._pod(name)
            self.deleted.append(name)
            if pod.process is None or pod.is_over:
                del self.pods[name]
            else:
                pod.body["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 3}
                pod.stop()
            return pod.json()

    def ended(self, pod: FakePod) -> None:
        """The pod's process is over."""
        with self.lock:
            if "deletionTimestamp" in pod.body["metadata"]:
                self.pods.pop(pod.name, None)
            for owner in pod.body["metadata"].get("ownerReferences", []):
                self._settle(owner["name"], pod)

    def evict(self, name: str, message: str = "The node was low on resource: memory.") -> None:
        pod = self._pod(name)
        pod.eviction = message
        pod.stop()

    def kill_for_memory(self, name: str, whole_group: bool) -> None:
        """The kernel kills the job for its memory, or everything in its container."""
        pod = self._pod(name)
        assert pod.process is not None
        pod.is_oom = True
        children = psutil.Process(pod.process.pid).children()
        for process in children if not whole_group else [*children, psutil.Process(pod.process.pid)]:
            process.kill()

    def cut_streams(self) -> None:
        for pod in list(self.pods.values()):
            with pod.grown:
                pod.cuts += 1
                pod.grown.notify_all()

    def release(self) -> None:
        """The pods that waited get their place."""
        with self.lock:
            self.held = None
            for pod in self.pods.values():
                if pod.process is None:
                    pod.start()

    def create_job(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            name = body["metadata"]["name"]
            if name in self.jobs:
                raise ApiError(409, "AlreadyExists")
            body["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
            self.jobs[name] = body
            body["status"] = {}
            for index in range(body["spec"]["completions"]):
                self._start_of_job(name, index)
            return body

    def _start_of_job(self, name: str, index: int) -> None:
        job = self.jobs[name]
        template = copy.deepcopy(job["spec"]["template"])
        template["metadata"]["name"] = f"{name}-{index}-{uuid.uuid4().hex[:5]}"
        if job["spec"].get("completionMode") == "Indexed":
            template["metadata"].setdefault("annotations", {})[INDEX] = str(index)
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
        template["metadata"]["ownerReferences"] = [owner]
        self.create_pod(template)

    def _settle(self, name: str, ended: FakePod) -> None:
        """What the Job controller does when a pod of a Job has ended."""
        job = self.jobs.get(name)
        if job is None or job["status"]:
            return
        own = [p for p in self.pods.values() if p.body["metadata"]["labels"].get("neo-assets/name") == name]
        failed = [pod for pod in own if pod.status["phase"] == "Failed"]
        if ended in failed and ended.eviction and job["spec"]["backoffLimit"] >= len(failed):
            self._start_of_job(name, 0)
        elif ended in failed:
            job["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
            for pod in own:
                if not pod.is_over:
                    self.delete_pod(pod.name)
        elif [pod.status["phase"] for pod in own].count("Succeeded") == job["spec"]["completions"]:
            job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    def delete_job(self, name: str) -> dict[str, Any]:
        with self.lock:
            if name not in self.jobs:
                raise ApiError(404, "NotFound")
            job = self.jobs.pop(name)
            self.deleted.append(name)
            self.services.pop(name, None)
            for pod in list(self.pods.values()):
                if pod.body["metadata"]["labels"].get("neo-assets/name") == name:
                    self.delete_pod(pod.name)
            return job

    def _pod(self, name: str) -> FakePod:
        if name not in self.pods:
            raise ApiError(404, "NotFound")
        return self.pods[name]


class ApiError(Exception):
    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason, self.message = status, reason, message or f"pods: {reason}"


def _selected(items: Any, selector: str) -> list[dict[str, Any]]:
    wanted = dict(pair.split("=") for pair in selector.split(",") if pair)
    return [i for i in items if wanted.items() <= i["metadata"].get("labels", {}).items()]


def _handler(kube: FakeKube) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _handle(self, method: str) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = re.fullmatch(r"/(?:api/v1|apis/batch/v1)/namespaces/([^/]+)/([^/]+)(?:/([^/]+))?(/log)?", url.path)
            try:
                assert self.headers["Authorization"] == "Bearer secret"
                if found is None or found[1] != "neo":
                    raise ApiError(404, "NotFound", f"no {url.path}")
                kind, name, is_log = found[2], found[3], bool(found[4])
                kube.asked.append(f"{method} {kind}")
                if kube.failures:
                    raise ApiError(kube.failures.pop(0), "InternalError", "etcd is away")
                what = f"{method} {kind}{'/log' if is_log else ''}"
                if what in kube.denied:
                    raise ApiError(kube.denied[what], "Forbidden", f"{kind} is forbidden: cannot {method.lower()} it")
                if is_log:
                    self._log(name, query)
                else:
                    self._answer(200, self._do(method, kind, name, query, json.loads(raw or b"{}")))
            except ApiError as error:
                told = {"kind": "Status", "code": error.status, "reason": error.reason, "message": error.message}
                self._answer(error.status, told)
            except BrokenPipeError:
                self.close_connection = True

        def _do(self, method: str, kind: str, name: str | None, query: dict[str, str], body: Any) -> Any:
            selector = query.get("labelSelector", "")
            match method, kind, name:
                case "POST", "pods", None:
                    return kube.create_pod(body)
                case "GET", "pods", None:
                    with kube.lock:
                        return {"items": _selected([pod.json() for pod in kube.pods.values()], selector)}
                case "GET", "pods", str():
                    return kube._pod(name).json()
                case "DELETE", "pods", str():
                    return kube.delete_pod(name)
                case "POST", "jobs", None:
                    return kube.create_job(body)
                case "GET", "jobs", None:
                    with kube.lock:
                        return {"items": _selected(list(kube.jobs.values()), selector)}
                case "DELETE", "jobs", str():
                    return kube.delete_job(name)
                case "POST", "services", None:
                    return kube.services.setdefault(body["metadata"]["name"], body)
                case "GET", "events", None:
                    wanted = query["fieldSelector"].removeprefix("involvedObject.name=")
                    return {"items": [e for e in kube.events if e["involvedObject"]["name"] == wanted]}
            raise ApiError(405, "MethodNotAllowed")

        def _log(self, name: str, query: dict[str, str]) -> None:
            pod = kube._pod(name)
            if pod.process is None:
                raise ApiError(400, "BadRequest", "container is waiting to start")
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for data in self._bytes(pod, query):
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()
                if kube.streams_break:
                    self.close_connection = True
                    return
            self.wfile.write(b"0\r\n\r\n")

        def _bytes(self, pod: FakePod, query: dict[str, str]) -> Iterator[bytes]:
            cuts = pod.cuts
            with pod.grown:
                whole = bytes(pod.log)
            at = max(0, len(whole) - kube.log_bytes)
            at = whole.index(b"\n", at) + 1 if at else 0
            if "tailLines" in query:
                lines = whole[at:].splitlines(keepends=True)
                yield b"".join(lines[-int(query["tailLines"]) :]) or b"\n"
                return
            while True:
                with pod.grown:
                    if at >= len(pod.log) and not pod.is_over and pod.cuts == cuts:
                        pod.grown.wait(0.2)
                    data, over = bytes(pod.log[at:]), pod.is_over
                if data:
                    at += len(data)
                    yield data
                elif over:
                    return
                if pod.cuts != cuts:
                    self.close_connection = True
                    raise BrokenPipeError
                if "follow" not in query:
                    return

        def do_GET(self) -> None:
            self._handle("GET")

        def do_POST(self) -> None:
            self._handle("POST")

        def do_DELETE(self) -> None:
            self._handle("DELETE")

    return Handler


def wait_for(what: Any, seconds: float = 200.0) -> Any:
    """What it gives, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Do something beside the block; what goes wrong with it goes wrong with the block."""
    errors: list[Exception] = []

    def act() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(200)
        if errors:
            raise errors[0]


def running(kube: FakeKube, step: int | None = 3, number: int = 1) -> FakePod:
    """The pod of the n-th attempt, once its job is at a step (None: at any)."""
    mark = b"step " if step is None else f"step {step} ".encode()
    at = lambda: next((p for p in list(kube.pods.values()) if p.name.endswith(f"-{number}") and mark in p.log), None)  # noqa: E731
    return wait_for(at)  # type: ignore[no-any-return]


def starts(acts: Path) -> list[int]:
    """The steps at which jobs began."""
    return [int(line) for line in (acts / "starts").read_text().split()]
