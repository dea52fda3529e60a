"""Which engine moves the rows, as `NEO_ENGINE` says, and how a Dagster run holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from neo_assets.compute.protocol import SettingError
from neo_assets.compute.spark import LazySession
from neo_assets.compute.spark_settings import SparkSettings
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.protocol import Engine
from neo_assets.engine.work import default_workers
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe

ENGINE = "NEO_ENGINE"


class EngineError(SettingError):
    """A name of no engine."""


def engine_of(lake: Lake, recipe: Recipe) -> Engine:
    """The engine that `NEO_ENGINE` names: `local`, the default, or `spark`. Nothing is started.

    Raises:
        EngineError: it names no engine.
        SparkSettingsError: Spark's settings cannot be followed.
    """
    platform = recipe.platform
    match os.environ.get(ENGINE) or "local":
        case "local":
            return LocalEngine(
                workers=default_workers(), memory_limit=platform.memory_limit, part_rows=platform.part_rows
            )
        case "spark":
            from neo_assets.engine.spark.engine import SparkEngine

            session = LazySession(SparkSettings.from_environment(lake, platform.memory_limit))
            return SparkEngine(session=session, part_rows=platform.part_rows, scratch=session.scratch)
        case other:
            raise EngineError(f"{ENGINE}={other}: there are the engines local and spark")


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """Keep what the engine starts for the block. Blocks may overlap; when the last one ends, all of it is stopped."""
    session = getattr(engine, "session", None)
    if isinstance(session, LazySession):
        with session.hold():
            yield
    else:
        yield


def held_resource(engine: Engine, value: object) -> Any:
    """A Dagster resource that gives `value`, the engine or an IO manager over it, and holds the engine for a run."""

    def hold(_context: dg.InitResourceContext) -> Iterator[Any]:
        with held(engine):
            yield value

    kind: Any = dg.IOManagerDefinition if isinstance(value, dg.IOManager) else dg.ResourceDefinition
    return kind(resource_fn=hold)
