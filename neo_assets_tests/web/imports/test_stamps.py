"""Stamps of files: they change with a file, and one that is not there yet is nothing wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from neo_assets.recipe.imports import ImportSettings
from neo_assets.recipe.recipe import load_recipe
from neo_assets.web.crawler.seeds import SeedListError
from neo_assets.web.imports import stamps
from neo_assets.web.imports.httpfile import HttpError
from neo_assets.web.imports.remote import RemoteError
from neo_assets.web.imports.stamps import UnknownStampError, import_stamps, seed_stamps

DAY = date(2024, 11, 2)


def dumps(*paths: str, listing: str | None = None, segments: tuple[str, ...] = ()) -> ImportSettings:
    return ImportSettings(kind="wet", paths=paths, listing=listing, segments=segments, licence="any")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "2024-11-02").mkdir()
    for name in ("a.gz", "b.gz", "c.txt"):
        (tmp_path / "2024-11-02" / name).write_bytes(b"x")
    return tmp_path


def test_every_file_of_the_day_has_a_stamp(folder: Path) -> None:
    found = import_stamps(dumps(f"{folder}/{{day}}/*.gz"), DAY)
    assert sorted(found) == [f"{folder}/2024-11-02/a.gz", f"{folder}/2024-11-02/b.gz"]


def test_a_stamp_changes_with_size_or_time_alone(folder: Path) -> None:
    settings, file = dumps(f"{folder}/{{day}}/a.gz"), folder / "2024-11-02" / "a.gz"
    os.utime(file, ns=(1, 1))
    before = import_stamps(settings, DAY)
    assert import_stamps(settings, DAY) == before
    os.utime(file, ns=(1, 2))
    later = import_stamps(settings, DAY)
    file.write_bytes(b"xy")
    os.utime(file, ns=(1, 1))
    assert len({*before.values(), *later.values(), *import_stamps(settings, DAY).values()}) == 3


@pytest.mark.parametrize("path", ["/nowhere/{day}/*.gz", "/nowhere/{day}.gz", "seed://nowhere/{day}.gz"])
def test_files_that_are_not_there_yet_are_nothing_wrong(path: str) -> None:
    assert import_stamps(dumps(path), DAY) == {}


def test_segments_choose_files_but_not_the_listing(folder: Path) -> None:
    listing = f"{folder}/{{day}}/c.txt"
    found = import_stamps(dumps(f"{folder}/{{day}}/*.gz", listing=listing, segments=("*/b.*",)), DAY)
    assert sorted(Path(name).name for name in found) == ["b.gz", "c.txt"]


def test_an_address_that_has_no_file_yet_is_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def stamp(path: str) -> Mapping[str, object]:
        raise RemoteError(f"{path}: HTTP status 404") from HttpError(404, "HTTP status 404")

    monkeypatch.setattr(stamps, "stamp", stamp)
    assert import_stamps(dumps("http://a.test/{day}.gz"), DAY) == {}


def test_other_faults_of_a_server_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def stamp(path: str) -> Mapping[str, object]:
        raise RemoteError(f"{path}: HTTP status 403") from HttpError(403, "HTTP status 403")

    monkeypatch.setattr(stamps, "stamp", stamp)
    with pytest.raises(RemoteError, match="403"):
        import_stamps(dumps("http://a.test/{day}.gz"), DAY)


def test_a_server_that_does_not_answer_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "stamp", lambda path: {"size": None, "tag": None})
    with pytest.raises(UnknownStampError, match="neither size nor ETag"):
        import_stamps(dumps("http://a.test/{day}.gz"), DAY)


def test_seed_lists(tmp_path: Path) -> None:
    crawl = load_recipe("mini").crawl
    lists = crawl.model_copy(update={"seed_lists": (f"{tmp_path}/*.txt",)})
    with pytest.raises(SeedListError):
        seed_stamps(lists)
    (tmp_path / "a.txt").write_text("http://a.test/\n")
    assert list(seed_stamps(lists)) == [f"{tmp_path}/a.txt"]
    assert seed_stamps(crawl) == {}
