"""The chart beside a stand-in for its dependency, and what helm makes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from neo_assets_tests.helm.get_helm import helm
from neo_assets_tests.helm.stub import write_stub

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "helm" / "neo-assets"
RELEASE, NAMESPACE = "neo", "neo-chart-test"


class HelmError(AssertionError):
    """Helm refused; the message is its own."""


def run_helm(*arguments: str, kubeconfig: str | None = None) -> str:
    """Standard output of a helm command."""
    given = ["--kubeconfig", kubeconfig] if kubeconfig else []
    command = [helm() or "helm", *arguments, *given]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180)
    if result.returncode != 0:
        raise HelmError(f"{result.stdout}{result.stderr}")
    return result.stdout


@dataclass(frozen=True)
class Rendered:
    """All that a chart makes of some values."""

    text: str
    documents: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Rendered:
        return cls(text, [document for document in yaml.safe_load_all(text) if document])

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """The one document of that kind and name."""
        (found,) = [d for d in self.documents if (d["kind"], d["metadata"]["name"]) == (kind, name)]
        return found

    def kinds(self) -> set[tuple[str, str]]:
        return {(document["kind"], document["metadata"]["name"]) for document in self.documents}

    @cached_property
    def settings(self) -> dict[str, str]:
        """What pods find in /etc/neo."""
        return dict(self.named("ConfigMap", "neo-settings")["data"])

    @cached_property
    def environment(self) -> dict[str, str]:
        return dict(self.named("ConfigMap", "neo-environment")["data"])


@dataclass(frozen=True)
class Chart:
    """A copy of the chart that helm can render."""

    folder: Path

    @classmethod
    def beside_a_stub(cls, folder: Path) -> Chart:
        shutil.copytree(SOURCE, folder / "neo-assets")
        write_stub(folder / "neo-assets")
        return cls(folder / "neo-assets")

    def arguments(self, values: Iterable[str] = (), given: dict[str, Any] | None = None) -> list[str]:
        """Command line for files of the chart, and values laid over them."""
        files = [argument for name in values for argument in ("--values", str(self.folder / name))]
        return files + [a for key, value in (given or {}).items() for a in ("--set-json", f"{key}={json.dumps(value)}")]

    def render(self, *values: str, **given: Any) -> Rendered:
        """Documents for files of the chart and values; keys of those are written with `__` for a dot."""
        told = {key.replace("__", "."): value for key, value in given.items()}
        text = run_helm("template", RELEASE, str(self.folder), "--namespace", NAMESPACE, *self.arguments(values, told))
        return Rendered.of(text)
