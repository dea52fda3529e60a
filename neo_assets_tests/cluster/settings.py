"""Which cluster the tests run on, and how its pods come by the code and the lakes.

By default that is the one-node cluster of `start`, whose pods get this checkout, its virtual environment and the lakes
of the tests as host paths. For any other cluster:

| variable | meaning |
|---|---|
| `NEO_TEST_KUBECONFIG` | kubeconfig with the rights of an administrator: each test makes a namespace of its own |
| `NEO_TEST_IMAGE` | an image that holds this version of the code |
| `NEO_TEST_PODS` | a YAML file with keys of the profiles file (`volumes`, `volume_mounts`, `python`, `environment` …) |
| `NEO_TEST_SHARED` | a folder here for the lakes, which those volumes bring into pods under the same path |
| `NEO_TEST_ADDRESS` | this machine's address as pods reach it; found by default |
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).parents[2]
IMAGE = "neo-assets/host-python:1"
GPU = "nvidia.com/gpu"


def kubeconfig() -> str | None:
    """The kubeconfig of the cluster; None where there is none."""
    return os.environ.get("NEO_TEST_KUBECONFIG") or None


def own_node() -> Path | None:
    """The folder of our one-node cluster, if that is the one; its daemons can then be reached as processes."""
    folder = Path(os.environ.get("NEO_CLUSTER_DIR", "/var/tmp/neo-cluster")) / "run"  # noqa: S108
    return folder if kubeconfig() == str(folder / "admin.kubeconfig") else None


def shared_folder(otherwise: Path) -> Path:
    """Where lakes are put, so that pods find them under the same path."""
    return Path(os.environ.get("NEO_TEST_SHARED") or otherwise)


def address() -> str:
    """This machine's address as pods reach it: the one on the way to the API server."""
    if given := os.environ.get("NEO_TEST_ADDRESS"):
        return given
    config = yaml.safe_load(Path(str(kubeconfig())).read_text())
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server.hostname, server.port or 443))
        return str(probe.getsockname()[0])


def pod_settings(shared: Path) -> dict[str, Any]:
    """The keys of a profiles file that make a pod run this code over lakes below `shared`."""
    if file := os.environ.get("NEO_TEST_PODS"):
        given: dict[str, Any] = yaml.safe_load(Path(file).read_text())
        return {"image": os.environ.get("NEO_TEST_IMAGE", IMAGE), **given}
    volumes, mounts = _host_paths({"checkout": ROOT, "python": Path(sys.base_prefix), "shared": shared})
    return {
        "image": os.environ.get("NEO_TEST_IMAGE", IMAGE),
        "image_pull_policy": "Never",
        "python": [sys.executable],
        "environment": {
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        },
        "volumes": volumes,
        "volume_mounts": mounts,
    }


def _host_paths(folders: dict[str, Path]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts that bring folders of the node into a pod where they are."""
    if not Path(sys.prefix).is_relative_to(ROOT):
        folders = {**folders, "environment": Path(sys.prefix)}
    volumes = [{"name": name, "hostPath": {"path": str(path), "type": "Directory"}} for name, path in folders.items()]
    return volumes, [{"name": name, "mountPath": str(path)} for name, path in folders.items()]
