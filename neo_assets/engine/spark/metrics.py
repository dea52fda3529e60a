"""What Spark counted over the jobs of a group, from its own status store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_TASKS = 8
"""Failed tasks of a stage that are looked at."""


def engine_metrics(session: SparkSession, group: str) -> dict[str, float]:
    """Sums over all stages that ran: bytes shuffled and spilled, tasks, processor seconds of the executors' Java.

    `task_skew` is the largest ratio, over the stages of several tasks, of the longest task to the median one.
    """
    context = session.sparkContext
    java: Any = context._jsc
    store = java.sc().statusStore()
    tracker = context.statusTracker()
    infos = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
    stages = sorted({stage for info in infos if info for stage in info.stageIds})
    found = [data for stage in stages if (data := _stage(store, stage)) is not None]
    skews = [skew for data in found if (skew := _skew(context, store, data)) is not None]
    return {
        "stages": float(len(found)),
        "tasks": _sum(data.numCompleteTasks() for data in found),
        "failed_tasks": _sum(data.numFailedTasks() for data in found),
        "shuffle_read_bytes": _sum(data.shuffleReadBytes() for data in found),
        "shuffle_write_bytes": _sum(data.shuffleWriteBytes() for data in found),
        "memory_spilled_bytes": _sum(data.memoryBytesSpilled() for data in found),
        "disk_spilled_bytes": _sum(data.diskBytesSpilled() for data in found),
        "executor_cpu_seconds": round(_sum(data.executorCpuTime() for data in found) / 1e9, 3),
        "task_skew": round(max(skews, default=1.0), 2),
    }


def _sum(counts: Iterable[int]) -> float:
    return float(sum(counts))


def _stage(store: Any, stage: int) -> Any:
    """The stage's last attempt; None for one that was skipped, since its result was there already, or forgotten."""
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    try:
        data = store.lastStageAttempt(stage)
    except Py4JJavaError:
        return None
    return data if data.numCompleteTasks() or data.numFailedTasks() else None


def _skew(context: Any, store: Any, data: Any) -> float | None:
    if data.numCompleteTasks() < 2:
        return None
    quantiles = context._gateway.new_array(context._jvm.double, 2)
    quantiles[0], quantiles[1] = 0.5, 1.0
    summary = store.taskSummary(data.stageId(), data.attemptId(), quantiles)
    if not summary.isDefined():
        return None
    median, longest = (summary.get().executorRunTime().apply(place) for place in (0, 1))
    return float(longest) / max(float(median), 1.0)


def failed_tasks(session: SparkSession, stage: int) -> list[str]:
    """What Spark recorded of the stage's first failed tasks, with all traces."""
    context = session.sparkContext
    java: Any = context._jsc
    store = java.sc().statusStore()
    data = _stage(store, stage)
    if data is None:
        return []
    v1: Any = context._jvm.org.apache.spark.status.api.v1  # type: ignore[union-attr]
    failed: Any = context._jvm.java.util.ArrayList()  # type: ignore[union-attr]
    failed.add(v1.TaskStatus.FAILED)
    tasks = store.taskList(data.stageId(), data.attemptId(), 0, MOST_TASKS, v1.TaskSorting.ID, failed)
    messages = (tasks.apply(place).errorMessage() for place in range(tasks.size()))
    return [message.get() for message in messages if message.isDefined()]
