"""The engine that NEO_ENGINE names, and how a Dagster run holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neo_assets.compute import spark
from neo_assets.compute.engines import EngineError, engine_of, held, held_resource
from neo_assets.compute.spark import LazySession
from neo_assets.engine.local import LocalEngine
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import load_recipe


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def test_local_is_the_default(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO_ENGINE", raising=False)
    monkeypatch.setenv("NEO_WORKERS", "3")
    recipe = load_recipe()
    assert engine_of(lake, recipe) == LocalEngine(
        workers=3, memory_limit=recipe.platform.memory_limit, part_rows=recipe.platform.part_rows
    )


def test_spark_starts_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_ENGINE", "spark")
    monkeypatch.setenv("NEO_SPARK_MASTER", "spark://10.0.0.7:7077")
    engine: Any = engine_of(lake, load_recipe())
    assert engine.name == "spark"
    assert isinstance(engine.session, LazySession)
    assert engine.scratch().root == f"{lake.root}/.scratch"


def test_a_name_of_no_engine_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_ENGINE", "dask")
    with pytest.raises(EngineError, match="NEO_ENGINE=dask: there are the engines local and spark"):
        engine_of(lake, load_recipe())


def test_choosing_either_imports_no_spark() -> None:
    code = """
import os, sys
from neo_assets.compute.engines import engine_of, held
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import load_recipe
for name in ("local", "spark"):
    os.environ["NEO_ENGINE"] = name
    with held(engine_of(Lake("/nowhere"), load_recipe())):
        print(sorted({"pyspark", "dagster_pyspark", "py4j"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


class _Manager(dg.IOManager):
    def load_input(self, context: dg.InputContext) -> None: ...

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        asked.append("written")


asked: list[str] = []


class _Session(LazySession):
    """Says when it is let go."""

    def __init__(self) -> None:
        self._told = asked
        super().__init__(spark.SparkSettings())

    def _close(self) -> None:
        asked.append("stopped")


class _Engine:
    name = "spark"

    def __init__(self) -> None:
        self.session = _Session()


def test_a_run_holds_it_to_its_end_and_a_build_over_many_runs() -> None:
    asked.clear()
    engine: Any = _Engine()

    @dg.asset(required_resource_keys={"engine"})
    def made(context) -> int:  # type: ignore[no-untyped-def]  # Dagster reads annotations as values
        assert context.resources.engine is engine
        return 1

    @dg.asset
    def without_it() -> int:
        return 1

    def run(*assets: dg.AssetsDefinition) -> None:
        resources = {"engine": held_resource(engine, engine), "io_manager": held_resource(engine, _Manager())}
        with dg.DagsterInstance.ephemeral() as instance:
            assert dg.materialize(assets, resources=resources, instance=instance).success

    run(made)
    assert asked == ["written", "stopped"]
    asked.clear()
    run(without_it)
    assert asked == ["written", "stopped"], "its IO manager writes with the engine"
    asked.clear()
    with held(engine):
        run(made)
        run(made)
        assert asked == ["written", "written"]
    assert asked == ["written", "written", "stopped"]


def test_what_holds_nothing_is_left_alone() -> None:
    with held(LocalEngine()):
        assert held_resource(LocalEngine(), LocalEngine()).resource_fn is not None
