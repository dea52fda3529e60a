"""The sensor of documents: what it converts and hands on, what it remembers, and that a fault hides nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date

import dagster as dg
import pytest

from neo_assets.arrivals import MAX_REQUESTS, Stamps
from neo_assets.automation import ARRIVED, CORRECTED, document_jobs
from neo_assets.document_arrivals import Known, Noticed, State, document_sensor, notice
from neo_assets.documents.files.sources import SourceError
from neo_assets.partitions import crawl_days, document_batches
from neo_assets.recipe.documents import BatchSettings, DocumentsSection, InboxSettings

DAYS = ["2024-11-01", "2024-11-02"]
INBOX = InboxSettings(path="/inbox", licence="any")


def batch(day: str = DAYS[0]) -> BatchSettings:
    return BatchSettings(paths=("/documents/*.pdf",), arrived=date.fromisoformat(day), licence="any")


class World:
    """Batches with their files, and what is converted; a tick changes what the sensor knows."""

    def __init__(self, *folders: str, **batches: BatchSettings) -> None:
        self.documents = DocumentsSection(batches=batches, inbox=INBOX)
        self.folders: list[str] = list(folders)
        self.files: dict[str, Stamps] = {}
        self.converted: dict[str, str] = {}
        self.ready: set[str] = set()
        self.known: Known | None = None

    def inbox(self, settings: InboxSettings) -> Sequence[str]:
        assert settings is self.documents.inbox
        return self.folders

    def look(self, settings: BatchSettings) -> Stamps:
        for name in (*self.documents.batches, *self.folders):
            if self.documents.batch(name) == settings:
                return self.files.get(name, {})
        raise AssertionError(settings)

    def tick(self) -> Noticed:
        state = State(self.converted, frozenset(self.ready))
        found = notice(self.documents, DAYS, self.inbox, self.look, self.known, state)
        self.known = Known.read(found.known.text)
        return found

    def ticks(self) -> Noticed:
        """Two ticks, between which files stay as they are; gives what the second found and both asked for."""
        first, second = self.tick(), self.tick()
        return dataclasses.replace(second, requests=[*first.requests, *second.requests])

    def asked(self) -> list[tuple[str | None, str | None]]:
        return [(request.job_name, request.partition_key) for request in self.ticks().requests]


def test_a_batch_is_converted_once_and_again_when_its_files_change() -> None:
    world = World(papers=batch())
    assert world.asked() == []
    world.files["papers"] = {"a.pdf": "10 1"}
    assert world.asked() == [("new_documents", "papers")]
    assert world.asked() == []
    world.files["papers"] = {"a.pdf": "10 2"}
    assert world.asked() == [("new_documents", "papers")]


def test_files_still_being_copied_are_waited_for() -> None:
    world = World(papers=batch())
    world.tick()
    for size in range(3):
        world.files["papers"] = {"a.pdf": f"{size} 1"}
        found = world.tick()
        assert not found.requests and "waiting" in found.notes[-1]
    assert [request.partition_key for request in world.tick().requests] == ["papers"]


def test_a_new_folder_of_the_inbox_is_a_batch() -> None:
    world = World("2024-11-02-books-1")
    world.files["2024-11-02-books-1"] = {"a.pdf": "1"}
    found = world.ticks()
    assert found.batches == ["2024-11-02-books-1"]
    assert [request.partition_key for request in found.requests] == ["2024-11-02-books-1"]


def test_a_converted_batch_is_handed_to_the_lines_of_its_day() -> None:
    world = World(papers=batch())
    world.files["papers"] = {"a.pdf": "1"}
    world.ticks()
    world.converted["papers"] = "v1"
    [request] = world.ticks().requests
    assert (request.job_name, request.partition_key) == ("documents_of_a_day", DAYS[0])
    assert request.asset_selection == [ARRIVED]
    assert world.asked() == []
    world.converted["papers"], world.ready = "v2", {DAYS[0]}
    [request] = world.ticks().requests
    assert request.asset_selection is None


def test_what_is_made_when_it_is_switched_on_is_known() -> None:
    world = World(papers=batch())
    world.files["papers"], world.converted["papers"] = {"a.pdf": "1"}, "v1"
    assert world.asked() == []
    world.converted["papers"] = "v2"
    assert world.asked() == [("documents_of_a_day", DAYS[0])]


def test_a_tick_asks_for_a_bounded_number_of_runs() -> None:
    names = [f"batch{number}" for number in range(MAX_REQUESTS + 2)]
    # Batches look alike to the stand-in but for their days, so each gets a licence of its own.
    batches = {name: batch().model_copy(update={"licence": name}) for name in names}
    world = World(**batches)
    world.files = {name: {"a.pdf": "1"} for name in names}
    world.tick()
    assert len(world.tick().requests) == MAX_REQUESTS
    assert len(world.tick().requests) == 2
    assert not world.tick().requests


def test_a_batch_that_cannot_be_listed_hides_no_other() -> None:
    world = World(good=batch(), bad=batch().model_copy(update={"licence": "other"}), late=batch("2025-01-01"))
    world.files["good"] = {"a.pdf": "1"}

    def look(settings: BatchSettings) -> Stamps:
        if settings.licence == "other":
            raise PermissionError("/documents: permission denied")
        return world.look(settings)

    known = None
    for _ in range(2):
        found = notice(world.documents, DAYS, world.inbox, look, known, State({}, frozenset()))
        known = found.known
    assert [request.partition_key for request in found.requests] == ["good"]
    assert any("bad: PermissionError" in note for note in found.notes)
    assert any("late arrived on 2025-01-01, which is no crawl day" in note for note in found.notes)


def test_an_inbox_that_cannot_be_listed_is_told() -> None:
    def inbox(_: InboxSettings) -> Sequence[str]:
        raise SourceError("/inbox: no access; mend the path or the access to it")

    world = World(papers=batch())
    found = notice(world.documents, DAYS, inbox, world.look, None, State({}, frozenset()))
    assert found.notes == ["documents.inbox: SourceError: /inbox: no access; mend the path or the access to it"]


def test_a_strange_cursor_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor of this sensor"):
        Known.read('{"x": 1}')


def test_the_sensor_adds_partitions_and_reads_what_the_instance_knows() -> None:
    world = World(papers=batch("2024-11-01"))
    world.files["papers"] = {"a.pdf": "1"}
    sensor = document_sensor(world.documents, crawl_days, document_jobs(), world.inbox, world.look)
    with dg.instance_for_test() as instance:
        cursor = None
        for tick in range(2):
            with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
                result = sensor(context)
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            assert len(result.run_requests or []) == tick
        [added] = result.dynamic_partitions_requests or []
        assert added.partition_keys == ["papers"]
        instance.add_dynamic_partitions(str(document_batches.name), ["papers"])
        tags = {"dagster/data_version": "v1"}
        instance.report_runless_asset_event(dg.AssetMaterialization(CORRECTED, partition="papers", tags=tags))
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        assert [request.job_name for request in result.run_requests or []] == ["documents_of_a_day"]
        assert not result.dynamic_partitions_requests
