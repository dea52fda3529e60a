"""Running one job of Spark's: how far it is, ending it with us, and its failure in one line."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from neo_assets.engine.progress import report
from neo_assets.engine.spark.failure import is_transient, raised, unmarked
from neo_assets.engine.spark.metrics import failed_tasks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
POLL_SECONDS = 0.2
STOP_SECONDS = 30.0


@dataclass
class JobGroup:
    """The jobs of one write, which Spark's own records know by a common name."""

    session: SparkSession
    table: str
    name: str = field(default_factory=lambda: f"neo-{uuid.uuid4().hex[:16]}")

    def run(self, action: Callable[[], T], units: int | None = None) -> T:
        """What the action gives; progress is told meanwhile, in tasks of Spark's unless `units` says how many.

        Raises:
            SparkFailure: it failed: one line. An error of the lake in a task is raised as it is.
        """
        from pyspark import InheritableThread

        # It would print the trace that is raised below in a line.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        outcome: list[T] = []
        errors: list[BaseException] = []
        context = self.session.sparkContext

        def carry_out() -> None:
            try:
                context.setJobGroup(self.name, f"neo-assets: {self.table}", True)
                outcome.append(action())
            except BaseException as error:  # noqa: BLE001  # raised below, in the thread that asked
                errors.append(error)

        before = self._tasks()
        thread = InheritableThread(target=carry_out, name=self.name, daemon=True)
        thread.start()
        try:
            told = 0
            while thread.is_alive():
                thread.join(POLL_SECONDS)
                self._give_up_if_hopeless()
                done, total = self._progress(before)
                if told < done < (units or total):
                    report(self.table, done, units or total)
                    told = done
        except BaseException:
            self._cancel(thread)
            raise
        if errors:
            self._cancel(thread)
            failure = self._error(errors[0])
            failure.__suppress_context__ = True  # a Java trace of a hundred lines
            raise failure
        if units:
            report(self.table, units, units)
        return outcome[0]

    def _tasks(self) -> dict[int, tuple[int, int]]:
        """Of each stage of the group how many tasks are done, and how many it has."""
        tracker = self.session.sparkContext.statusTracker()
        found = {}
        for job in tracker.getJobIdsForGroup(self.name):
            info = tracker.getJobInfo(job)
            for stage in info.stageIds if info else ():
                of = tracker.getStageInfo(stage)
                if of is not None:
                    found[stage] = of.numCompletedTasks, of.numTasks
        return found

    def _progress(self, before: dict[int, tuple[int, int]]) -> tuple[int, int]:
        now = [tasks for stage, tasks in self._tasks().items() if stage not in before]
        return sum(done for done, _ in now), sum(total for _, total in now)

    def _give_up_if_hopeless(self) -> None:
        """Spark would try a failed task again. If it cannot end otherwise, neither it nor the others need to go on.

        Raises:
            SparkFailure: a task failed for good; or its own error, if that is the lake's.
        """
        tracker = self.session.sparkContext.statusTracker()
        for stage in self._tasks():
            info = tracker.getStageInfo(stage)
            for report_of_task in failed_tasks(self.session, stage) if info and info.numFailedTasks else ():
                found = unmarked(report_of_task)
                if found is not None and not is_transient(found[1]):
                    raise raised(self.table, report_of_task)

    def _cancel(self, thread: threading.Thread) -> None:
        """End what is still at work, and wait for it: it may be writing what is removed next."""
        tracker = self.session.sparkContext.statusTracker()
        self.session.sparkContext.cancelJobGroup(self.name)
        thread.join(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            infos = [tracker.getStageInfo(stage) for stage in self._tasks()]
            if not any(info.numActiveTasks for info in infos if info is not None):
                return
            time.sleep(POLL_SECONDS)

    def _error(self, error: BaseException) -> BaseException:
        from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        if isinstance(error, Py4JJavaError):
            return raised(self.table, _trace(error))
        if isinstance(error, PySparkException | Py4JError):
            return raised(self.table, str(error))
        return error


def _trace(error: Any) -> str:
    """The Java error and its causes, one a line."""
    lines: list[str] = []
    cause = error.java_exception
    while cause is not None and len(lines) < 20:
        lines.append(("Caused by: " if lines else "") + str(cause.toString()))
        cause = cause.getCause()
    return "\n".join(lines)
