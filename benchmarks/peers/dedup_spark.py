"""Spark in local mode: exact documents and paragraphs, as its SQL and built-in functions do them, Parquet to Parquet.

It keeps the first document of each text and the first occurrence of each paragraph of 20 characters or more; it
records no decisions, which is less than ours does.
"""

from __future__ import annotations

import os
import sys

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from benchmarks.peers.dedup_protocol import Clock, Task, answer, task

EXACT = """
WITH ranked AS (
    SELECT id, text, ROW_NUMBER() OVER (PARTITION BY SHA2(text, 256) ORDER BY id) AS place FROM documents
)
SELECT id, text FROM ranked WHERE place = 1 ORDER BY id
"""
PARAGRAPH = """
WITH paragraphs AS (
    SELECT id, position, paragraph FROM documents LATERAL VIEW POSEXPLODE(SPLIT(text, '\\n')) AS position, paragraph
),
ranked AS (
    SELECT
        id, position, paragraph,
        ROW_NUMBER() OVER (PARTITION BY SHA2(TRIM(paragraph), 256) ORDER BY id, position) AS place
    FROM paragraphs
),
kept AS (SELECT id, position, paragraph FROM ranked WHERE place = 1 OR LENGTH(TRIM(paragraph)) < 20),
joined AS (
    SELECT
        id,
        ARRAY_JOIN(
            TRANSFORM(ARRAY_SORT(COLLECT_LIST(STRUCT(position, paragraph))), piece -> piece.paragraph), '\\n'
        ) AS text
    FROM kept GROUP BY id
)
SELECT id, text FROM joined WHERE LENGTH(text) >= 20 ORDER BY id
"""


def run(asked: Task) -> None:
    """Starts a session, runs the statement once, and waits for the virtual machine to end."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local[{asked.cores}]")
        .appName("benchmark")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", str(4 * asked.cores))
        .config("spark.local.dir", str(asked.work))
        .getOrCreate()
    )
    gateway = spark.sparkContext._gateway
    machine = gateway.proc.pid
    with Clock() as clock:
        before = _machine_cpu(machine)
        spark.read.parquet(str(asked.input)).createOrReplaceTempView("documents")
        found = spark.sql(EXACT if asked.part == "exact" else PARAGRAPH)
        found.write.mode("overwrite").parquet(str(asked.work / "out"))
    clock.cpu += _machine_cpu(machine) - before
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    table = pq.read_table(asked.work / "out")
    characters = sum(map(len, table["text"].to_pylist()))
    answer(clock, asked.work, table["id"].to_pylist(), characters_kept=characters)


def _machine_cpu(process: int) -> float:
    """Processor seconds of the Java virtual machine so far."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    run(task(__doc__))
