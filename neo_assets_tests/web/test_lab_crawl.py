"""A real crawl of the laboratory web over three days: every row, every request, every refusal as the truth has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from warcio.archiveiterator import ArchiveIterator

from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.web.page.extract import ExtractPages
from neo_assets_tests.web.lab import behaviours, charsets, robots, traps
from neo_assets_tests.web.lab.crawling import LabCrawl, crawl_lab
from neo_assets_tests.web.lab.parts import N_EPOCHS, Expected
from neo_assets_tests.web.lab.web import Truth, build_lab, seed_urls

pytestmark = pytest.mark.slow

EPOCHS = range(N_EPOCHS)


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> list[LabCrawl]:
    folder = tmp_path_factory.mktemp("lab")
    made: list[LabCrawl] = []
    for epoch in EPOCHS:
        made.append(crawl_lab(epoch, folder / str(epoch), made[-1] if made else None))
    return made


def truth(epoch: int) -> Truth:
    return build_lab(epoch)[1]


def is_trap(url: str) -> bool:
    return urlsplit(url).netloc in traps.MOST_ASKED


def seen(row: dict[str, object], n_asked: int) -> Expected:
    """A row as the truth would have it."""
    values = {name: row[name] for name in ("outcome", "reason", "status", "change", "truncated", "kind")}
    return Expected(**values, n_asked=n_asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("epoch", EPOCHS)
def test_every_row_is_the_expected_one_and_there_is_no_other(crawls: list[LabCrawl], epoch: int) -> None:
    crawled = crawls[epoch]
    found = {url: seen(row, crawled.asked[url]) for url, row in crawled.rows.items() if not is_trap(url)}
    expected = truth(epoch).rows
    different = {
        url: (found.get(url), expected.get(url))
        for url in sorted(found.keys() | expected.keys())
        if found.get(url) != expected.get(url)
    }
    assert different == {}
    assert crawled.report["closed"] == "finished"


@pytest.mark.parametrize("epoch", EPOCHS)
def test_nothing_is_asked_for_but_what_has_a_row(crawls: list[LabCrawl], epoch: int) -> None:
    crawled = crawls[epoch]
    assert set(crawled.asked) == {url for url, row in crawled.rows.items() if row["n_tries"]}
    assert not set(crawled.asked) & truth(epoch).forbidden
    assert {url: crawled.rows[url]["n_tries"] for url in crawled.asked} == dict(crawled.asked)


@pytest.mark.parametrize("epoch", EPOCHS)
def test_traps_are_bounded(crawls: list[LabCrawl], epoch: int) -> None:
    per_host = Counter(urlsplit(url).netloc for url in crawls[epoch].asked.elements())
    for host, bound in truth(epoch).bounded.items():
        assert per_host[host] <= bound, (host, per_host[host])
        if epoch == 0:
            assert per_host[host] > 3, host


def test_every_trap_is_reported_as_one(crawls: list[LabCrawl]) -> None:
    reasons: dict[str, set[str]] = {}
    for host, reason in crawls[0].left_out:
        reasons.setdefault(host, set()).add(reason)
    assert reasons[traps.CALENDAR] == {"trap: nothing new"}
    assert reasons[traps.TOKENS] == {"trap: nothing new"}
    assert reasons[traps.DEEP] == {"trap: repeated segment", "trap: path"}
    assert reasons[traps.FACETS] == {"trap: nothing new"}
    trapped = {host for host, found in reasons.items() if any(reason.startswith("trap") for reason in found)}
    assert trapped == set(traps.MOST_ASKED)


def test_what_is_left_out_is_counted(crawls: list[LabCrawl]) -> None:
    found = {key: value for key, value in crawls[0].left_out.items() if not key[1].startswith("trap")}
    expected = truth(0).left_out
    assert {key: n for key, (n, _) in found.items()} == {key: n for key, (n, _) in expected.items()}
    for key, (_, example) in found.items():
        # What is too long is shown up to a length, and marked.
        assert expected[key][1].startswith(example.removesuffix("…")), key


def test_pauses_are_as_long_as_hosts_ask(crawls: list[LabCrawl]) -> None:
    for crawled in crawls[:2]:
        for url, least in behaviours.WAITS.items():
            first, second = crawled.times[url]
            assert least - 0.05 <= second - first < 60, url
        on_host = sorted(
            moment for url, moments in crawled.times.items() if urlsplit(url).netloc == robots.DELAYED
            for moment in moments if not url.endswith("/robots.txt")
        )  # fmt: skip
        assert len(on_host) == 6
        # All together: on a busy machine one request may arrive late, and the next one shortly after it.
        assert on_host[-1] - on_host[0] > 4 * robots.DELAY_SECONDS


def test_bodies_without_end_cost_less_than_the_cap(crawls: list[LabCrawl]) -> None:
    """What the servers sent is at most the cap and what the sockets' buffers hold; memory grows by far less."""
    buffers = 8_000_000
    for crawled in crawls[:2]:
        for url, n_asked in behaviours.COSTLY.items():
            assert crawled.sent[url] < n_asked * (behaviours.MAX_BODY_BYTES + buffers), url
        assert crawled.sent[f"http://{behaviours.FAULTS}/bomb"] < behaviours.MAX_BODY_BYTES
        # Scrapy itself, the store and the parsers are most of it; the bomb alone would be 300 MB.
        assert crawled.peak_bytes - crawled.start_bytes < 200_000_000


def test_the_state_says_when_each_page_is_due(crawls: list[LabCrawl]) -> None:
    last = crawls[2].state
    steady, edited = last["http://validators.lab.test/strong.html"], last["http://epochs.lab.test/edited-12.html"]
    assert (steady["n_fetches"], steady["n_changes"], steady["next_due"]) == (2, 0, "2024-11-04")
    assert (edited["n_fetches"], edited["n_changes"], edited["next_due"]) == (3, 2, "2024-11-04")
    assert (edited["first_seen"], edited["last_changed"]) == ("2024-11-01", "2024-11-03")
    notice = last["http://epochs.lab.test/notice-1.html"]
    assert (notice["n_fetches"], notice["n_changes"], notice["next_due"]) == (2, 0, "2024-11-04")
    gone = last["http://epochs.lab.test/gone-410.html"]
    assert (gone["status"], gone["n_changes"], gone["next_due"]) == (410, 1, None)
    assert last["http://epochs.lab.test/fails.html"]["n_failures"] == 2
    refused = {url: row["reason"] for url, row in crawls[0].rows.items() if row["outcome"] == "refused"}
    assert {refused[url] for url in refused.keys() & last.keys()} == {"robots unreachable"}
    away = last["http://mute.lab.test/"]
    assert (away["status"], away["n_fetches"], away["n_failures"], away["next_due"]) == (None, 0, 2, "2024-11-04")
    later = crawls[0].state["http://busy.lab.test/later.html"]
    assert (later["n_fetches"], later["last_seen"], later["next_due"]) == (0, None, "2024-11-02")


def test_what_is_due_is_asked_for_and_nothing_else(crawls: list[LabCrawl]) -> None:
    """On the third day: pages that the state says are due, those that a sitemap says have changed, seeds, and finds."""
    day = "2024-11-03"
    pages = {url: row for url, row in crawls[1].state.items() if row["kind"] == "page"}
    due = {url for url, row in pages.items() if row["next_due"] is not None and row["next_due"] <= day}
    by_sitemap = {f"http://sitemaps.lab.test/{name}.html" for name in ("dated", "dated-falsely")}
    found = {"http://epochs.lab.test/new-2.html"}
    rows = {url for url, row in crawls[2].rows.items() if row["kind"] == "page" and row["n_tries"]}
    assert not due & by_sitemap
    assert rows == due | by_sitemap | found | set(seed_urls())
    assert len(pages) - len(due) > 400, "most pages are skipped"


def test_what_pages_say_of_themselves_is_recorded(crawls: list[LabCrawl]) -> None:
    rows = crawls[0].rows
    pages = [row for row in rows.values() if row["host"] == robots.META and row["outcome"] == "fetched"]
    assert {row["url"] for row in pages if row["noindex"]} == robots.NOINDEX
    assert {row["url"]: row["canonical"] for row in pages if row["canonical"]} == robots.CANONICAL


def test_every_warc_record_is_sound_and_says_if_it_is_not_whole(crawls: list[LabCrawl]) -> None:
    for epoch, crawled in enumerate(crawls):
        kinds: Counter[str] = Counter()
        revisited: set[str] = set()
        truncated: dict[str, set[str]] = {}
        for name in crawled.warcs:
            with next(crawled.work.rglob(name)).open("rb") as file:
                for record in ArchiveIterator(file, check_digests="raise"):
                    kinds[record.rec_type] += 1
                    record.raw_stream.read()
                    url, why = (record.rec_headers.get_header(f"WARC-{name}") for name in ("Target-URI", "Truncated"))
                    if record.rec_type == "revisit":
                        revisited.add(url)
                    if why:
                        truncated.setdefault(url, set()).add(why)
        assert kinds["request"] == kinds["response"] + kinds["revisit"]
        assert {url for url in revisited if not is_trap(url)} == {
            url for url, row in truth(epoch).rows.items() if row.outcome == "unchanged"
        }
        expected = {url: {row.truncated} for url, row in truth(epoch).rows.items() if row.truncated}
        passed = {f"http://{name}.passing.lab.test/page.html" for name in ("torn", "short")}
        assert {url: why for url, why in truncated.items() if url not in passed} == expected


def test_extraction_gives_every_article_in_every_encoding(crawls: list[LabCrawl]) -> None:
    documents = extracted(crawls[0])
    for url, article in truth(0).articles.items():
        document = documents[url]
        assert document["verdict"] == "kept", (url, document["rule"], document["reason"])
        text = squeezed(document["text"])
        missing = [paragraph for paragraph in article.paragraphs if squeezed(paragraph) not in text]
        assert not missing, (url, document["charset"], missing[:2])
        if article.host == charsets.HOST:
            body = text.removeprefix("#").removeprefix(squeezed(article.title))
            assert body == squeezed("".join(article.paragraphs)), url


def test_extraction_rejects_by_what_the_crawl_saw(crawls: list[LabCrawl]) -> None:
    rules = {url: row["rule"] for url, row in extracted(crawls[0]).items()}
    assert {url for url, rule in rules.items() if rule == "noindex"} == robots.NOINDEX
    assert {urlsplit(url).path for url, rule in rules.items() if rule == "content_type"} == {
        "/manual.pdf", "/data.json", "/blob", "/style",
    }  # fmt: skip
    second = {url: row["rule"] for url, row in extracted(crawls[1]).items()}
    boilerplate = {url for url, row in truth(1).rows.items() if row.change == "boilerplate"}
    assert {url for url, rule in second.items() if rule == "unchanged_text"} == boilerplate


def extracted(crawled: LabCrawl) -> dict[str, dict[str, Any]]:
    """The documents of a crawl's pages, by URL."""
    (folder,) = {next(crawled.work.rglob(name)).parent for name in crawled.warcs}
    kernel = ExtractPages(str(folder), ExtractionSection(max_payload_bytes=behaviours.MAX_BODY_BYTES))
    (batch,) = crawled.pages.combine_chunks().to_batches()
    documents = pa.Table.from_batches([kernel(batch)]).to_pylist()
    return {row["url"]: row for row in documents}


def squeezed(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


def test_what_crawls_leave_is_where_it_is_told(crawls: list[LabCrawl]) -> None:
    for crawled in crawls:
        assert crawled.warcs == sorted(crawled.warcs)
        files = {path.name for path in Path(crawled.work).rglob("*.warc.gz")}
        assert files == set(crawled.warcs)
