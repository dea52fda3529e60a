"""What is stale and why, and that a build makes exactly that."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from sqlalchemy import NullPool, create_engine

from neo_assets.build import Graph, Node, SelectionError, run_in_process
from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.metadata import OBSERVED, RECIPE_KEY, TOLD
from neo_assets.partitions import ALL, PREVIOUS, UP_TO, ordinal

DAYS = dg.DailyPartitionsDefinition(start_date="2024-11-01", end_date="2024-11-04")
STEPS = ordinal("step", 3)
NUMBERS = {"2024-11-01": [1, 2], "2024-11-02": [30], "2024-11-03": [4, 50]}


def definitions(
    lake: Lake, *, limit: int = 10, doubled_code: str = "a", numbers: dict[str, list[int]] = NUMBERS
) -> Any:
    """numbers (days) → kept (days, numbers under a limit) → doubled (days) → total (all days) → chain (ordinals)."""

    def attributes(code: str, **recipe: int) -> dict[str, Any]:
        version = f"{code}-{sorted(recipe.items())}"
        return {
            "code_version": version,
            "metadata": {RECIPE_KEY: dg.MetadataValue.json(recipe)},
            "dagster_type": dg.Any,
        }

    @dg.asset(name="numbers", key_prefix="t", partitions_def=DAYS, **attributes("n"))
    def source(context: dg.AssetExecutionContext) -> Any:
        return pa.table({"n": pa.array(numbers[context.partition_key], pa.int64())})

    @dg.asset(
        key_prefix="t", partitions_def=DAYS, ins={"given": dg.AssetIn(["t", "numbers"])}, **attributes("k", limit=limit)
    )
    def kept(given: Dataset) -> Any:
        table = given.read()
        return table.filter([n < limit for n in table["n"].to_pylist()])

    up_to = {"given": dg.AssetIn(["t", "kept"], partition_mapping=UP_TO)}

    @dg.asset(key_prefix="t", partitions_def=DAYS, ins=up_to, **attributes(doubled_code))
    def doubled(given: Dataset) -> Any:
        return pa.table({"n": pa.array([2 * n for n in given.read()["n"].to_pylist()], pa.int64())})

    @dg.asset(key_prefix="t", ins={"given": dg.AssetIn(["t", "doubled"], partition_mapping=ALL)}, **attributes("t"))
    def total(given: Dataset) -> Any:
        return pa.table({"n": pa.array([sum(given.read()["n"].to_pylist())], pa.int64())})

    links = {"before": dg.AssetIn(["t", "chain"], partition_mapping=PREVIOUS), "total": dg.AssetIn(["t", "total"])}

    @dg.asset(key_prefix="t", partitions_def=STEPS, ins=links, **attributes("c"))
    def chain(before: Dataset, total: Dataset) -> Any:
        last = before.read()["n"][0].as_py() if before else 0
        return pa.table({"n": pa.array([last + total.read()["n"][0].as_py()], pa.int64())})

    return dg.Definitions(
        assets=[source, kept, doubled, total, chain],
        resources={"io_manager": LakeIOManager(lake, LocalEngine())},
        executor=dg.in_process_executor,
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@contextmanager
def building(lake: Lake) -> Iterator[Callable[..., list[str]]]:
    """Builds everything (or a selection) with given changes; gives what was made, in order."""
    with dg.instance_for_test() as instance:

        def run(selection: str | None = None, force: bool = False, **changes: Any) -> list[str]:
            found = definitions(lake, **changes)
            graph = Graph(found, lake)
            nodes = graph.select(selection, None, upstream=not force)
            outcomes = list(graph.build(nodes, run_in_process(found, instance), force))
            assert all(outcome.error is None for outcome in outcomes), outcomes
            return [str(node) for outcome in outcomes for node in outcome.nodes]

        yield run


@pytest.fixture
def build(lake: Lake) -> Iterator[Callable[..., list[str]]]:
    with building(lake) as run:
        yield run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in which everything was built once."""
    lake = Lake(str(tmp_path_factory.mktemp("whole") / "lake"))
    with building(lake) as run:
        run()
    return lake


@pytest.fixture
def built(whole: Lake, lake: Lake) -> Lake:
    """A copy of it: where a lake lies, and what Dagster knows of its making, say nothing of what is stale."""
    shutil.copytree(whole.root, lake.root)
    return lake


def values(lake: Lake, asset: str) -> dict[str | None, list[int]]:
    return {p: lake.dataset(asset, [p]).read()["n"].to_pylist() for p in lake.partitions(asset)}


def test_builds_everything_once(lake: Lake, build: Callable[..., list[str]]) -> None:
    made = build()
    assert len(made) == len(set(made)) == 3 * 3 + 1 + 3
    assert values(lake, "t/total") == {None: [2 * (1 + 2) + 2 * (1 + 2) + 2 * (1 + 2 + 4)]}
    assert values(lake, "t/chain") == {"step_001": [26], "step_002": [52], "step_003": [78]}
    assert build() == []


def test_a_changed_limit_rebuilds_exactly_what_it_reaches(built: Lake, build: Callable[..., list[str]]) -> None:
    graph = Graph(definitions(lake, limit=40), built)
    states = graph.states(graph.select(None, None))
    assert {str(node) for node, state in states.items() if state is None} == {f"t/numbers|{day}" for day in NUMBERS}
    assert str(states[Node("t/kept", "2024-11-01")]) == "recipe changed: limit 10 → 40"
    made = build(limit=40)
    # Only the second day holds a number between the limits: the first day's rows stay as they are, and so do those
    # made from them alone.
    assert {m for m in made if m.startswith("t/kept")} == {f"t/kept|{day}" for day in NUMBERS}
    assert "t/doubled|2024-11-01" not in made
    assert {m for m in made if not m.startswith("t/kept")} == {
        *("t/doubled|2024-11-02", "t/doubled|2024-11-03", "t/total"),
        *("t/chain|step_001", "t/chain|step_002", "t/chain|step_003"),
    }
    assert build(limit=40) == []


def test_a_change_without_effect_goes_no_further(built: Lake, build: Callable[..., list[str]]) -> None:
    made = build(limit=11)
    assert set(made) == {f"t/kept|{day}" for day in NUMBERS}


def test_changed_code_is_named(built: Lake, build: Callable[..., list[str]]) -> None:
    graph = Graph(definitions(lake, doubled_code="b"), built)
    state = graph.stale(Node("t/doubled", "2024-11-02"))
    assert state is not None and state.kind == "code changed"
    assert set(build(doubled_code="b")) == {f"t/doubled|{day}" for day in NUMBERS}


def test_an_input_changed_outside_is_noticed(built: Lake, build: Callable[..., list[str]]) -> None:
    build("key:t/numbers", force=True, numbers={**NUMBERS, "2024-11-03": [5, 50]})
    graph = Graph(definitions(lake), built)
    state = graph.stale(Node("t/kept", "2024-11-03"))
    assert state is not None and str(state) == "input changed: t/numbers|2024-11-03"
    assert graph.stale(Node("t/kept", "2024-11-02")) is None


def test_selection_takes_what_it_needs(lake: Lake, build: Callable[..., list[str]]) -> None:
    assert set(build("key:t/kept")) == {f"t/{name}|{day}" for name in ("numbers", "kept") for day in NUMBERS}


def test_a_failure_stops_and_is_told(lake: Lake) -> None:
    with dg.instance_for_test() as instance:
        found = definitions(lake, numbers={"2024-11-01": [1]})
        graph = Graph(found, lake)
        outcomes = list(graph.build(graph.select(None, None), run_in_process(found, instance)))
    assert outcomes[-1].error is not None
    assert outcomes[-1].error.startswith("t/numbers: ") and "2024-11-02" in outcomes[-1].error
    assert values(lake, "t/numbers") == {"2024-11-01": [1]}


@pytest.mark.parametrize(("raised", "n_lines"), [(DagsterExecutionInterruptedError(), 0), (MemoryError(), 1)])
def test_an_interrupt_while_a_connection_is_closed_is_no_line_of_the_log(
    raised: BaseException, n_lines: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, lake: Lake
) -> None:
    run_in_process(definitions(lake), dg.DagsterInstance.ephemeral())

    def close(_connection: Any) -> None:
        raise raised

    engine = create_engine("sqlite://", poolclass=NullPool)
    connection = engine.connect()
    monkeypatch.setattr(engine.dialect, "do_close", close)
    with suppress(DagsterExecutionInterruptedError):
        connection.close()
    assert len(caplog.records) == n_lines


def test_selections_that_name_nothing(lake: Lake) -> None:
    graph = Graph(definitions(lake), lake)
    with pytest.raises(SelectionError, match="selects no asset"):
        graph.select("key:t/nothing", None)
    with pytest.raises(SelectionError, match=r"no selected asset has partition '2026-12-24'; there are 2024-11-01"):
        graph.select("key:t/kept", "2026-12-24")


def test_an_observation_is_made_anew_only_when_it_is_told_otherwise(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"2024-11-01": {"a": 1}, "2024-11-02": {}}
    monkeypatch.setattr("neo_assets.build.load_recipe", lambda: SimpleNamespace(arrivals=told.get))

    def observing(code: str, observed: bool | str) -> dg.Definitions:
        @dg.asset(
            name="seen", key_prefix="t", partitions_def=DAYS, code_version=code,
            metadata={RECIPE_KEY: dg.MetadataValue.json({}), OBSERVED: observed},
        )  # fmt: skip
        def seen() -> None:
            return None

        return dg.Definitions(assets=[seen])

    for day, what in told.items():
        writer = lake.writer("t/seen", day)
        writer.table(pa.table({"n": [1]}))
        writer.commit(Provenance(code_version="old"), metadata={TOLD: what})
    told["2024-11-01"] = {"a": 2}
    graph = Graph(observing("new", "arrivals"), lake)
    assert str(graph.stale(Node("t/seen", "2024-11-01"))) == "recipe changed: a 1 → 2"
    assert graph.stale(Node("t/seen", "2024-11-02")) is None
    assert str(graph.stale(Node("t/seen", "2024-11-03"))) == "missing"
    assert Graph(observing("new", True), lake).stale(Node("t/seen", "2024-11-01")) is None
