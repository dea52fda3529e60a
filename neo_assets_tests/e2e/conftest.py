"""The whole small line, built once for all tests that look at it; those that change it take a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neo_assets_tests.e2e.small import Checkout, longer_recipe, small_recipe

TRAINING = ("order", "chunk", "checkpoint", "exposures", "ledger")


def once(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Checkout:
    """What `build` makes in a folder, made by the first of the test processes that asks for it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = folder / f"{name}.built"
        if not built.exists():
            shutil.rmtree(folder / name, ignore_errors=True)
            build(folder / name)
            built.touch()
    return Checkout(folder / name)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Everything, built by one worker."""

    def build(folder: Path) -> None:
        Checkout.make(folder, small_recipe()).build_everything(workers=1)

    return once(tmp_path_factory, "everything", build)


@pytest.fixture(scope="session")
def trained(everything: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The same tokens, trained on for longer, and the lineage of that."""

    def build(folder: Path) -> None:
        keys = [*(f"training/{name}" for name in TRAINING), "release/exposure_index"]
        checkout = everything.copy(folder, without=keys)
        checkout.write_recipe(longer_recipe(everything))
        checkout.neo("build", " or ".join(f'key:"{key}"' for key in keys), "--no-upstream")

    return once(tmp_path_factory, "trained", build)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with a module that has everything built: other processes do what needs none of it instead of waiting."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")
