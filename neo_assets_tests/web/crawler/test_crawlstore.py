"""The crawl store: what is committed stays, and tables come out as they must."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.recipe.crawl import RevisitSettings
from neo_assets.web.crawler import crawlstore
from neo_assets.web.crawler.crawlstore import CrawlStore, host_of
from neo_assets.web.crawler.pagetables import LEFT_OUT_SCHEMA, PAGE_SCHEMA, STATE_SCHEMA, found_row, state_after

DAY = date(2024, 11, 5)
WHEN = datetime(2024, 11, 5, 1, 2, 3, 456789, tzinfo=UTC)
REVISIT = RevisitSettings()


def row(url: str, outcome: str = "fetched", **values: Any) -> dict[str, Any]:
    page = {"url": url, "kind": "page", "depth": 1, "outcome": outcome, "status": 200, "fetched_at": WHEN}
    return page | {"payload_digest": "p", "text_digest": "t", "noindex": False} | values


def table(batches: Any) -> pa.Table:
    return pa.Table.from_batches(batches)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crawl.db"


def test_what_is_not_committed_is_as_if_it_had_never_been(path: Path) -> None:
    store = CrawlStore(path)
    assert store.fresh
    store.record(row("http://a.test/1", n_bytes=7))
    store.keep_warc("1.warc.gz", 10)
    store.keep_robots("http://a.test", 200, b"\xef\xbb\xbfUser-agent: *")
    store.commit()
    assert not store.fresh
    store.record(row("http://a.test/2", n_bytes=8))
    store.keep_warc("1.warc.gz", 20)
    store.keep_warc("0.warc.gz", 5)
    store.keep_robots("http://b.test", None, b"")
    assert store.n_bytes == 15
    assert store.warcs() == {"0.warc.gz": 5, "1.warc.gz": 20}
    store.close()
    with CrawlStore(path) as store:
        assert not store.fresh
        assert store.recorded("http://a.test/1") and not store.recorded("http://a.test/2")
        assert store.n_bytes == 7
        assert store.warcs() == {"1.warc.gz": 10}
        assert store.robots("http://a.test") == (200, b"\xef\xbb\xbfUser-agent: *")
        assert store.robots("http://b.test") is None


def test_an_error_leaves_the_last_commit(path: Path) -> None:
    def broken() -> None:
        with CrawlStore(path) as store:
            store.record(row("http://a.test/1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    with CrawlStore(path) as store:
        assert store.fresh and not store.recorded("http://a.test/1")
    with CrawlStore(path) as store:
        assert not store.fresh  # a context that ends well commits


KILLED = """
import os, sys
from pathlib import Path
from neo_assets.web.crawler.crawlstore import CrawlStore
store = CrawlStore(Path(sys.argv[1]))
for number in range(1000):
    store.record({"url": f"http://a.test/{number:03}", "outcome": "fetched", "kind": "page", "depth": 0})
    if number % 100 == 49:
        store.commit()
print("all but the last are in force", flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_killed_process_leaves_its_last_commit(path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL and os.path.exists(f"{path}-wal")
    with CrawlStore(path) as store:
        assert store.counts("outcome") == {"fetched": 950}
        assert table(store.page_batches())["url"][-1].as_py() == "http://a.test/949"


def test_pages_come_out_once_sorted_and_as_they_went_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawlstore, "BATCH_ROWS", 2)
    urls = ["http://b.test/", "http://a.test/é", "http://a.test/z", "http://a.test/\U00020000", "http://a.test/￠"]
    with CrawlStore(path) as store:
        for number, url in enumerate(urls):
            store.record(row(url, noindex=number == 1, depth=number))
            store.record(row(url, outcome="failed"))
        batches = list(store.page_batches())
        assert [batch.num_rows for batch in batches] == [2, 2, 1]
        rows = table(batches).to_pylist()
        assert [found["url"] for found in rows] == sorted(urls)
        assert rows[1]["url"] == urls[1]
        assert (rows[1]["noindex"], rows[0]["noindex"], rows[1]["fetched_at"]) == (True, False, WHEN)
        assert {found["outcome"] for found in rows} == {"fetched"}
        assert store.counts("depth") == {"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}
        assert store.counts("reason") == {}
        with pytest.raises(KeyError, match="no column 'nothing'"):
            store.counts("nothing")


def test_empty_tables_have_their_schemas(path: Path) -> None:
    with CrawlStore(path) as store:
        for batches, schema in (
            (store.page_batches(), PAGE_SCHEMA),
            (store.state_batches(DAY, REVISIT), STATE_SCHEMA),
            (store.left_out_batches(), LEFT_OUT_SCHEMA),
        ):
            found = table(batches)
            assert found.num_rows == 0
            assert found.schema.equals(schema, check_metadata=True)


def test_strings_that_no_table_can_hold_are_mended(path: Path) -> None:
    with CrawlStore(path) as store:
        store.record(row("http://a.test/\ud800", canonical="\udfff", reason="a\0b"))
        assert store.recorded("http://a.test/\ud800")
        [found] = table(store.page_batches()).to_pylist()
        assert (found["url"], found["canonical"], found["reason"]) == ("http://a.test/?", "?", "a\0b")


def test_the_state_goes_through_days(path: Path) -> None:
    before = [
        state_after(None, row(f"http://a.test/{name}", fetched_at=WHEN), date(2024, 11, 1), REVISIT) for name in "acef"
    ]
    rows = [row("http://a.test/a", text_digest="u"), row("http://a.test/b"), row("http://a.test/e", "refused"),
            row("http://a.test/d", "refused"), row("http://b.test/", "gone", status=410)]  # fmt: skip
    with CrawlStore(path) as store:
        store.load(pa.Table.from_pylist(before, STATE_SCHEMA).to_batches(max_chunksize=3))
        assert store.known("http://a.test/c") == before[1]
        assert store.known("http://a.test/b") is None
        for one in rows:
            store.record(one)
        after = {found["url"]: found for found in table(store.state_batches(DAY, REVISIT)).to_pylist()}
    expected = {found["url"]: found for found in before}
    for one in rows:
        if one["outcome"] != "refused" or one["url"] in expected:
            expected[one["url"]] = state_after(expected.get(one["url"]), one, DAY, REVISIT)
    assert after == expected
    assert list(after) == sorted(expected)


def test_an_older_state_lacks_columns(path: Path) -> None:
    now = [state_after(None, row(f"http://a.test/{status}", status=status), date(2024, 11, 1), REVISIT)
           for status in (200, 410)]  # fmt: skip
    then = pa.Table.from_pylist(now, STATE_SCHEMA).drop_columns(
        ["n_failures", "text_digest", "interval_days", "next_due"]
    )
    with CrawlStore(path) as store:
        store.load(then.select(["status", *(name for name in then.column_names if name != "status")]).to_batches())
        page, gone = store.known("http://a.test/200"), store.known("http://a.test/410")
        assert page is not None and gone is not None
        assert (page["next_due"], gone["next_due"]) == ("2024-11-01", None)
        assert page["text_digest"] is page["interval_days"] is None
        store.record(row("http://a.test/200", "unchanged"))
        found, _ = table(store.state_batches(DAY, REVISIT)).to_pylist()
        assert (found["n_failures"], found["text_digest"], found["next_due"]) == (0, "t", "2024-11-06")


def test_a_load_that_was_broken_off_begins_anew_and_none_is_late(path: Path) -> None:
    one, other = (pa.RecordBatch.from_pylist([found_row(url, "page", 0, DAY)], STATE_SCHEMA) for url in ("x:1", "x:2"))

    def broken() -> Any:
        yield one
        raise OSError("lake")

    store = CrawlStore(path)
    with pytest.raises(OSError, match="lake"):
        store.load(broken())
    store.close()
    with CrawlStore(path) as store:
        assert store.fresh
        store.load([other])
        assert store.known("x:1") is None and store.known("x:2") is not None
        store.commit()
        with pytest.raises(ValueError, match="has begun"):
            store.load([one])


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://a.test:81/x/y", "a.test:81"), ("http://a.test", "a.test"), ("mailto:a@b", ""), ("", ""), ("/a/b/c", ""),
     ("file:///etc", "")],
)  # fmt: skip
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_tries_and_hosts_that_were_left_outlive_the_process(path: Path) -> None:
    with CrawlStore(path) as store:
        store.keep_try("http://a.test/1", 1, 5.0)
        store.keep_try("http://a.test/1", 2, 9.5)
        store.keep_try("http://a.test/2", 1, 5.0)
        store.record(row("http://a.test/2"))
        store.record(row("http://b.test:81/", "failed", reason="retry-after", host="b.test:81"))
        store.record(row("http://c.test/", "failed", reason="timeout", host="c.test"))
    with CrawlStore(path) as store:
        assert store.tries() == {"http://a.test/1": (2, 9.5)}
        assert store.left_hosts("retry-after") == {"b.test:81"}
