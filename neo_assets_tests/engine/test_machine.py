"""What kernels find on an executor's machine: the driver's machine code, made by one process for all."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.engine.spark import machine
from neo_assets.engine.spark.machine import Luggage, archive, first_here, unpack_archive
from neo_assets.engine.work import PartTask
from neo_assets.lake.store import Store
from neo_assets.lake.writer import write_scratch

CALLS: list[int] = []


@dataclass(frozen=True)
class Count:
    """Says how many rows it was given."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        CALLS.append(batch.num_rows)
        return batch


def task(folder: Path) -> PartTask:
    store = Store(str(folder / "scratch"))
    [part] = write_scratch(store, "in", "rows", 0, pa.table({"n": range(100)}))
    return PartTask(store, part.part.path, "", (Count(),), store, "out", "rows", 0)


def test_machine_code_comes_along_and_is_used_before_the_first_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, executor = tmp_path / "driver" / "compiled", tmp_path / "executor" / "compiled"
    (driver / "text").mkdir(parents=True)
    (driver / "text" / "loop.1.nbc").write_bytes(b"machine code")
    (driver / "text" / "loop.nbi").write_bytes(b"index")
    (driver / "x.lock").touch()
    data, given = archive(driver), task(tmp_path)
    with given.source.create("code.tar") as stream:
        stream.write(data)
    monkeypatch.setattr(machine, "_cache_folder", lambda: str(executor))
    monkeypatch.setattr(machine, "_ready", set())
    CALLS.clear()
    luggage = Luggage((), given.source, "code.tar", hashlib.sha256(data).hexdigest())
    luggage.unpack(given)
    luggage.unpack(given)
    assert CALLS == [16]
    assert (executor / "text" / "loop.1.nbc").read_bytes() == b"machine code"
    assert not (executor / "x.lock").exists()
    monkeypatch.setattr(machine, "_ready", set())  # another process of the machine
    luggage.unpack(given)
    assert CALLS == [16]


def test_another_archive_than_the_drivers_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = task(tmp_path)
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged" / "loop.nbi").write_bytes(b"forged")
    with given.source.create("code.tar") as stream:
        stream.write(archive(tmp_path / "forged"))
    monkeypatch.setattr(machine, "_cache_folder", lambda: str(tmp_path / "executor"))
    monkeypatch.setattr(machine, "_ready", set())
    Luggage((), given.source, "code.tar", "0" * 64).unpack(given)
    assert not list((tmp_path / "executor").rglob("*.nbi"))


def test_whoever_unpacks_second_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a.nbi").write_bytes(b"a")
    data = archive(tmp_path / "from")
    unpack_archive(data, tmp_path / "to")
    (tmp_path / "to" / "b.nbi").write_bytes(b"b")
    unpack_archive(data, tmp_path / "to")
    assert sorted(file.name for file in tmp_path.rglob("*.nbi")) == ["a.nbi", "a.nbi", "b.nbi"]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["from", "to"]
    assert archive(tmp_path / "nowhere") == b""


def test_one_goes_first_and_the_others_wait(tmp_path: Path) -> None:
    firsts: list[bool] = []

    def enter(_: int) -> None:
        with first_here(tmp_path / "cache", "kernels") as is_first:
            firsts.append(is_first)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(8)))
    assert sorted(firsts) == [False] * 7 + [True]


def test_after_a_failure_the_next_goes_first(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), first_here(tmp_path, "kernels"):
        raise ValueError("broken")
    with first_here(tmp_path, "kernels") as is_first:
        assert is_first
