"""Jobs in processes of their own: what they report arrives, and how they end badly is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import psutil
import pyarrow as pa
import pytest

from neo_assets.engine.progress import listening
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets_tests.compute.run_job import ROOT, materialize

PATIENCE_SECONDS = 60


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for partition, numbers in (("a", [1, 2]), ("b", [3])):
        writer = lake.writer("t/given", partition)
        writer.table(pa.table({"n": numbers}))
        writer.commit(Provenance())
    return lake


def test_a_good_job(lake: Lake, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[str, int, int]] = []
    with listening(lambda what, done, total: told.append((what, done, total))):
        result = materialize(lake, "write")

    dataset = lake.dataset("t/made", ["monday"])
    assert dataset.read()["n"].to_pylist() == [2, 4, 6]
    assert lake.dataset("t/made", ["tuesday"]).manifests == ()
    manifest = dataset.manifest
    assert manifest.metadata["answer"] == 42 and manifest.metadata["seed"] == 42
    assert manifest.metadata["partition"] == "monday" and manifest.metadata["empty input"] is True
    assert not Path(manifest.metadata["scratch"]).exists()
    assert manifest.files["log.txt"].content is False
    # Where it comes from: the inputs' digests, the asset's code version and recipe values.
    given = lake.dataset("t/given", ["a", "b"])
    assert manifest.provenance.inputs == given.digests and len(given.digests) == 2
    assert (manifest.provenance.code_version, manifest.provenance.recipe) == ("code-recipe", {"seed": 42})
    assert manifest.provenance.engine == "job"
    assert manifest.resources.wall_seconds > 0 and manifest.resources.peak_memory_bytes > 1_000_000

    [event] = [e for e in result.all_events if e.is_step_materialization]
    shown = event.step_materialization_data.materialization
    assert shown.tags is not None
    assert shown.tags["dagster/data_version"] == manifest.digest
    assert shown.metadata["answer"].value == 42
    assert shown.metadata["rows"].value == 3
    assert isinstance(shown.metadata["sample"], dg.MarkdownMetadataValue)
    assert shown.metadata["scores"] == dg.MarkdownMetadataValue("| task | value |\n|---|---|\n| a\\|b | 0.5 |")
    assert shown.metadata["report"] == dg.JsonMetadataValue({"pages": 3})
    schema = shown.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert [(column.name, column.type) for column in schema.schema.columns] == [("n", "int64")]

    assert told == [("number 1", 1, 3), ("number 2", 2, 3), ("number 3", 3, 3)]
    output = capfd.readouterr().out
    assert "written\n" in output
    assert "::progress looks like progress, but is not\n" in output and "::progress number" not in output


@pytest.mark.parametrize(
    ("act", "first", "log"),
    [
        ("exit before opening", "ended with status 3: line 39", "line 12\n"),
        ("die mute", "ended with status 7: it said nothing", ""),
        ("kill itself", "was killed by signal SIGKILL: so far so good", "so far so good"),
        ("raise", "ended with status 1: second line", "ValueError: no such | page\nsecond line"),
        ("say nothing", "ended without reporting its result.", ""),
    ],
)
def test_a_bad_end_is_told_with_the_last_lines(lake: Lake, act: str, first: str, log: str) -> None:
    with pytest.raises(dg.Failure) as failure:
        materialize(lake, act)
    description = failure.value.description
    assert description is not None
    assert description.startswith(f"neo_assets_tests.compute.job {first}")
    assert log in description
    assert "line 9\n" not in description  # the first lines of forty
    # Nothing became visible; what a job that could still act had written is gone.
    assert lake.dataset("t/made", ["monday"]).manifests == ()
    assert len(list(lake.garbage())) == (1 if act == "kill itself" else 0)


def test_a_module_that_does_not_exist(lake: Lake) -> None:
    with pytest.raises(dg.Failure, match=r"ended with status 1: .*No module named neo_assets_tests\.compute\.nowhere"):
        materialize(lake, "write", module="neo_assets_tests.compute.nowhere")


def test_a_job_is_not_started_by_hand() -> None:
    done = subprocess.run([sys.executable, "-m", "neo_assets.jobs.crawl"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("RuntimeError: a job is started by its asset: materialize that instead")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_job_ends_with_its_parent(lake: Lake, tmp_path: Path, how: signal.Signals) -> None:
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-m", "neo_assets_tests.compute.run_job", lake.root, str(pid_file)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: parent.poll() is not None or (pid_file.exists() and bool(pid_file.read_text())))
        assert parent.poll() is None, "the parent ended by itself"
        job = int(pid_file.read_text())
        assert is_alive(job)
        os.kill(parent.pid, how)
        parent.wait(PATIENCE_SECONDS)
        wait_for(lambda: not is_alive(job))
    finally:
        parent.kill()
        parent.wait()
    assert lake.dataset("t/made", ["monday"]).manifests == ()


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
