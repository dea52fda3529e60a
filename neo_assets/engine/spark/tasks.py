"""What runs in executors: numbered units of work, each of which writes files and tells what it wrote."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from neo_assets.engine.spark.failure import marked
from neo_assets.engine.spark.machine import Luggage
from neo_assets.engine.work import Done, PartTask, run

if TYPE_CHECKING:
    from pyspark import Broadcast

NUMBER, DONE = "number", "done"
RESULT = "number bigint, done binary"
Reader = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What `mapInArrow` takes."""

_unpacked: dict[str, Work] = {}


class Work(Protocol):
    """Units of work, numbered from 0; it goes to executors pickled."""

    @property
    def units(self) -> int:
        """How many there are."""
        ...

    def named(self, number: int) -> str:
        """What the unit works on, for messages."""
        ...

    def run(self, number: int) -> Done:
        """Carry the unit out; another attempt replaces the same files by the same bytes."""
        ...


@dataclass(frozen=True)
class PartWork:
    """Kernels over parts: a unit is a part."""

    tasks: tuple[PartTask, ...]
    luggage: Luggage

    @property
    def units(self) -> int:
        return len(self.tasks)

    def named(self, number: int) -> str:
        task = self.tasks[number]
        return f"{task.table}, part {task.index} ({task.path})"

    def run(self, number: int) -> Done:
        self.luggage.unpack(self.tasks[number])
        return run(self.tasks[number])


def worker(name: str, broadcast: Broadcast[bytes]) -> Reader:
    """The function that carries out the units whose numbers it is given."""

    def carry_out(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                with marked(f"unit {number}"):
                    work = _work(name, broadcast)
                with marked(work.named(number)):
                    done = work.run(number)
                yield pa.RecordBatch.from_pydict({NUMBER: [number], DONE: [pickle.dumps(done)]})

    return carry_out


def _work(name: str, broadcast: Broadcast[bytes]) -> Work:
    """The work, unpickled once a process; of earlier ones none is kept."""
    if name not in _unpacked:
        _unpacked.clear()
        _unpacked[name] = pickle.loads(broadcast.value)  # noqa: S301  # packed by the driver of this very session
    return _unpacked[name]
