"""`NEO_ENGINE=spark neo build` makes what `neo build` makes: every partition of every line has the same digest."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from neo_assets_tests.e2e.conftest import everything
from neo_assets_tests.e2e.small import ROOT, Checkout
from neo_assets_tests.spark.cluster import QUICK_JAVA, Cluster, cluster_of
from neo_assets_tests.spark.sessions import QUICK

__all__ = ["everything"]  # the fixture

pytestmark = [pytest.mark.slow, pytest.mark.needs("spark")]

PART_ROWS = 150
# Models are no tables, and what only draws or counts in this process asks the engine for nothing but a small table.
KEPT = {"perplexity_model", "importance_model", "reference_classifier", "bloom", "threshold_study"}
DRAWN = {"duplicates", "funnel", "profile_report"}
BESIDE = ("crawl/extracted", "tokenizer/sample", "training/exposures", "release/exposure_index")


LINES = ("english", "chinese", "corpus")


def tables_of(line: str, everything: Checkout) -> list[str]:
    """The assets of a line that an engine writes."""
    return [a for a in everything.lake.assets() if a.startswith(f"{line}/") and a.split("/")[1] not in KEPT]


class OnSpark:
    """A copy of what was built without some assets, and the process that builds them anew on Spark."""

    def __init__(self, everything: Checkout, folder: Path, assets: list[str], **settings: str) -> None:
        self.before, self.assets = everything, assets
        self.checkout = everything.copy(folder, without=assets)
        recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
        self.checkout.write_recipe({**recipe, "platform": {"part_rows": PART_ROWS}})
        properties = folder / "spark.conf"
        given = QUICK | {
            "spark.sql.adaptive.enabled": str(not settings["NEO_SPARK_MASTER"].startswith("local")).lower(),
            "spark.executor.memory": "600m",
            "spark.executor.extraJavaOptions": QUICK_JAVA,
        }
        properties.write_text("".join(f"{key} {value}\n" for key, value in given.items()))
        self.scratch = folder / "scratch"
        self.environment = {
            **self.checkout.environment(workers=2),
            "NEO_ENGINE": "spark",
            "NEO_SPARK_PROPERTIES": str(properties),
            "NEO_SCRATCH": str(self.scratch),
            **settings,
        }

    def start(self) -> subprocess.Popen[str]:
        selection = " or ".join(f'key:"{asset}"' for asset in self.assets)
        return subprocess.Popen(
            self.checkout.command("build", selection, "--no-upstream"),
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def assert_equal(self) -> None:
        for kind in (Checkout.digests, Checkout.decision_digests):
            then, now = kind(self.before), kind(self.checkout)
            assert [key for key in then if now.get(key) != then[key]] == []
            assert then.keys() == now.keys()
        lake = self.checkout.lake
        made = [m for asset in self.assets for m in lake.dataset(asset, lake.partitions(asset)).manifests]
        assert {manifest.provenance.engine for manifest in made} == {"spark"}
        assert len(made) > len(self.assets)
        assert sum(m.resources.engine_metrics.get("shuffle_write_bytes", 0) for m in made) > 0
        assert not list(self.scratch.glob("*")), "scratch was left behind"


def is_writing(line: OnSpark) -> bool:
    """Whether there are files in scratch space; folders of it go while they are looked at."""
    try:
        return any(line.scratch.glob("spark-*/**/*.parquet"))
    except FileNotFoundError:
        return False


def committed(lines: OnSpark) -> int:
    return len(list((lines.checkout.folder / "lake").glob("chinese/*/*/manifest.json")))


def finished(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        told, _ = process.communicate()
    assert process.returncode == 0, told


def on_a_cluster(everything: Checkout) -> list[str]:
    """The tables that are made on a cluster; those of the lines that are not, one machine makes."""
    return [asset for asset in tables_of("chinese", everything) if asset.split("/")[1] not in DRAWN]


@pytest.mark.needs("hours")
def test_the_other_lines_on_two_tasks_at_a_time(everything: Checkout, tmp_path: Path) -> None:
    every, elsewhere = [a for line in LINES for a in tables_of(line, everything)], on_a_cluster(everything)
    assets = [asset for asset in every if asset not in elsewhere] + list(BESIDE)
    lines = OnSpark(everything, tmp_path / "spark", assets, NEO_SPARK_MASTER="local[2]")
    finished(lines.start(), 1_200)
    lines.assert_equal()


@pytest.fixture
def cluster(tmp_path: Path) -> object:
    (tmp_path / "cluster").mkdir()
    with cluster_of(2, tmp_path / "cluster") as cluster:
        yield cluster


def test_the_chinese_line_on_a_cluster_one_of_whose_workers_is_killed(
    everything: Checkout, cluster: Cluster, tmp_path: Path
) -> None:
    line = OnSpark(everything, tmp_path / "spark", on_a_cluster(everything), NEO_SPARK_MASTER=cluster.master)
    kept = committed(line)
    in_the_middle = kept + 5
    deadline = time.monotonic() + 600
    with line.start() as process:
        try:
            while committed(line) < in_the_middle or not is_writing(line):
                assert process.poll() is None and time.monotonic() < deadline, "it never came to the middle"
                time.sleep(0.02)
            assert cluster.executors(0) and cluster.executors(1), "both do their share"
            so_far = committed(line)
            assert cluster.kill_worker(0) >= 2
            finished(process, 1_200)
        finally:
            process.terminate()
    assert committed(line) > so_far + 5
    line.assert_equal()
