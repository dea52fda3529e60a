"""One session for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neo_assets.compute.spark import LazySession
from neo_assets_tests.spark.sessions import small_session


@pytest.fixture(scope="session")
def spark() -> Iterator[LazySession]:
    """A session of this machine with two tasks at a time; stopped, with its Java, after the last test."""
    session = small_session()
    with session.hold():
        yield session
