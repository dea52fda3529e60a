"""The one Spark session of this process: opened when it is first asked for, stopped when nobody holds it any more."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neo_assets.compute.spark_settings import SparkSettings
from neo_assets.engine.java import java_home
from neo_assets.lake.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STOP_SECONDS = 30
"""How long Spark's Java may take to end when it is told to."""
LOG, LOG_LINES = "java.log", 12


class SparkStartError(RuntimeError):
    """No session could be opened: Spark's own words."""


def open_session(settings: SparkSettings, folder: Path) -> SparkSession:
    """A session by dagster-pyspark, whose Java, local files and log (`java.log`) use `folder`.

    Raises:
        JavaError: there is no Java that runs Spark.
        SparkStartError: it does not start, or the master cannot be reached.
    """
    from dagster_pyspark import LazyPySparkResource
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    properties = {
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        **settings.configuration(),
    }
    with _environment(JAVA_HOME=java_home(), PYSPARK_PYTHON=os.environ.get("PYSPARK_PYTHON") or sys.executable):
        try:
            _start_java(properties, folder / LOG)
            session: SparkSession = LazyPySparkResource(spark_config=properties).spark_session
        except (Py4JError, PySparkException, OSError) as error:
            _stop_java()
            log = (folder / LOG).read_text(encoding="utf-8", errors="replace") if (folder / LOG).exists() else ""
            last = "\n".join([str(error).splitlines()[0], *log.splitlines()[-LOG_LINES:]])
            raise SparkStartError(f"Spark did not start on {settings.master}:\n{last}") from error
    return session


def close_session(session: SparkSession) -> None:
    """Stop the session and its Java; whatever state they are in, neither is there afterwards."""
    from py4j.protocol import Py4JError

    try:
        session.stop()
    except (Py4JError, OSError):  # its Java has ended before it: nothing is left to stop
        from pyspark import SparkContext
        from pyspark.sql import SparkSession as Sessions

        SparkContext._active_spark_context = None
        Sessions._instantiatedSession = None
    finally:
        _stop_java()


def is_alive(session: SparkSession) -> bool:
    """Whether the session's Java answers, and has not stopped."""
    from py4j.protocol import Py4JError

    try:
        context: Any = session.sparkContext._jsc
        return context is not None and not context.sc().isStopped()
    except (Py4JError, OSError):
        return False


class LazySession:
    """Gives the session of its settings; the same one until the last who holds it lets go.

    Without holders it stays to the end of the process. One that has died is replaced.
    """

    def __init__(self, settings: SparkSettings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._holders = 0
        self._session: SparkSession | None = None
        self._folder: Path | None = None

    def __call__(self) -> SparkSession:
        with self._lock:
            if self._session is not None and not is_alive(self._session):
                self._close()
            if self._session is None:
                self._session = open_session(self.settings, self._own_folder())
            return self._session

    def scratch(self) -> Store:
        """Where intermediate results go: as set, else a folder of this session's."""
        return Store(self.settings.scratch or str(self._own_folder() / "scratch"))

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the session, if one is opened, for the block; the last holder stops it."""
        with self._lock:
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    self._close()

    def _own_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="neo-spark-"))
                atexit.register(self._close)
            return self._folder

    def _close(self) -> None:
        session, folder = self._session, self._folder
        self._session = self._folder = None
        atexit.unregister(self._close)
        try:
            if session is not None:
                close_session(session)
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _start_java(properties: dict[str, str], log: Path) -> None:
    """Start Spark's Java with these properties, what it says going to the log; the session then uses it."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:
        return
    configuration = SparkConf(loadDefaults=False).setAll(list(properties.items()))
    with log.open("wb") as output:
        gateway = launch_gateway(configuration, {"stdout": output, "stderr": output})  # type: ignore[no-untyped-call]
    SparkContext._ensure_initialized(gateway=gateway)


def _stop_java() -> None:
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    if gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    process: subprocess.Popen[bytes] = gateway.proc
    gateway.shutdown()
    if process.stdin is not None:
        process.stdin.close()  # that is how it learns that we are gone
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """The values in this process's environment for the block: Java is started with it."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
