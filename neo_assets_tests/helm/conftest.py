"""One copy of the chart for all tests of this folder."""

from __future__ import annotations

import pytest

from neo_assets_tests.helm.rendering import Chart


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart.beside_a_stub(tmp_path_factory.mktemp("chart"))
