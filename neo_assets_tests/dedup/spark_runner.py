"""Runs recorded SQL statements in one Spark session: `python spark_runner.py FOLDER`.

It needs nothing but pyspark and a Java, so that any environment with them can carry it out. FOLDER holds
`statements.json`, a list of {"folder", "sql", "relations"}, and in each statement's folder a Parquet file for each of
its relations. The result goes to the subfolder `spark`, in order of its files' names, or the reason why there is none
to `error.txt`; how many seconds each took is printed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).parents[2]
STATEMENTS, RESULT, ERROR = "statements.json", "spark", "error.txt"


def spark_python() -> str | None:
    """An interpreter that has Spark, if there is one with a Java: this one, or the one that `make bench-peers` made."""
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return None
    if importlib.util.find_spec("pyspark"):
        return sys.executable
    python = Path(os.environ.get("NEO_PEERS") or REPOSITORY / ".venv-peers") / "spark" / "bin" / "python"
    return str(python) if python.exists() else None


@contextmanager
def session(scratch: Path) -> Iterator[SparkSession]:
    """A session on one core that ends with the block, its virtual machine too."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
        # Rows really are divided, sorted apart and put together, however few there are.
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        # Each plan runs once over little: compiling it would take most of the time.
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    builder = SparkSession.builder.master("local[1]").appName("dedup-sql")
    spark = builder.config(map=settings).getOrCreate()
    gateway: Any = spark.sparkContext._gateway
    try:
        yield spark
    finally:
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


def run(folder: Path) -> None:
    """Every statement in turn; one that fails keeps no other from its turn."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    statements = json.loads((folder / STATEMENTS).read_text(encoding="utf-8"))
    with session(folder / "scratch") as spark:
        for statement in statements:
            started, own = time.perf_counter(), folder / statement["folder"]
            for name in statement["relations"]:
                spark.read.parquet(str(own / f"{name}.parquet")).createOrReplaceTempView(name)
            try:
                spark.sql(statement["sql"]).write.parquet(str(own / RESULT))
            except PySparkException as error:
                (own / ERROR).write_text(str(error), encoding="utf-8")
            except Py4JError as error:  # what the virtual machine could not even report: no memory, no stack
                (own / ERROR).write_text(f"{type(error).__name__} {getattr(error, 'errmsg', '')}", encoding="utf-8")
            for name in statement["relations"]:
                spark.catalog.dropTempView(name)
            print(f"{time.perf_counter() - started:6.2f} s {statement['folder']}", flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
