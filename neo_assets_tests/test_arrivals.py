"""The sensor: what it asks for, what it remembers, and that a fault of one import hides no other."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import dagster as dg
import pytest

from neo_assets import arrivals
from neo_assets.arrivals import DAYS_WATCHED, MAX_REQUESTS, Known, Noticed, Stamps, arrivals_sensor, notice
from neo_assets.automation import ARRIVED, EXTRACTED, IMPORTS, SEEDS, import_jobs
from neo_assets.recipe.imports import ImportSettings
from neo_assets.recipe.recipe import Recipe, load_recipe

DAYS = [f"2024-11-{day:02d}" for day in range(1, 31)]
LAST = DAYS[-1]
Files = dict[tuple[str, str], Stamps]


def daily(name: str) -> ImportSettings:
    return ImportSettings(kind="wet", paths=(f"/dumps/{name}/{{day}}/*.gz",), licence="any")


def fixed(name: str, day: str) -> ImportSettings:
    return ImportSettings(kind="wet", paths=(f"/dumps/{name}.gz",), arrived=date.fromisoformat(day), licence="any")


def recipe_of(**imports: ImportSettings) -> Recipe:
    recipe = load_recipe("mini")
    crawl = recipe.crawl.model_copy(update={"seed_lists": ("/seeds/*.txt",)})
    return recipe.model_copy(update={"imports": imports, "crawl": crawl})


class World:
    """A recipe with the files there are, and what is made; a tick changes what the sensor knows."""

    def __init__(self, **imports: ImportSettings) -> None:
        self.recipe = recipe_of(**imports)
        self.files: Files = {}
        self.seeds: Stamps = {}
        self.made: dict[dg.AssetKey, list[str]] = {}
        self.known: Known | None = None

    def look(self, settings: ImportSettings, day: date) -> Stamps:
        [name] = [name for name, other in self.recipe.imports.items() if other is settings]
        return self.files.get((day.isoformat(), name), {})

    def tick(self, days: list[str] = DAYS, look: Callable[[ImportSettings, date], Stamps] | None = None) -> Noticed:
        found = notice(
            self.recipe, days, look or self.look, lambda: self.seeds, self.known, lambda key: self.made.get(key, [])
        )
        self.known = Known.read(found.known.text)
        return found

    def ticks(self, **options: Any) -> Noticed:
        """Two ticks, between which files stay as they are; gives what the second found and both asked for."""
        first = self.tick(**options)
        second = self.tick(**options)
        return dataclasses.replace(second, requests=[*first.requests, *second.requests])

    def asked(self, **options: Any) -> list[str]:
        return [request.partition_key or "seeds" for request in self.ticks(**options).requests]


def test_files_are_asked_for_once_and_again_when_they_change() -> None:
    world = World(cc=daily("cc"))
    assert world.asked() == []
    world.files[LAST, "cc"] = {"a.gz": "10 1"}
    assert world.asked() == [LAST]
    assert world.asked() == []
    world.files[LAST, "cc"] = {"a.gz": "10 1", "b.gz": "10 1"}
    assert world.asked() == [LAST]
    world.files[LAST, "cc"] = {"a.gz": "10 2", "b.gz": "10 1"}
    assert world.asked() == [LAST]
    assert world.asked() == []


def test_files_that_come_back_as_they_were_get_another_run_key() -> None:
    world, keys = World(cc=daily("cc")), []
    for size in "121":
        world.files[LAST, "cc"] = {"a.gz": size}
        keys += [request.run_key for request in world.ticks().requests]
    assert len(set(keys)) == 3


def test_a_tick_whose_cursor_was_lost_repeats_its_run_keys() -> None:
    world = World(cc=daily("cc"))
    world.files[LAST, "cc"] = {"a.gz": "1"}
    world.tick()
    saved = world.known
    first = world.tick()
    world.known = saved
    assert [r.run_key for r in world.tick().requests] == [r.run_key for r in first.requests] != []


def test_files_that_still_change_are_waited_for() -> None:
    world = World(cc=daily("cc"))
    for size in range(5):
        world.files[LAST, "cc"] = {"a.gz": str(size)}
        found = world.tick()
        assert found.requests == []
        assert found.notes == [f"waiting until they stay as they are: {LAST} cc"]
    assert world.asked() == [LAST]


def test_files_that_are_taken_away_ask_for_nothing() -> None:
    world = World(cc=daily("cc"))
    world.files[LAST, "cc"] = {"a.gz": "1"}
    world.ticks()
    there, world.files = world.files, {}
    assert world.asked() == []
    world.files = there
    assert world.asked() == []


def test_two_imports_of_a_day_are_one_request() -> None:
    world = World(a=daily("a"), b=daily("b"))
    world.files = {(LAST, "a"): {"x": "1"}, (LAST, "b"): {"y": "1"}}
    [request] = world.ticks().requests
    assert request.tags["neo/imports"] == "a, b"
    assert request.job_name == "new_dumps" and request.partition_key == LAST


def test_the_chinese_line_follows_only_where_the_day_was_crawled() -> None:
    world = World(a=fixed("a", DAYS[0]), b=fixed("b", DAYS[1]))
    world.made[EXTRACTED] = [DAYS[1]]
    world.files = {(DAYS[0], "a"): {"x": "1"}, (DAYS[1], "b"): {"y": "1"}}
    alone, whole = world.ticks().requests
    assert alone.asset_selection == [IMPORTS]
    assert whole.asset_selection is None


def test_changed_seed_lists_ask_for_the_seeds_first() -> None:
    world = World(cc=daily("cc"))
    world.tick()
    world.seeds = {"/seeds/a.txt": "1"}
    world.files[LAST, "cc"] = {"a.gz": "1"}
    found = world.ticks()
    assert [request.job_name for request in found.requests] == ["new_seeds", "new_dumps"]
    assert world.asked() == []


def test_what_is_made_already_is_known_in_the_first_tick_only() -> None:
    world = World(cc=daily("cc"), later=daily("later"))
    world.made = {SEEDS: [""], IMPORTS: [LAST, DAYS[-2]]}
    world.seeds, world.files[LAST, "cc"] = {"s": "1"}, {"a.gz": "1"}
    assert world.asked() == []
    world.files[LAST, "later"] = {"b.gz": "1"}
    assert world.asked() == [LAST]
    world.seeds = {"s": "2"}
    assert world.asked() == ["seeds"]


def test_requests_are_bounded_and_the_rest_comes_later_oldest_first() -> None:
    world = World(cc=daily("cc"))
    world.files = {(day, "cc"): {"a.gz": day} for day in DAYS}
    watched = DAYS[-DAYS_WATCHED:]
    world.tick()
    asked = [[str(request.partition_key) for request in world.tick().requests] for _ in range(4)]
    assert [len(found) for found in asked] == [MAX_REQUESTS, MAX_REQUESTS, DAYS_WATCHED - 2 * MAX_REQUESTS, 0]
    assert [day for found in asked for day in found] == watched


def test_seeds_count_among_the_requests_of_a_tick() -> None:
    world = World(cc=daily("cc"))
    world.files = {(day, "cc"): {"a.gz": day} for day in DAYS}
    world.tick()
    world.seeds = {"s": "1"}
    assert len(world.tick().requests) == MAX_REQUESTS


def test_the_cursor_stays_small() -> None:
    world = World(cc=daily("cc"))
    for end in range(1, len(DAYS) + 1):
        world.files = {(day, "cc"): {"a.gz": day} for day in DAYS[:end]}
        world.ticks(days=DAYS[:end])
    assert world.known is not None and sorted(world.known.imports) == [f"{day} cc" for day in DAYS[-DAYS_WATCHED:]]


def test_an_import_that_left_the_recipe_leaves_the_cursor() -> None:
    world = World(cc=daily("cc"))
    world.files[LAST, "cc"] = {"a.gz": "1"}
    world.ticks()
    world.recipe = recipe_of()
    world.tick()
    assert world.known is not None and world.known.imports == {}


def test_an_import_that_cannot_be_listed_hides_no_other_and_is_named() -> None:
    world = World(broken=daily("broken"), cc=daily("cc"))
    world.files = {(LAST, "cc"): {"a.gz": "1"}, (LAST, "broken"): {"b.gz": "1"}}

    def look(settings: ImportSettings, day: date) -> Stamps:
        if "broken" in settings.paths[0]:
            raise OSError(f"no route to {day}")
        return world.look(settings, day)

    found = world.ticks(look=look)
    assert [request.partition_key for request in found.requests] == [LAST]
    assert f"{LAST} broken: OSError: no route to {LAST}" in found.notes
    assert world.asked() == [LAST]  # it answers again


def test_what_is_known_outlives_a_fault() -> None:
    world = World(cc=daily("cc"))
    world.files[LAST, "cc"] = {"a.gz": "1"}
    world.ticks()

    def look(settings: ImportSettings, day: date) -> Stamps:
        raise OSError

    assert world.asked(look=look) == []
    assert world.asked() == []


def test_an_import_that_does_not_answer_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LOOK_SECONDS", 0.3)
    world, end = World(slow=fixed("slow", LAST), cc=fixed("cc", LAST)), threading.Event()
    world.files[LAST, "cc"] = {"a.gz": "1"}

    def look(settings: ImportSettings, day: date) -> Stamps:
        if "slow" in settings.paths[0]:
            end.wait(30)
        return world.look(settings, day)

    try:
        found = world.ticks(look=look)
    finally:
        end.set()
    assert [request.partition_key for request in found.requests] == [LAST]
    assert found.notes == [f"{LAST} slow: TimeoutError: no answer within 0 s"]


def test_a_dump_of_no_crawl_day_is_named() -> None:
    found = World(early=fixed("early", "2030-01-01")).tick()
    assert found.requests == []
    assert found.notes == ["imports.early arrives on 2030-01-01, which is no crawl day yet"]


@pytest.mark.parametrize("cursor", ["", "x", "[]", "1", '{"other": 1}'])
def test_a_foreign_cursor_is_refused_in_one_line(cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor of this sensor"):
        Known.read(cursor)


def test_the_digest_depends_on_every_file_and_not_on_their_order() -> None:
    one, two = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert arrivals._digest(one) == arrivals._digest(two)
    for other in ({"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {"a": "2", "b": "1"}):
        assert arrivals._digest(other) != arrivals._digest(one)


# The sensor itself, over the assets of the repository's recipe.


@pytest.fixture
def world() -> World:
    return World(cc=fixed("cc", "2024-11-01"), far=fixed("far", "2031-01-01"))


def definitions_of(world: World) -> tuple[dg.SensorDefinition, dg.Definitions]:
    days = dg.DailyPartitionsDefinition("2024-11-01", end_date="2024-11-03")

    @dg.asset(key=SEEDS)
    def seeds() -> None: ...

    @dg.asset(key=IMPORTS, partitions_def=days)
    def imports() -> None: ...

    @dg.asset(key=ARRIVED, partitions_def=days)
    def arrived() -> None: ...

    @dg.asset(key=["chinese", "normalized"], group_name="chinese", partitions_def=days, deps=[imports, arrived])
    def normalized() -> None: ...

    jobs = import_jobs()
    sensor = arrivals_sensor(world.recipe, days, jobs, world.look, lambda: world.seeds)
    return sensor, dg.Definitions(assets=[seeds, imports, arrived, normalized], jobs=jobs, sensors=[sensor])


def evaluate(world: World, instance: dg.DagsterInstance, cursor: str | None) -> Any:
    sensor, definitions = definitions_of(world)
    context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
    return sensor.evaluate_tick(context)


def test_the_sensor_is_off_until_somebody_switches_it_on(world: World) -> None:
    sensor, _ = definitions_of(world)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.name == "new_dumps_and_seed_lists"


def test_a_tick_of_the_sensor(world: World) -> None:
    world.files["2024-11-01", "cc"] = {"a.gz": "1"}
    with dg.DagsterInstance.ephemeral() as instance:
        waiting = evaluate(world, instance, None)
        assert waiting.run_requests == []
        first = evaluate(world, instance, waiting.cursor)
        assert [(r.job_name, r.partition_key) for r in first.run_requests] == [("new_dumps", "2024-11-01")]
        second = evaluate(world, instance, first.cursor)
        assert second.run_requests == []
        assert second.skip_message == "imports.far arrives on 2031-01-01, which is no crawl day yet"
        assert json.loads(second.cursor)["n_requests"] == 1


def test_a_day_that_the_instance_knows_as_imported_is_not_asked_for(world: World) -> None:
    world.files["2024-11-01", "cc"] = {"a.gz": "1"}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(IMPORTS, partition="2024-11-01"))
        cursor = evaluate(world, instance, None).cursor
        assert json.loads(cursor)["imports"].keys() == {"2024-11-01 cc"}
        assert evaluate(world, instance, cursor).run_requests == []


def test_without_imports_it_says_that_nothing_is_new() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert evaluate(World(), instance, None).skip_message == "no new files"


def test_notes_are_bounded() -> None:
    text = arrivals.shortened([f"{n} " + "x\n" * 1000 for n in range(50)])
    assert len(text) < 4000 and "\n" not in text and text.endswith("and 40 more")


def test_stamps_may_hold_any_name() -> None:
    stamps: Mapping[str, str] = {"\udcff.gz": "1", "中.gz": "2"}
    assert len(arrivals._digest(stamps)) == 16
