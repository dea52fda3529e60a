"""A session is opened when asked for, shared by its holders, replaced when it dies, and gone when the last lets go."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neo_assets.compute import spark
from neo_assets.compute.spark import LazySession
from neo_assets.compute.spark_settings import SparkSettings

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.needs("spark")
def test_from_beginning_to_end() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "PYSPARK_PYTHON"}}
    command = [sys.executable, "-m", "neo_assets_tests.spark.lifecycle"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not [word for word in ("WARN", "log4j", "incubator") if word in done.stderr], "Java has its own log"
    assert json.loads(done.stdout) == {
        "before it is asked for": 0,
        "answer": {"quoted": "it's", "named": 1, "length": 1},
        "python of tasks": sys.executable,
        "address": "127.0.0.1",
        "after the inner holder": [1, True],
        "after its Java was killed": [3, True, 1],
        "at the end": [0, False],
        "environment": [],
    }


NOT_STARTING = """
import sys
from pathlib import Path
from neo_assets.compute.spark import SparkStartError, open_session
from neo_assets.compute.spark_settings import SparkSettings
from neo_assets_tests.spark.sessions import QUICK
options = {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:+UseG1GC"}
try:
    open_session(SparkSettings("local[1]", properties={**QUICK, **options}), Path(sys.argv[1]))
except SparkStartError as error:
    print(error)
"""


@pytest.mark.needs("spark")
def test_a_session_that_does_not_start_says_why(tmp_path: Path) -> None:
    """In a process of its own: in one where a session is open, that one's Java would be asked."""
    command = [sys.executable, "-c", NOT_STARTING, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert re.search(r"(?s)did not start on local\[1\].*Multiple garbage collectors", done.stdout), done.stdout


class Stub:
    def __init__(self) -> None:
        self.alive = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Stub]:
    """Sessions without a Spark."""
    made: list[Stub] = []

    def open_one(settings: SparkSettings, folder: Path) -> Stub:
        made.append(Stub())
        (folder / "file").touch()
        return made[-1]

    monkeypatch.setattr(spark, "open_session", open_one)
    monkeypatch.setattr(spark, "close_session", lambda session: setattr(session, "alive", False))
    monkeypatch.setattr(spark, "is_alive", lambda session: session.alive)
    return made


def test_scratch_goes_with_the_session(opened: list[Stub]) -> None:
    lazy = LazySession(SparkSettings())
    with lazy.hold():
        folder = Path(lazy.scratch().root)
        assert lazy.scratch().root == str(folder), "the same while it lasts"
        lazy()
        assert folder.parent.exists()
    assert not folder.parent.exists()
    with lazy.hold():
        assert lazy.scratch().root != str(folder)
    assert LazySession(SparkSettings("spark://a:1", scratch="/shared")).scratch().root == "/shared"


def test_holders_one_after_the_other_each_have_their_own(opened: list[Stub]) -> None:
    lazy = LazySession(SparkSettings())
    for _ in range(2):
        with lazy.hold():
            assert lazy() is lazy()
    assert [stub.alive for stub in opened] == [False, False]


def test_one_whose_block_fails_lets_go(opened: list[Stub]) -> None:
    lazy = LazySession(SparkSettings())
    lazy()
    with pytest.raises(ZeroDivisionError), lazy.hold():
        1 / 0  # noqa: B018
    assert not opened[0].alive
