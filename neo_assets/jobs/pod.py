"""The entry of a pod: `python -m neo_assets.jobs.pod MODULE` runs a job's module and brings what it tells to the lake.

The module is a child that knows nothing of pods: it reads its order and writes its messages through files, as it does
on a laptop. This process passes its output on to the pod's own log and to the lake, messages to the lake, SIGTERM to
the child, and at the end leaves how it ended. It survives the child's death by memory, so that this too is told.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, DAGSTER_PIPES_MESSAGES_ENV_VAR, encode_env_var

from neo_assets.jobs.channel import (
    FOLDER,
    NOTE_PREFIX,
    POSITION_PREFIX,
    Channel,
    Result,
    closing_message,
    published,
    rest_of,
)
from neo_assets.lake.lake import Lake
from neo_assets.lake.store import StoreError
from neo_assets.model.train.machines import announce_end

T = TypeVar("T")

NODE_MODULE = "neo_assets.model.train.node"
"""What nodes after the first run: they wait for what node 0 tells them to train."""
FLUSH_SECONDS = float(os.environ.get("NEO_POD_FLUSH_SECONDS", "1"))
POSITION_SECONDS = 10
MAX_LINES = 20_000
"""Of one chunk of the log."""
PATIENCE_SECONDS = 300
"""How long the end of a job waits for a lake that cannot be written."""
DRAIN_SECONDS = 10
"""How long output is read after the job ended, while something it started still holds the pipe."""
NO_ORDER = 64


@dataclass
class Recorder:
    """Brings lines and messages to the lake, in chunks."""

    channel: Channel
    messages_file: Path
    echo: Callable[[str], None]
    chunks: tuple[int, int, int] = (0, 0, 0)
    _waiting: list[str] = field(default_factory=list)
    _offset: int = 0
    _placed: float = 0.0
    _lines: threading.Lock = field(default_factory=threading.Lock)
    _flushing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._n_messages, self._n_logs, self.n_lines = self.chunks
        self.echo(f"{POSITION_PREFIX}{self.n_lines}")

    def line(self, line: str) -> None:
        """Take a line of the job's output."""
        with self._lines:
            self._waiting.append(line)
            self.n_lines += 1
            self.echo(line)

    def flush(self) -> None:
        """Store what has come since.

        Raises:
            StoreError, OSError: the lake cannot be written; nothing is lost, the next call tries again.
        """
        with self._flushing:
            self._flush_messages()
            while self._waiting:
                chunk = self._waiting[:MAX_LINES]
                self.channel.put_log(self._n_logs, chunk)
                self._n_logs += 1
                with self._lines:
                    del self._waiting[: len(chunk)]
            with self._lines:
                if (now := time.monotonic()) - self._placed >= POSITION_SECONDS:
                    self._placed = now
                    self.echo(f"{POSITION_PREFIX}{self.n_lines}")

    def _flush_messages(self) -> None:
        with self.messages_file.open("rb") as file:
            file.seek(self._offset)
            raw = file.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        if whole:
            self.tell([json.loads(line) for line in whole.splitlines()])
            self._offset += len(whole)

    def tell(self, messages: list[dict[str, Any]]) -> None:
        """Store messages."""
        self.channel.put_messages(self._n_messages, messages)
        self._n_messages += 1


def main() -> None:
    """Run the module that the command line names, as the node that the environment says."""
    lake, name = Lake.from_environment(), os.environ["NEO_JOB"]
    rank = int(os.environ.get("NEO_NODE_RANK") or os.environ.get("JOB_COMPLETION_INDEX") or 0)
    raise SystemExit(run(sys.argv[1], lake, Channel(lake.store, name), rank))


def run(module: str, lake: Lake, channel: Channel, rank: int = 0) -> int:
    """Run a job's module to its end; give the exit status of the pod."""
    own = channel.node(rank)
    ended = own.result()
    if ended is not None and not ended.interrupted:
        return _status(ended.code)  # a controller started the pod once more after the job's own end
    context = _retried(channel.order)
    if context is None:
        _echo(f"{NOTE_PREFIX}{channel.name}: no order in {lake.root}; does this pod see the lake of its asset?")
        return NO_ORDER
    with tempfile.TemporaryDirectory(prefix="neo-pod-") as folder:
        messages = Path(folder) / "messages"
        messages.touch()
        recorder = Recorder(own, messages, _echo, _retried(own.stored))
        environment = {**os.environ, "NEO_NODE_RANK": str(rank), "PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}
        meeting = _node_folder(lake, channel.name)
        if meeting is not None:
            meeting.mkdir(parents=True, exist_ok=True)
            environment["NEO_NODE_FOLDER"] = str(meeting)
        if rank == 0:
            made = published(_retried(channel.messages))
            context = rest_of(context, made, lake) if made else context
            order = context["extras"]
            if made and not order["partitions"]:
                recorder.tell([closing_message(order["asset"], made[max(made)]["digest"])])
                _finish(own, recorder, Result(0))
                return 0
            order["parent"] = os.getpid()
            given = Path(folder) / "context.json"
            given.write_text(json.dumps(context))
            environment |= {
                DAGSTER_PIPES_CONTEXT_ENV_VAR: encode_env_var({"path": str(given)}),
                DAGSTER_PIPES_MESSAGES_ENV_VAR: encode_env_var({"path": str(messages)}),
            }
        code, interrupted = _child([sys.executable, "-m", module if rank == 0 else NODE_MODULE], environment, recorder)
        if rank == 0 and meeting is not None:
            announce_end(meeting, code == 0)
        _finish(own, recorder, Result(code, interrupted and code != 0, recorder.n_lines))
    return _status(code)


def _node_folder(lake: Lake, name: str) -> Path | None:
    """Where the nodes of a job meet on a disk they share, if the lake or `NEO_WORK` is one; None for a single node."""
    if int(os.environ.get("NEO_NODES") or 1) == 1:
        return None
    if given := os.environ.get("NEO_NODE_FOLDER"):
        return Path(given)
    if lake.store.is_local:
        return Path(lake.store.absolute(f"{FOLDER}/{name}/nodes"))
    work = os.environ.get("NEO_WORK")
    return Path(work) / "neo-nodes" / name if work else None


def _child(command: list[str], environment: Mapping[str, str], recorder: Recorder) -> tuple[int, bool]:
    """Run the job; give its status, and whether this pod was told to stop meanwhile."""
    stopping = threading.Event()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:

        def stop(_number: int, _frame: object) -> None:
            stopping.set()
            process.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        reader = threading.Thread(target=_read, args=(process, recorder), daemon=True)
        reader.start()
        while True:
            try:
                code = process.wait(FLUSH_SECONDS)
                break
            except subprocess.TimeoutExpired:
                _try_to_flush(recorder)
        reader.join(DRAIN_SECONDS)
        return code, stopping.is_set()


def _read(process: subprocess.Popen[str], recorder: Recorder) -> None:
    for line in process.stdout or ():
        recorder.line(line.rstrip("\n"))


def _try_to_flush(recorder: Recorder) -> None:
    try:
        recorder.flush()
    except (StoreError, OSError) as error:
        _echo(f"{NOTE_PREFIX}the lake cannot be written, trying again: {error}")


def _finish(channel: Channel, recorder: Recorder, result: Result) -> None:
    """Bring the rest to the lake, and how it ended."""

    def store() -> None:
        recorder.flush()
        channel.put_result(Result(result.code, result.interrupted, recorder.n_lines))

    _retried(store)


def _retried(action: Callable[[], T]) -> T:
    """Do it, for some minutes if the lake refuses.

    Raises:
        StoreError, OSError: it refused for too long.
    """
    end, pause = time.monotonic() + PATIENCE_SECONDS, 0.5
    while True:
        try:
            return action()
        except (StoreError, OSError) as error:
            if time.monotonic() + pause > end:
                raise
            _echo(f"{NOTE_PREFIX}the lake cannot be reached, trying again: {error}")
        time.sleep(pause)
        pause = min(2 * pause, 15.0)


def _echo(line: str) -> None:
    """Into the pod's own log; nobody reads it when the container's runtime is in trouble, which is no reason to end."""
    try:
        sys.stdout.buffer.write(line.encode(errors="replace") + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _status(code: int) -> int:
    """The status by which a pod's container ends, as shells give it for a signal."""
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    main()
