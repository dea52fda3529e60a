"""A crawl that is killed again and again ends as one that was left alone: same tables, nothing asked for twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.lake.records import is_volatile
from neo_assets.web.bundled.proxy import serve
from neo_assets.web.crawler.pagetables import LEFT_OUT_SCHEMA, PAGE_SCHEMA, STATE_SCHEMA
from neo_assets_tests.web.crawls import Crawled, crawled, start_crawl

pytestmark = pytest.mark.slow

DAY = date(2024, 11, 1)
N_KILLS = 6
CONCURRENCY, N_RETRIES = 8, 2
VALUES: dict[str, Any] = {
    "allowed_hosts": tuple(f"{name}.neo.test" for name in ("www", "laws", "novels", "mirror", "junk", "closed")),
    "concurrency": CONCURRENCY,
    "n_retries": N_RETRIES,
    "warc_max_bytes": 200_000,
}


def crawl_with_kills(folder: Path, kill_after: list[int]) -> tuple[Crawled, Counter[str], int]:
    """Crawl, and kill the crawl whenever that many URLs in all have been asked for; gives what was asked for, too."""
    log: list[str] = []
    n_killed = 0
    with serve(0, log) as proxy:
        for limit in [*kill_after, 1 << 30]:
            process = start_crawl(folder, DAY, proxy=proxy, **VALUES)
            while process.poll() is None and len(log) < limit:
                time.sleep(0.005)
            if process.poll() is None:
                process.kill()
                n_killed += 1
            _, errors = process.communicate(timeout=200)
            assert process.returncode in (0, -9), errors[-4000:]
    assert process.returncode == 0
    return crawled(folder), Counter(log), n_killed


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Crawled, Counter[str]]:
    found, asked, _ = crawl_with_kills(tmp_path_factory.mktemp("alone"), [])
    return found, asked


@pytest.fixture(scope="module")
def killed(
    alone: tuple[Crawled, Counter[str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Crawled, Counter[str], int]:
    moments = random.Random(1)
    n_asked = sum(alone[1].values())
    kill_after = sorted(moments.randrange(1, n_asked) for _ in range(N_KILLS))
    return crawl_with_kills(tmp_path_factory.mktemp("killed"), kill_after)


def content(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select([field.name for field in schema if not is_volatile(field)])


def test_the_tables_are_those_of_a_crawl_left_alone(
    alone: tuple[Crawled, Counter[str]], killed: tuple[Crawled, Counter[str], int]
) -> None:
    assert killed[2] >= N_KILLS - 1
    assert content(killed[0].pages, PAGE_SCHEMA).equals(content(alone[0].pages, PAGE_SCHEMA))
    assert content(killed[0].state, STATE_SCHEMA).equals(content(alone[0].state, STATE_SCHEMA))
    assert content(killed[0].left_out, LEFT_OUT_SCHEMA).equals(content(alone[0].left_out, LEFT_OUT_SCHEMA))
    for name in ("outcomes", "changes", "left_out", "bytes", "closed"):
        assert killed[0].report[name] == alone[0].report[name]


def test_nothing_is_asked_for_twice_but_what_was_under_way(
    alone: tuple[Crawled, Counter[str]], killed: tuple[Crawled, Counter[str], int]
) -> None:
    more = killed[1] - alone[1]
    assert set(killed[1]) == set(alone[1])
    assert len(more) <= killed[2] * CONCURRENCY
    assert sum(more.values()) <= killed[2] * CONCURRENCY * (1 + N_RETRIES)


def test_the_warc_files_are_whole_and_the_index_finds_every_record(killed: tuple[Crawled, Counter[str], int]) -> None:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    found, asked, _ = killed
    paths = [found.warc_folder / name for name in found.warcs]
    assert sorted(path.name for path in found.warc_folder.iterdir()) == sorted([*found.warcs, "index.cdxj"])
    check = [sys.executable, "-m", "warcio.cli", "check", *map(str, paths)]
    answer = subprocess.run(check, capture_output=True, text=True, timeout=100, check=False)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout[-2000:]
    places: dict[tuple[str, int], str] = {}
    kinds: Counter[str] = Counter()
    for path in paths:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=False):
                kinds[record.headers["WARC-Type"]] += 1
                assert record.verify_block_digest()
                if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
                    places[path.name, record.stream_pos] = record.headers["WARC-Target-URI"]
    assert kinds["warcinfo"] == len(paths)
    assert kinds["request"] == kinds["response"] + kinds["revisit"] <= sum(asked.values())
    lines = (found.warc_folder / "index.cdxj").read_text().splitlines()
    assert lines == sorted(lines)
    fields = [json.loads(line.split(" ", 2)[2]) for line in lines]
    assert {(of["filename"], int(of["offset"])): of["url"] for of in fields} == places
    assert len(fields) == len(places)
    for row in found.pages.to_pylist():
        if row["warc_file"] is not None:
            assert places[row["warc_file"], row["warc_offset"]] == row["url"]
