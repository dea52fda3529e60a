"""The whole small line, built once for all tests that look at it; those that change it take a copy."""

from __future__ import annotations

import fcntl
import os

import pytest

from neo_assets_tests.e2e.small import Checkout, small_recipe


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Everything, built by one worker; test processes of one session share it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "everything.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        checkout, built = Checkout(folder / "everything"), folder / "everything.built"
        if not built.exists():
            checkout = Checkout.make(checkout.folder, small_recipe())
            checkout.build_everything(workers=1)
            built.touch()
    return checkout
