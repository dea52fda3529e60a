"""The frame of page work: equal rows whatever the workers and kills; a row that ends its worker costs only itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.engine.progress import listening
from neo_assets.jobs.page_pool import WorkerFailedError
from neo_assets.jobs.page_work import row_results
from neo_assets_tests.jobs.page_makers import LIMITS, N_ROWS, SCHEMA, SHORT_LIMITS, Rows, Settings, fails, make, source

Found = tuple[list[dict[str, Any]], list[tuple[str, bytes]]]


def found(rows: Rows, work: Path, workers: int = 1, maker: Any = make, **settings: Any) -> Found:
    """The rows without their seconds, and the files in order."""
    files: list[tuple[str, bytes]] = []
    work.mkdir(exist_ok=True)
    batches = row_results(
        rows, maker, Settings(**settings), SCHEMA, work, "rows",
        lambda name, path: files.append((name, path.read_bytes())), workers=workers,
        limits=SHORT_LIMITS if "hangs" in rows.table["happens"].to_pylist() else LIMITS,
    )  # fmt: skip
    table = pa.Table.from_batches(batches)
    return table.drop_columns(["seconds"]).to_pylist(), files


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What rows give with which nothing happens."""
    return found(source(), tmp_path_factory.mktemp("whole"))


def test_rows_and_files_are_those_of_a_plain_loop_whatever_the_workers(tmp_path: Path) -> None:
    rows, files = found(source(twice=5), tmp_path / "one")
    expected = [2 * number for number in range(N_ROWS)]
    assert [row["double"] for row in rows] == [*expected[:5], -1, *expected[5:]]
    assert {row["verdict"] for row in rows} == {"kept"}
    assert files == [(f"{n}.txt", str(2 * n).encode()) for n in (3, 13, 23, 33, 43)]
    assert found(source(twice=5), tmp_path / "three", workers=3) == (rows, files)


def test_no_rows_give_nothing(tmp_path: Path) -> None:
    assert not list(row_results(source(0), make, Settings(), SCHEMA, tmp_path, "rows"))


def test_a_row_that_raises_is_quarantined_with_its_rule(tmp_path: Path) -> None:
    rows, _ = found(source(8, raises=1, refused=3), tmp_path)
    assert [row["verdict"] for row in rows].count("kept") == 8 - 2
    assert [(rows[n]["url"], rows[n]["page"], rows[n]["rule"], rows[n]["reason"]) for n in (1, 3)] == [
        ("u0#page=2", 2, "error", "it cannot be processed (ValueError: a bad row)"),
        ("u0#page=4", 4, "odd", "it is odd; make it even"),
    ]


def test_rows_that_kill_or_block_or_exhaust_their_worker_cost_only_themselves(tmp_path: Path, whole: Found) -> None:
    rows, files = found(source(killed=4, hangs=13, memory=49), tmp_path / "one", workers=2)
    lost = [row["rule"] for row in rows if row["verdict"] == "quarantined"]
    assert lost == ["crash", "time", "memory"]
    assert [row["rule"] for n, row in enumerate(rows) if n in (4, 13, 49)] == lost
    assert rows[4]["reason"] == "it ends its worker process (signal 9), also when it is tried alone; leave it out"
    assert [row for row in rows if row["verdict"] == "kept"] == [
        row for n, row in enumerate(whole[0]) if n not in (4, 13, 49)
    ]
    assert files == [file for file in whole[1] if file[0] != "13.txt"]
    (tmp_path / "marks").mkdir()
    again = found(source(killed=4, hangs=13, memory=49), tmp_path / "one", marks=str(tmp_path / "marks"))
    assert again == (rows, files)
    assert not list((tmp_path / "marks").iterdir()), "what is settled is not tried again"


def test_a_model_that_is_missing_fails_the_job(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailedError, match="LookupError: no model; fetch it"):
        found(source(), tmp_path, maker=fails)


def test_a_killed_job_goes_on_with_the_groups_that_were_not_finished(tmp_path: Path, whole: Found) -> None:
    (tmp_path / "marks").mkdir()
    (tmp_path / "groups").mkdir()
    command = [sys.executable, "-m", "neo_assets_tests.jobs.page_makers", str(tmp_path), "2"]
    process = subprocess.Popen(command)
    while process.poll() is None and len(list((tmp_path / "groups").glob("*/rows.arrow"))) < 4:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    time.sleep(0.7)  # its workers end by themselves when they see it
    finished = [path for path in (tmp_path / "groups").iterdir() if path.suffix == "" and path.is_dir()]
    before = len(list((tmp_path / "marks").iterdir()))
    time.sleep(0.2)
    assert before == len(list((tmp_path / "marks").iterdir())), "no worker outlives its job"
    assert 4 <= len(finished) < N_ROWS / 4
    here = tmp_path / "marks2"
    here.mkdir()
    again = found(source(), tmp_path / "groups", 2, seconds=0.05, marks=str(here))
    assert again == whole
    done_anew = {path.name[:3] for path in here.iterdir()}
    assert 0 < len(done_anew) < N_ROWS
    assert len(done_anew) <= N_ROWS - 3 * len(finished)


def test_progress_is_reported(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with listening(lambda what, done, total: told.append((what, done, total))):
        found(source(10), tmp_path)
    assert told[-1] == ("rows", 10, 10)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
