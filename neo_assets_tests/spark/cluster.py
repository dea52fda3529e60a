"""A standalone Spark cluster on this machine: a master and workers from the pip package, on loopback, at free ports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from neo_assets.engine.java import java_home

START_SECONDS = 120
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass
class Cluster:
    """Daemons of one core and a few hundred megabytes each.

    Attributes:
        master: its address, for `NEO_SPARK_MASTER`.
    """

    folder: Path
    master: str = ""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, n_workers: int) -> None:
        self._start("master.Master", "master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        self.master = self._told("master", r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")[0]
        for number in range(n_workers):
            place = ("-c", "1", "-m", "900M", "-d", str(self.folder / f"work-{number}"))
            worker = self._start(
                "worker.Worker", f"worker-{number}", "--host", "127.0.0.1", "--webui-port", "0", *place, self.master
            )
            self.workers.append(worker)
        for number in range(n_workers):
            self._told(f"worker-{number}", "(Successfully registered with master)")

    def stop(self) -> None:
        for daemon in self._daemons:
            _kill([*_below(daemon.pid), daemon.pid])
            daemon.wait()

    def executors(self, worker: int) -> list[int]:
        """The executors that the worker has started."""
        return [child.pid for child in psutil.Process(self.workers[worker].pid).children() if child.is_running()]

    def kill_worker(self, worker: int) -> int:
        """Kill it, its executors and their Python at once; how many processes that were."""
        pids = [self.workers[worker].pid, *_below(self.workers[worker].pid)]
        _kill(pids)
        return len(pids)

    def _start(self, daemon: str, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {
            **os.environ,
            "JAVA_HOME": java_home(),
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": QUICK_JAVA,
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
        }
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{daemon}", *arguments]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._daemons.append(process)
        return process

    def _told(self, name: str, pattern: str) -> list[str]:
        """What a daemon's log says, once it says it."""
        deadline = time.monotonic() + START_SECONDS
        log = self.folder / f"{name}.log"
        while not (found := re.findall(pattern, log.read_text(errors="replace"))):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        return found


@contextmanager
def cluster_of(n_workers: int, folder: Path) -> Iterator[Cluster]:
    """A cluster that is gone after the block."""
    cluster = Cluster(folder)
    try:
        cluster.start(n_workers)
        yield cluster
    finally:
        cluster.stop()


def _below(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
