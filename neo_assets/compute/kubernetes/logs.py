"""A job's log: live from Kubernetes while that works, and whole from the lake in any case.

Lines are numbered by the pod. Kubernetes' stream is only the faster way: a line is shown when all before it were, so
what a broken, rotated or doubled stream lacks comes from the lake, and nothing is shown twice.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from neo_assets.compute.kubernetes.cluster import NOT_FOUND, TIMEOUT_SECONDS, Cluster
from neo_assets.jobs.channel import NOTE_PREFIX, POSITION_PREFIX, Channel

MAX_AHEAD = 20_000
UNPLACED = 30
STREAM_TIMEOUT_SECONDS = (10, 600)
SINCE_SECONDS = 60
"""How far back a stream begins that was cut."""
RECONNECT_SECONDS = 2.0


class JobLog:
    """Puts the lines of both ways in order."""

    def __init__(self, channel: Channel, show: Callable[[str], None]) -> None:
        self._channel, self._show = channel, show
        self.shown = 0
        self._position: int | None = None
        self._ahead: dict[int, str] = {}
        self._chunk = self._chunk_start = 0
        self.unplaced: deque[str] = deque(maxlen=UNPLACED)

    @property
    def is_live(self) -> bool:
        """Whether the stream is all that is needed at present."""
        return self._position is not None and self._position <= self.shown

    def cut(self) -> None:
        """The stream begins anew somewhere."""
        self._position = None

    def from_stream(self, line: str) -> None:
        """A line of the pod's own log."""
        if line.startswith(POSITION_PREFIX):
            number = line.removeprefix(POSITION_PREFIX)
            self._position = int(number) if number.isdecimal() else None
        elif line.startswith(NOTE_PREFIX):
            self._show(line.removeprefix(NOTE_PREFIX))
        elif self._position is None:
            self.unplaced.append(line)
        else:
            if self._position >= self.shown and len(self._ahead) < MAX_AHEAD:
                self._ahead[self._position] = line
            self._position += 1
            self._advance()

    def from_store(self) -> None:
        """Show what the lake has that was not seen yet."""
        while (lines := self._channel.log(self._chunk)) is not None:
            for number, line in enumerate(lines, self._chunk_start):
                if number >= self.shown:
                    self._show(line)
                    self.shown += 1
            self._chunk += 1
            self._chunk_start += len(lines)
        self._advance()

    def _advance(self) -> None:
        while self.shown in self._ahead:
            self._show(self._ahead.pop(self.shown))
            self.shown += 1
        if self._ahead and min(self._ahead) < self.shown:
            self._ahead = {number: line for number, line in self._ahead.items() if number > self.shown}


class Stream:
    """Follows a container's log in a thread, as long as it can."""

    def __init__(self, cluster: Cluster, pod: str, container: str) -> None:
        self._cluster, self.pod, self._container = cluster, pod, container
        self.lines: queue.Queue[str | None] = queue.Queue()
        """Lines; None where the stream was cut."""
        self._stopped = threading.Event()
        self._response: Any = None
        self._thread = threading.Thread(target=self._follow, name=f"log of {pod}", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> None:
        """Follow no longer; give a stream that is about to end some time for its last lines."""
        self._thread.join(seconds)
        self._stopped.set()
        response = self._response
        if response is not None and self._thread.is_alive():
            with suppress(OSError, ValueError, RuntimeError):  # it may have ended just now
                response.shutdown()
        self._thread.join(1.0)

    def _follow(self) -> None:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        since: int | None = None
        while not self._stopped.is_set():
            try:
                self._read(since)
                if self._ended():
                    return
            except ApiException as error:
                if error.status == NOT_FOUND:
                    return
            except (HTTPError, OSError, ValueError, RuntimeError):  # cut, or closed by `stop`
                pass
            self.lines.put(None)
            since = SINCE_SECONDS
            self._stopped.wait(RECONNECT_SECONDS)

    def _read(self, since: int | None) -> None:
        """Read to the end of the stream."""
        options = {} if since is None else {"since_seconds": since}
        response = self._cluster.core.read_namespaced_pod_log(
            self.pod,
            self._cluster.namespace,
            container=self._container,
            follow=True,
            _preload_content=False,
            _request_timeout=STREAM_TIMEOUT_SECONDS,
            **options,
        )
        self._response = response
        rest = b""
        try:
            while data := response.read1():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.lines.put(line.decode(errors="replace"))
        finally:
            self._response = None
            response.close()

    def _ended(self) -> bool:
        """Whether the container is over, rather than the connection."""
        pod = self._cluster.core.read_namespaced_pod(
            self.pod, self._cluster.namespace, _request_timeout=TIMEOUT_SECONDS
        )
        return pod.status.phase in {"Succeeded", "Failed"}


def drain(stream: Stream | None, log: JobLog, seconds: float) -> None:
    """Show what comes within some time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stream is None:
            time.sleep(left)
            return
        try:
            line = stream.lines.get(timeout=left)
        except queue.Empty:
            return
        if line is None:
            log.cut()
        else:
            log.from_stream(line)
