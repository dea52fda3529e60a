"""Work folders: they outlive a kill, belong to one process at a time, and forget what another order left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from neo_assets.lake.lake import Lake
from neo_assets.lake.work import BusyError, work_folder, work_path

ASSET, DAY = "crawl/pages", "2024-11-01"
WORK_FOR_EVER = """
import sys, time
from neo_assets.lake.lake import Lake
from neo_assets.lake.work import work_folder
with work_folder(Lake(sys.argv[1]), "crawl/pages", "2024-11-01", "a", alone=True) as folder:
    (folder / "done.txt").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def killed_worker(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WORK_FOR_EVER, str(root)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(BusyError, match=r"crawl/pages\|2024-11-01 is being made by another process"):
            work_folder(Lake(str(root)), ASSET, DAY, "a").__enter__()
        with pytest.raises(BusyError, match=r"another partition of crawl/pages is being made"):
            work_folder(Lake(str(root)), ASSET, "2024-11-02", "a", alone=True).__enter__()
        process.send_signal(signal.SIGKILL)


def test_work_outlives_a_kill_and_is_held_by_one_process(tmp_path: Path) -> None:
    killed_worker(tmp_path)
    with work_folder(Lake(str(tmp_path)), ASSET, DAY, "a") as folder:
        assert (folder / "done.txt").read_text() == "half"
    assert not work_path(Lake(str(tmp_path)), ASSET, DAY).exists()


def test_another_order_starts_anew(tmp_path: Path) -> None:
    killed_worker(tmp_path)
    with work_folder(Lake(str(tmp_path)), ASSET, DAY, "b") as folder:
        assert list(folder.iterdir()) == []


def test_a_failure_keeps_the_work(tmp_path: Path) -> None:
    def fail() -> None:
        with work_folder(Lake(str(tmp_path)), ASSET, None, "a") as folder:
            (folder / "part").write_text("1")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    with work_folder(Lake(str(tmp_path)), ASSET, None, "a") as folder:
        assert (folder / "part").read_text() == "1"


def test_work_that_nobody_came_back_for_is_garbage_once_it_is_old(tmp_path: Path) -> None:
    killed_worker(tmp_path)
    lake = Lake(str(tmp_path))
    assert list(lake.garbage(timedelta(hours=1))) == []
    assert list(lake.garbage()) == ["crawl/pages/2024-11-01/work"]
    assert lake.partitions(ASSET) == []


def test_a_remote_lake_works_in_a_local_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_WORK", os.fspath(tmp_path))
    path = work_path(Lake("s3://bucket/lake?region=eu-west-1"), ASSET, DAY)
    assert path.is_relative_to(tmp_path)
    assert path.parts[-4:] == ("crawl", "pages", DAY, "work")
