"""Which files an import has on a day."""

from __future__ import annotations

import gzip
import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from neo_assets.recipe.imports import ImportSettings
from neo_assets.web.imports.segments import ImportFault, segments_of
from neo_assets_tests.web.fileserver import Files, served

DAY = date(2026, 11, 1)


def of(day: date = DAY, **given: Any) -> list[str]:
    arrived = None if "{day}" in str(given) else day
    return segments_of("cc", ImportSettings(**{"kind": "warc", "arrived": arrived, "licence": "MIT", **given}), day)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("2026-11-01/b.gz", "2026-11-01/a.gz", "2026-11-02/c.gz", "d.json.gz", "d.signals.json.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_paths_are_sorted_and_name_the_day(folder: Path) -> None:
    both = (f"{folder}/{{day}}/b.gz", f"{folder}/{{day}}/*.gz")
    assert of(paths=both) == [f"{folder}/2026-11-01/a.gz", f"{folder}/2026-11-01/b.gz"]
    assert of(date(2026, 11, 2), paths=both[1:]) == [f"{folder}/2026-11-02/c.gz"]


def test_segments_are_chosen_by_glob_and_number(folder: Path) -> None:
    paths = (f"{folder}/*/*.gz",)
    assert of(paths=paths, segments=("*/b.gz", "*/c.gz")) == [f"{folder}/2026-11-01/b.gz", f"{folder}/2026-11-02/c.gz"]
    assert of(paths=paths, max_segments=1) == [f"{folder}/2026-11-01/a.gz"]


def test_signals_are_no_segments_of_their_own(folder: Path) -> None:
    assert of(paths=(f"{folder}/d*",), kind="redpajama") == [f"{folder}/d.json.gz"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_listing_has_a_path_a_line(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "warc.paths.gz").write_bytes(
        pack(b"# a dump\ncrawl/2.warc.gz\r\n\n crawl/1.warc.gz\ncrawl/2.warc.gz\n")
    )
    found = of(listing=f"{tmp_path}/warc.paths.gz", base="https://data.test/")
    assert found == ["https://data.test/crawl/1.warc.gz", "https://data.test/crawl/2.warc.gz"]


def test_a_listing_comes_over_http_too() -> None:
    with served(Files({"/warc.paths.gz": gzip.compress(b"1\n")})) as base:
        assert of(listing=f"{base}/warc.paths.gz", base="s3://b/") == ["s3://b/1"]
        with pytest.raises(ImportFault, match=r"/wet.paths.gz: HTTP status 404; mend imports\.cc\.listing$"):
            of(listing=f"{base}/wet.paths.gz")


@pytest.mark.parametrize(
    "line", ["/etc/passwd", "file:///etc/passwd", "seed://MANIFEST.jsonl", "../x", "http://a/../x"]
)
def test_a_foreign_listing_names_no_file_of_this_machine(line: str) -> None:
    files = Files({"/paths": f"http://a.test/1\n{line}\n".encode()})
    with served(files) as base, pytest.raises(ImportFault, match=r"/paths names .*, which leads elsewhere"):
        of(listing=f"{base}/paths")


def test_a_listing_on_disk_may_name_files_on_disk(tmp_path: Path) -> None:
    (tmp_path / "paths").write_text("/data/1.warc.gz\n")
    assert of(listing=f"{tmp_path}/paths") == ["/data/1.warc.gz"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"paths": ("{0}/x/*.gz",)}, "{0}/x/*.gz: no such file; put the files there, or mend imports.cc.paths"),
        (
            {"paths": ("{0}/d.json.gz",), "segments": ("*/e*",)},
            "none of 1 files is to be imported; mend",
        ),
        ({"listing": "{0}/none.gz"}, "{0}/none.gz: No such file or directory; mend imports.cc.listing"),
        ({"listing": "{0}/d.json.gz"}, "there is no file; mend imports.cc.listing"),
        ({"listing": "{0}/cut.gz"}, "{0}/cut.gz: Compressed file ended before the end-of-stream"),
        ({"listing": "{0}/latin"}, "{0}/latin: 'utf-8' codec can't decode"),
    ],
)
def test_an_import_without_files_is_one_clear_line(folder: Path, given: dict[str, Any], message: str) -> None:
    (folder / "cut.gz").write_bytes(gzip.compress(b"a\n" * 99)[:-9])
    (folder / "latin").write_bytes(b"\xe9\n")

    def filled(value: Any) -> Any:
        return value.format(folder) if isinstance(value, str) else tuple(map(filled, value))

    with pytest.raises(ImportFault) as caught:
        of(**{name: filled(value) for name, value in given.items()})
    assert str(caught.value).startswith(f"import 'cc': {message.format(folder)}")
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
