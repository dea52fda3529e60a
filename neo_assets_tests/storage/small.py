"""The small checkout with its lake in a bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neo_assets.lake.lake import Lake
from neo_assets_tests.e2e.small import ROOT, Checkout


@dataclass(frozen=True)
class InBucket(Checkout):
    """What its commands say is kept in a file."""

    @classmethod
    def at(cls, root: str, folder: Path, recipe: Mapping[str, Any]) -> InBucket:
        """A new one over an empty bucket."""
        cls.make(folder, recipe)
        (folder / "root").write_text(root)
        return cls(folder)

    @classmethod
    def like(cls, other: Checkout, root: str, folder: Path, assets: Collection[str]) -> InBucket:
        """A new one with what another holds of these assets."""
        checkout = cls.at(root, folder, yaml.safe_load((other.folder / "recipe.yaml").read_text()))
        source, target = other.lake.store, checkout.lake.store
        paths = [path for path in source.files("") if "/".join(path.split("/")[:2]) in assets]
        target.each(lambda path: target.replace(path, source.read(path)), paths)
        return checkout

    @property
    def lake(self) -> Lake:
        return Lake((self.folder / "root").read_text())

    def environment(self, workers: int = 1) -> dict[str, str]:
        return {**super().environment(workers), "NEO_LAKE": self.lake.root, "NEO_WORK": str(self.folder / "work")}

    def run(self, *arguments: str, workers: int = 1) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.environment(workers),
            capture_output=True, text=True, timeout=3600,
        )  # fmt: skip
        with (self.folder / "commands.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        return done
