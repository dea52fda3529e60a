"""How a failure in a task is told: the error itself comes back from the executor, and its message is one line."""

from __future__ import annotations

import base64
import pickle
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from neo_assets.lake.store import StoreError

_MARK = "neo-assets-failure"
_MARKED = re.compile(rf"{_MARK}:([A-Za-z0-9+/=]+):")
_MOST_BYTES = 64 * 1024


class SparkFailure(RuntimeError):
    """Work that Spark did not carry out: one line with what was done, on which part, and why it failed."""


class _Marked(RuntimeError):
    """Carries a failure through Spark's own reports."""


@contextmanager
def marked(what: str) -> Iterator[None]:
    """In a task: what goes wrong in the block is told to the driver together with `what`."""
    try:
        yield
    except Exception as error:
        raise _Marked(f"{_MARK}:{_packed(what, error)}:") from error


def _packed(what: str, error: Exception) -> str:
    try:
        data = zlib.compress(pickle.dumps((what, error)))
        pickle.loads(zlib.decompress(data))  # noqa: S301  # our own, one line above: an error may not survive it
    except Exception as broken:
        data = b""
        if isinstance(broken, MemoryError):
            raise
    if not 0 < len(data) <= _MOST_BYTES:
        text = f"{type(error).__name__}: {error}"[:2_000]
        data = zlib.compress(pickle.dumps((what, RuntimeError(text))))
    return base64.b64encode(data).decode()


def unmarked(report: str) -> tuple[str, Exception] | None:
    """What a task failed at, and how, if Spark's report has it."""
    found = _MARKED.search(report)
    if found is None:
        return None
    # Comes from our own executors, which are sent pickled work themselves.
    what, error = pickle.loads(zlib.decompress(base64.b64decode(found[1])))  # noqa: S301
    return what, error


def is_transient(error: Exception) -> bool:
    """Whether another attempt may succeed: a disk, network or store that did not answer, or memory that ran out."""
    return isinstance(error, OSError | MemoryError) and not isinstance(error, FileNotFoundError)


def raised(what: str, report: str) -> Exception:
    """The error to raise for Spark's report: the lake's own say what to do, others are told in a line."""
    found = unmarked(report)
    if found is None:
        return SparkFailure(f"{what}: {first_line(report)}")
    where, error = found
    if isinstance(error, StoreError):
        return error
    failure = SparkFailure(f"{where}: {_told(error)}")
    failure.__cause__ = error
    return failure


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def first_line(report: str) -> str:
    """What of a Java trace is worth reading: its last cause, else its first line."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    chosen = causes[-1] if causes else (lines[0] if lines else "no reason given")
    return re.sub(r"^(?:[\w$]+\.)+([\w$]+): ", r"\1: ", chosen)[:500]
