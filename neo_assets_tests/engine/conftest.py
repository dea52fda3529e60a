"""One Spark for all tests here: each virtual machine takes seconds to start and half a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neo_assets.compute.spark import LazySession
from neo_assets.compute.spark_settings import SparkSettings

QUICK = {
    # Rows really are divided, sorted apart and put together, however few there are.
    "spark.sql.shuffle.partitions": "3",
    # Each plan runs once over little: compiling it would take most of the time.
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="session")
def lazy_session() -> Iterator[LazySession]:
    """A session on two cores, started by the first test that uses it."""
    session = LazySession(SparkSettings("local[2]", properties=QUICK))
    with session.hold():
        yield session
