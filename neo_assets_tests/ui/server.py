"""A Dagster UI on a free loopback port for as long as a `with` block runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


class ServerFailed(RuntimeError):
    """The UI did not come up; the message ends with the last lines of its log."""


class Ui:
    """A running UI: its address, and questions to its GraphQL interface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of the answer; a GraphQL error raises `ServerFailed`."""
        request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
            f"{self.url}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer = json.load(response)
        if answer.get("errors"):
            raise ServerFailed(str(answer["errors"]))
        return dict(answer["data"])

    def locations(self) -> dict[str, str]:
        """State of each code location: LOADING, LOADED, or the text of the error that it loaded with."""
        query = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
                     locationOrLoadError { ... on PythonError { message } } } } } }"""
        entries = self.graphql(query)["workspaceOrError"]["locationEntries"]
        return {
            entry["name"]: (entry["locationOrLoadError"] or {}).get("message") or entry["loadStatus"]
            for entry in entries
        }


@contextlib.contextmanager
def dagster_ui(
    *,
    daemon: bool = False,
    workspace: Path = WORKSPACE,
    environment: Mapping[str, str] | None = None,
    startup_timeout_seconds: float = 180,
) -> Iterator[Ui]:
    """Serve the workspace on 127.0.0.1, with the daemon (`dagster dev`) or without, until the block is left.

    The server has a session of its own, which is killed whole: code servers outlive their parent by up to 45 s.

    Raises:
        ServerFailed: the server ended, or did not load every code location in time.
    """
    port = _free_port()
    module = ["dagster", "dev"] if daemon else ["dagster_webserver"]
    command = [sys.executable, "-m", *module, "--workspace", str(workspace), "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command,
            cwd=workspace.parent,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ui = Ui(f"http://127.0.0.1:{port}")
            try:
                _wait_until_loaded(ui, server, startup_timeout_seconds)
            except ServerFailed as failure:
                log.seek(0)
                raise ServerFailed(f"{failure}:\n{''.join(log.readlines()[-20:])}") from None
            yield ui
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_loaded(ui: Ui, server: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ServerFailed(f"the Dagster UI ended with code {server.returncode}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            states = ui.locations()
            broken = {name: state for name, state in states.items() if state not in ("LOADING", "LOADED")}
            if broken:
                raise ServerFailed(f"code locations that do not load: {broken}")
            if states and set(states.values()) == {"LOADED"}:
                return
        time.sleep(0.2)
    raise ServerFailed(f"the Dagster UI was not ready after {timeout_seconds:.0f} s")
