"""Training through the graph, killed without notice: what was committed stays, and a rerun gives the same digests."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from neo_assets_tests.e2e.small import ROOT, Checkout, longer_recipe

pytestmark = pytest.mark.slow

CHECKPOINT, LEDGER = "training/checkpoint", "training/ledger"
TRAINED = ('key:"training/checkpoint" or key:"training/ledger"', "--no-upstream")
N_KILLS = 5
WORKER = "neo_assets.model.train.worker"


@contextmanager
def building(checkout: Checkout, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`neo build` in the background; it is ended if the block leaves it running."""
    process = subprocess.Popen(
        checkout.command("build", *arguments), cwd=ROOT, env=checkout.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(what: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 300) -> bool:
    """Wait until it holds; whether it does before the process ends."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    return True


def starts(checkout: Checkout) -> int:
    """How often a checkpoint that is not yet made was begun."""
    work = checkout.folder / "lake" / CHECKPOINT / "_" / "work" / "content" / "snapshots"
    try:
        return sum(file.stat().st_size for file in work.glob("*.starts"))
    except FileNotFoundError:
        return 0


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The ranks that train below a build."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if WORKER in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_five_kills_change_nothing_but_the_count_of_starts(trained: Checkout, tmp_path: Path) -> None:
    disturbed = trained.copy(tmp_path / "disturbed", without=[CHECKPOINT, LEDGER])
    draw, kills, committed = random.Random(), 0, disturbed.digests()
    while kills < N_KILLS:
        begun = starts(disturbed)
        with building(disturbed, *TRAINED) as process:
            assert until(lambda: starts(disturbed) > begun, process), "it ended before it was killed"  # noqa: B023
            time.sleep(draw.uniform(0.0, 1.5))
            orphans = psutil.Process(process.pid).children(recursive=True)
            process.kill()
        kills += 1
        found = disturbed.digests()
        assert committed.items() <= found.items(), "a committed partition was lost or changed"
        committed = found
        assert not psutil.wait_procs(orphans, timeout=20)[1], "the ranks outlive the build"
    disturbed.neo("build", *TRAINED)
    assert disturbed.digests() == trained.digests()
    totals = [checkout.lake.dataset(LEDGER).metadata for checkout in (trained, disturbed)]
    assert totals[0]["restarts"] == 0 and 1 <= totals[1]["restarts"] <= N_KILLS
    assert totals[0] | {"restarts": 0} == totals[1] | {"restarts": 0}
    starts_told = disturbed.lake.dataset(LEDGER).read()["n_starts"].to_pylist()
    assert max(starts_told) > 1
    disturbed.neo("gc", "--delete", "--older-than", "0")
    assert list(disturbed.lake.garbage()) == []
    assert not list((disturbed.folder / "lake" / CHECKPOINT).glob("_/*"))  # what the killed ones worked in


@pytest.mark.needs("hours")
def test_a_killed_rank_of_two_is_named_and_a_rerun_completes(trained: Checkout, tmp_path: Path) -> None:
    checkout = trained.copy(tmp_path / "two", without=[CHECKPOINT, LEDGER])
    recipe = longer_recipe(trained)
    recipe["training"]["execution"] = {"data_parallel": 2}
    checkout.write_recipe(recipe)
    first = checkout.folder / "lake" / CHECKPOINT / "ckpt_001" / "manifest.json"
    with building(checkout, *TRAINED) as process:
        assert until(first.exists, process), process.communicate()[0]
        [victim] = [p for p in workers_of(process) if p.environ().get("RANK") == "1"]
        victim.kill()
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 1, output
    [error] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert (
        "training/checkpoint" in error and "rank 1 was killed by SIGKILL" in error and "start the same again" in error
    )
    assert "Traceback" not in error
    manifest = first.read_bytes()
    checkout.neo("build", *TRAINED)
    assert first.read_bytes() == manifest
    made = checkout.lake.whole(CHECKPOINT)
    assert [m.partition for m in made.manifests] == [f"ckpt_{number:03d}" for number in range(1, 5)]
    assert sum(m.metadata["restarts"] for m in made.manifests) == 1
    assert [m.metadata["next position"] for m in made.manifests] == [800, 1600, 2400, 3200]
