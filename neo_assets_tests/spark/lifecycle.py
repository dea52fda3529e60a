"""One process's sessions from beginning to end, told as JSON: `python -m neo_assets_tests.spark.lifecycle`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil

from neo_assets.compute.spark import LazySession
from neo_assets.compute.spark_settings import SparkSettings
from neo_assets_tests.spark.sessions import QUICK

QUESTION = "SELECT 'it''s' AS quoted, \"x\" AS named, LENGTH('🦆') AS length FROM (SELECT 1 AS x)"


def javas() -> list[int]:
    """The Java processes below this one."""
    return [child.pid for child in psutil.Process().children(recursive=True) if child.name() == "java"]


def main() -> dict[str, Any]:
    told: dict[str, Any] = {}
    lazy = LazySession(SparkSettings("local[1]", properties=QUICK))
    with lazy.hold():
        told["before it is asked for"] = len(javas())
        with lazy.hold():
            session = lazy()
            told["answer"] = session.sql(QUESTION).collect()[0].asDict()
            told["python of tasks"] = session.sparkContext.range(1).map(lambda _: sys.executable).collect()[0]
            told["address"] = session.conf.get("spark.driver.host")
            folder = Path(session.conf.get("spark.local.dir")).parent
        told["after the inner holder"] = len(javas()), lazy() is session
        os.kill(javas()[0], signal.SIGKILL)
        again = lazy()
        told["after its Java was killed"] = again.range(3).count(), again is not session, len(javas())
    told["at the end"] = len(javas()), folder.exists()
    told["environment"] = sorted({"JAVA_HOME", "PYSPARK_PYTHON"} & os.environ.keys())
    return told


if __name__ == "__main__":
    print(json.dumps(main()))
