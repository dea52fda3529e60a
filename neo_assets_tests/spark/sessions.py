"""Sessions of the tests: small, and quick to start."""

from __future__ import annotations

from neo_assets.compute.spark import LazySession
from neo_assets.compute.spark_settings import SparkSettings

QUICK = {
    "spark.driver.memory": "1g",
    # Each plan runs once over little: compiling it would take most of the time.
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m",
    "spark.sql.shuffle.partitions": "2",
    # Rows really are divided, sorted apart and put together, however few there are; and each plan is made once.
    "spark.sql.adaptive.enabled": "false",
}


def small_session(tasks: int = 2) -> LazySession:
    """A session of this machine with so many tasks at a time."""
    return LazySession(SparkSettings(f"local[{tasks}]", properties=QUICK))
