"""Whether Spark can run here."""

from __future__ import annotations

import importlib.util
from functools import cache

from neo_assets.engine.java import JavaError, java_home


@cache
def spark_available() -> bool:
    """Whether there are pyspark, dagster-pyspark and a Java."""
    if not all(map(importlib.util.find_spec, ("pyspark", "dagster_pyspark"))):
        return False
    try:
        return bool(java_home())
    except JavaError:
        return False
