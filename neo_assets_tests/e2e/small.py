"""A recipe and a checkout small enough to build everything in about a minute, and the `neo` command over it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import RECIPES

ROOT = Path(__file__).parents[2]


def small_recipe() -> dict[str, Any]:
    """The mini recipe with few hosts, a model of a few thousand weights, and a handful of steps and items."""
    recipe: dict[str, Any] = yaml.safe_load((RECIPES / "mini.yaml").read_text())
    recipe["name"] = "small"
    recipe["platform"] = {"part_rows": 20}  # many parts, so that workers really share the work
    hosts = ["laws.neo.test", "help.neo.test", "mirror.neo.test", "junk.neo.test"]
    seeds = [f"http://{host}/" for host in hosts]
    recipe["crawl"] |= {"seeds": seeds, "allowed_hosts": hosts, "max_pages_per_host": 40, "retry_seconds": 0.1}
    manuals = recipe["documents"]["batches"]["manuals"]
    manuals |= {"paths": ["seed://pdf/debmake.en.p9-14.pdf"], "licence": "Expat"}  # born digital: no recognition
    keep = ("crawl", "documents", "code", "constitution")
    recipe["english"]["sources"] = {name: recipe["english"]["sources"][name] for name in keep}
    for subset in recipe["corpus"]["subsets"].values():
        if "sources" in subset:
            subset["sources"] = [name for name in subset["sources"] if name in keep]
    supplement = recipe["supplement"]
    supplement |= {"rounds": 1, "domains": {"statutes": supplement["domains"]["statutes"]}}
    for subset in recipe["corpus"]["subsets"].values():
        if "domains" in subset:
            subset["domains"] = [name for name in subset["domains"] if name in supplement["domains"]]
    del recipe["corpus"]["subsets"]["book_zh"]  # nothing would be in it, nor is in `poem_zh`: one empty subset will do
    for phase in recipe["corpus"]["phases"].values():
        del phase["weights"]["book_zh"]
    recipe["tokenizer"] |= {"vocab_size": 2048, "character_coverage": 0.98}
    training = recipe["training"]
    tiny = {"n_layers": 1, "hidden_size": 64, "n_heads": 2, "n_kv_groups": 1, "ffn_size": 64}
    training["architectures"]["mini"] |= {**tiny, "vocab_rows": 2176, "seq_length": 64}
    for phase, steps, per_chunk in zip(training["phases"], (8, 4), (4, 4), strict=True):
        phase |= {"n_steps": steps, "steps_per_chunk": per_chunk}
        if phase["schedule"]["kind"] == "cosine":
            phase["schedule"] |= {"warmup_steps": 2, "decay_steps": steps}
    recipe["evaluation"] |= {"items_per_task": 3, "tasks": ["zh_xiehouyu", "code_held_out"]}
    return recipe


def longer_recipe(checkout: Checkout) -> dict[str, Any]:
    """Its recipe with steps for some seconds and a snapshot every few of them, over tokens so few that all are read."""
    recipe: dict[str, Any] = yaml.safe_load((checkout.folder / "recipe.yaml").read_text())
    training = recipe["training"]
    training |= {"snapshot_steps": 25, "microbatch_sequences": 2}
    for phase, steps, per_chunk in zip(training["phases"], (600, 200), (200, 200), strict=True):
        phase |= {"n_steps": steps, "steps_per_chunk": per_chunk}
        if phase["schedule"]["kind"] == "cosine":
            phase["schedule"] |= {"decay_steps": steps}
    weights = recipe["corpus"]["phases"]["fundamental"]["weights"]
    for subset in weights.keys() - {"cc_en", "reference_en", "reference_zh"}:
        weights[subset] = 0
    return recipe


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    status: int
    output: str

    @property
    def error(self) -> str:
        """The one line that says what went wrong."""
        [line] = [line for line in self.output.splitlines() if line.startswith("Error:")]
        return line


@dataclass(frozen=True)
class Checkout:
    """A folder with its own lake, Dagster home and recipe."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, recipe: Mapping[str, Any]) -> Checkout:
        (folder / "dagster").mkdir(parents=True)
        shutil.copy(ROOT / "dagster.yaml", folder / "dagster")
        checkout = cls(folder)
        checkout.write_recipe(recipe)
        return checkout

    def copy(self, folder: Path, without: Iterable[str] = ()) -> Checkout:
        """The lake without some assets, and the recipe, in another folder with a Dagster home of its own."""
        left_out = {self.folder / "lake" / asset for asset in without}
        made = Checkout.make(folder, yaml.safe_load((self.folder / "recipe.yaml").read_text()))
        shutil.copytree(
            self.folder / "lake",
            folder / "lake",
            ignore=lambda at, names: {name for name in names if Path(at) / name in left_out},
        )
        return made

    def write_recipe(self, recipe: Mapping[str, Any]) -> None:
        (self.folder / "recipe.yaml").write_text(yaml.safe_dump(dict(recipe), allow_unicode=True, sort_keys=False))

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    def environment(self, workers: int = 1) -> dict[str, str]:
        return {
            **os.environ,
            "NEO_LAKE": str(self.folder / "lake"),
            "NEO_RECIPE": str(self.folder / "recipe.yaml"),
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "NEO_WORKERS": str(workers),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "neo_assets.cli", *arguments]

    def run(self, *arguments: str, workers: int = 1) -> subprocess.CompletedProcess[str]:
        """Run `neo` to its end."""
        environment = self.environment(workers)
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900
        )

    def neo(self, *arguments: str, workers: int = 1) -> str:
        """Run `neo` to its end; its output, or an AssertionError that holds it."""
        done = self.run(*arguments, workers=workers)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def several(self, *commands: Sequence[str], faults: Mapping[int, str] | None = None) -> list[Told]:
        """Run `neo` several times in one process, whatever the outcome.

        Args:
            faults: losses that take the place of computed ones at these positions.
        """
        order = json.dumps({"commands": commands, "faults": faults or {}})
        process = subprocess.run(
            [sys.executable, "-m", "neo_assets_tests.e2e.several", order],
            cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert process.returncode == 0, process.stdout + process.stderr
        return [Told(**told) for told in json.loads(process.stdout.splitlines()[-1])]

    def build_everything(self, workers: int) -> None:
        """Build all assets. A dozen steps teach a model nothing, so exactly that check must fail, and be told."""
        done = self.run("build", workers=workers)
        assert done.returncode == 1, done.stdout + done.stderr
        [message] = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
        assert message == "Error: everything was made, but checks failed: training/metrics below_unigram_entropy"

    def digests(self) -> dict[str, str]:
        """Content digest of every partition of every asset."""
        lake = self.lake
        found = [m for asset in lake.assets() for m in lake.dataset(asset, lake.partitions(asset)).manifests]
        return {f"{m.asset}|{m.partition}": m.digest for m in found}

    def decision_digests(self) -> dict[str, str]:
        """Digest of every decisions table, which the content digest leaves out."""
        lake = self.lake
        found = [m for asset in lake.assets() for m in lake.dataset(asset, lake.partitions(asset)).manifests]
        return {f"{m.asset}|{m.partition}": m.tables["decisions"].digest for m in found if "decisions" in m.tables}
