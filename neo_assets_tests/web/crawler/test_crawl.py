"""A real crawl of the bundled web over two days, through a real HTTP proxy, into WARC files that are read back."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from warcio.archiveiterator import ArchiveIterator

from neo_assets.lake.records import is_volatile
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.web.bundled.site import ONLY_IN_SITEMAP, build_site
from neo_assets.web.crawler.pagetables import PAGE_SCHEMA, STATE_SCHEMA
from neo_assets.web.page.extract import ExtractPages
from neo_assets_tests.web.crawls import Crawled, crawl_in_process

pytestmark = pytest.mark.slow

HOSTS = tuple(f"{name}.neo.test" for name in ("www", "laws", "novels", "mirror", "junk", "closed", "debmake"))
DAYS = (date(2024, 11, 1), date(2024, 11, 2))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    return crawl_in_process(tmp_path_factory.mktemp("crawl") / "1", DAYS[0], allowed_hosts=HOSTS)


@pytest.fixture(scope="module")
def second(first: Crawled) -> Crawled:
    return crawl_in_process(first.folder.parent / "2", DAYS[1], before=first, allowed_hosts=HOSTS)


def content(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns that may not depend on time or concurrency."""
    return table.select([field.name for field in schema if not is_volatile(field)])


def test_the_table_holds_every_url_asked_for_once_and_sorted(first: Crawled) -> None:
    urls = first.pages["url"].to_pylist()
    assert urls == sorted(set(urls))
    assert first.pages.schema.names == PAGE_SCHEMA.names
    assert set(first.asked) <= set(urls)
    assert set(first.pages["day"].to_pylist()) == {"2024-11-01"}
    refused = {row["url"] for row in first.pages.to_pylist() if row["outcome"] == "refused"}
    assert set(first.asked) == set(urls) - refused


def test_every_page_that_may_be_fetched_is_fetched(first: Crawled) -> None:
    fetched = {row["url"] for row in first.pages.to_pylist() if row["outcome"] == "fetched"}
    forbidden = ("/internal/", "/print/all", "/calendar", "/huge", "/bomb")
    for (host, path), page in build_site(0).pages.items():
        url = f"http://{host}{path}"
        if host in HOSTS and page.status == 200 and host != "closed.neo.test" and not path.startswith(forbidden):
            assert url in fetched, url
    assert ONLY_IN_SITEMAP in fetched


def test_digests_and_headers_are_those_of_the_pages(first: Crawled) -> None:
    site = build_site(0)
    for row in first.pages.to_pylist():
        if row["outcome"] == "fetched":
            page = site.pages[row["host"], urlsplit(row["url"]).path or "/"]
            assert row["payload_digest"] == hashlib.sha256(page.body).hexdigest(), row["url"]
            assert row["n_bytes"] == len(page.body)
            assert row["etag"] == page.etag
            assert row["content_type"] == page.content_type.partition(";")[0]
            assert row["status"] == 200


def test_robots_files_are_obeyed(first: Crawled) -> None:
    for url in ("http://laws.neo.test/internal/draft.html", "http://novels.neo.test/print/all.html"):
        assert (first.row(url)["outcome"], first.row(url)["reason"]) == ("refused", "robots")
        assert url not in first.asked
    assert first.row("http://novels.neo.test/print/01.html")["outcome"] == "gone"  # allowed, and not there
    closed = [url for url in first.asked if "closed.neo.test" in url]
    assert set(closed) == {"http://closed.neo.test/robots.txt"}
    assert first.row("http://closed.neo.test/")["reason"] == "robots unreachable"
    for host in HOSTS:
        asked = [url for url in first.asked if urlsplit(url).netloc == host]
        assert asked[0] == f"http://{host}/robots.txt", "robots.txt comes before all else"


def test_redirects_are_recorded_and_those_into_private_networks_refused(first: Crawled) -> None:
    assert first.row("http://laws.neo.test/old/0")["outcome"] == "redirected"
    assert first.row("http://junk.neo.test/go/chain")["redirect_to"] == "http://junk.neo.test/go/moved"
    assert first.row("http://junk.neo.test/go/loop-a")["redirect_to"] == "http://junk.neo.test/go/loop-b"
    for url, reason in (
        ("file:///etc/hostname", "scheme"),
        ("http://127.0.0.1:22/", "address"),
        ("http://2130706433/", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
    ):
        assert (first.row(url)["outcome"], first.row(url)["reason"]) == ("refused", reason)
    assert all(urlsplit(url).netloc in HOSTS for url in first.asked)
    assert "http://127.0.0.1:9/" not in first.pages["url"].to_pylist()
    assert first.report["left_out"]["address"] == 1


def test_caps_and_failures(first: Crawled) -> None:
    for name in ("huge", "bomb"):
        row = first.row(f"http://junk.neo.test/{name}.html")
        assert (row["outcome"], row["reason"]) == ("failed", "size")
    months = [url for url in first.asked if "/calendar/" in url]
    assert 1 <= len(months) <= 6  # depth 6, of which the way to the first month takes two
    assert first.report["left_out"]["depth"] >= 1
    assert first.row("http://junk.neo.test/flaky.html")["outcome"] == "fetched"
    assert Counter(first.asked)["http://junk.neo.test/flaky.html"] == 2
    assert Counter(first.asked)["http://closed.neo.test/robots.txt"] == 3  # two retries
    assert first.row("http://junk.neo.test/nowhere.html")["outcome"] == "gone"
    assert not [url for url in first.asked if "utm_source" in url or "/search" in url or "/login" in url]


def test_every_warc_record_is_sound(first: Crawled, second: Crawled) -> None:
    for crawled in (first, second):
        kinds: Counter[str] = Counter()
        responses = {}
        for name in crawled.warcs:
            assert (crawled.warc_folder / name).stat().st_size < 300_000 + 600_000
            with (crawled.warc_folder / name).open("rb") as file:
                records = ArchiveIterator(file, check_digests="raise")
                for record in records:
                    kinds[record.rec_type] += 1
                    assert record.rec_headers.protocol == "WARC/1.1"
                    payload = record.content_stream().read()
                    url, offset = record.rec_headers.get_header("WARC-Target-URI"), records.get_record_offset()
                    if record.rec_type in ("response", "revisit"):
                        responses[url, name, offset] = hashlib.sha256(payload).hexdigest(), record.rec_type
                    if record.rec_type == "request":
                        assert record.http_headers.get_header("User-Agent").endswith("(+test@example.org)")
        assert len(crawled.warcs) == kinds["warcinfo"] == len(list(crawled.warc_folder.glob("*.warc.gz")))
        answered = [row for row in crawled.pages.to_pylist() if row["warc_file"] is not None]
        for row in answered:
            digest, kind = responses[row["url"], row["warc_file"], row["warc_offset"]]
            assert kind == ("revisit" if row["outcome"] == "unchanged" else "response")
            if row["outcome"] == "fetched":
                assert digest == row["payload_digest"]
        assert kinds["request"] == kinds["response"] + kinds["revisit"] >= len(answered)
    assert len(first.warcs) > 3


def test_the_second_day_is_conditional(first: Crawled, second: Crawled) -> None:
    sites = build_site(0), build_site(1)
    outcomes = {row["url"]: (row["outcome"], row["status"]) for row in second.pages.to_pylist()}
    by_tag = 0
    for (host, path), page in sites[1].pages.items():
        url, before = f"http://{host}{path}", sites[0].pages.get((host, path))
        if outcomes.get(url, ("", 0))[0] in ("fetched", "unchanged"):
            same = before is not None and before.body == page.body
            assert outcomes[url][0] == ("unchanged" if same else "fetched"), url
            by_tag += outcomes[url] == ("unchanged", 304)
            if same and page.etag and not path.endswith(("robots.txt", ".xml", ".gz")):
                assert outcomes[url][1] == 304, url
    assert by_tag > 150
    assert outcomes["http://novels.neo.test/sanguo/039.html"] == ("fetched", 200)
    gone = [url for url, (outcome, status) in outcomes.items() if status == 410]
    assert len(gone) == 1
    assert ("unchanged", 200) in outcomes.values()  # the mirror sends no validators: equality is seen by the digest


def test_the_state_follows(first: Crawled, second: Crawled) -> None:
    assert second.state.schema.names == STATE_SCHEMA.names
    state = {row["url"]: row for row in second.state.to_pylist()}
    known = {row["url"] for row in first.state.to_pylist()}
    assert known <= set(state)
    for row in second.pages.to_pylist():
        if row["outcome"] in ("fetched", "unchanged"):
            entry = state[row["url"]]
            assert entry["last_seen"] == "2024-11-02"
            assert entry["n_fetches"] == 1 + (row["url"] in known)
            changed = row["outcome"] == "fetched" and row["change"] != "boilerplate"
            assert entry["last_changed"] == ("2024-11-02" if changed else "2024-11-01")
            assert entry["payload_digest"] == row["payload_digest"]


def test_content_does_not_depend_on_concurrency(first: Crawled, tmp_path: Path) -> None:
    one = crawl_in_process(tmp_path / "1", DAYS[0], allowed_hosts=HOSTS, concurrency=3, concurrency_per_host=1)
    assert content(one.pages, PAGE_SCHEMA).equals(content(first.pages, PAGE_SCHEMA))
    assert content(one.state, STATE_SCHEMA).equals(content(first.state, STATE_SCHEMA))


def test_caps_cut_at_the_same_place_whatever_the_concurrency(tmp_path: Path) -> None:
    caps: dict[str, Any] = {"max_pages": 60, "max_pages_per_host": 25, "allowed_hosts": HOSTS[:4]}
    few = crawl_in_process(tmp_path / "1", DAYS[0], concurrency=1, **caps)
    many = crawl_in_process(tmp_path / "2", DAYS[0], concurrency=40, concurrency_per_host=40, **caps)
    assert content(few.pages, PAGE_SCHEMA).equals(content(many.pages, PAGE_SCHEMA))
    assert few.report["left_out"] == many.report["left_out"]
    assert few.report["left_out"]["max_pages"] > 0
    assert few.report["left_out"]["max_pages_per_host"] > 0
    pages = [row for row in few.pages.to_pylist() if row["kind"] != "robots" and row["warc_file"]]
    assert len(pages) <= 60


def test_extraction_gives_the_articles_from_the_warcs(first: Crawled) -> None:
    kernel = ExtractPages(str(first.warc_folder), ExtractionSection(max_payload_bytes=2_000_000))
    (batch,) = first.pages.combine_chunks().to_batches()
    documents = kernel(batch).to_pylist()
    assert [row["url"] for row in documents] == first.pages["url"].to_pylist()
    verdicts = Counter((row["verdict"], row["rule"]) for row in documents)
    assert verdicts.keys() == {
        ("kept", None), ("rejected", "outcome"), ("rejected", "kind"), ("rejected", "content_type"),
        ("rejected", "truncated"),
    }  # fmt: skip
    kept = {row["url"]: row for row in documents if row["verdict"] == "kept"}
    for url, article in build_site(0).articles.items():
        if article.host in HOSTS:
            text = kept[url]["text"].replace("\n", "").replace(" ", "")
            for paragraph in article.paragraphs[:3]:
                assert paragraph.strip().replace("\n", "").replace(" ", "")[:20] in text, url


def test_a_day_outside_the_crawl_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ValueError: 2024-11-03 is no crawl day"):
        crawl_in_process(tmp_path / "1", date(2024, 11, 3))


def test_a_crawl_whose_time_is_over_ends_cleanly_and_leaves_the_rest_for_the_next_day(tmp_path: Path) -> None:
    cut = crawl_in_process(tmp_path / "1", DAYS[0], allowed_hosts=HOSTS[:3], max_seconds=4, delay_seconds=1)
    assert cut.report["closed"] == "closespider_timeout"
    assert cut.report["waiting"] > 0
    state = {row["url"]: row for row in cut.state.to_pylist()}
    never = {url for url, row in state.items() if row["status"] is None and row["n_fetches"] == 0}
    assert never
    assert not never & set(cut.pages["url"].to_pylist())
    assert {state[url]["next_due"] for url in never} == {"2024-11-01"}
    assert cut.report["left_out"]["max_seconds"] >= len(never)
