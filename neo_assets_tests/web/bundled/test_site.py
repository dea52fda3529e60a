"""The bundled web: the same bytes always, and the changes between epochs that it promises."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from urllib.parse import urlsplit

import pytest

from neo_assets.web.bundled import copies, hosts, junk
from neo_assets.web.bundled.edits import UNIT
from neo_assets.web.bundled.site import ONLY_IN_SITEMAP, Site, build_site, seed_urls

DIGEST_OF_A_SITE = """
import hashlib, sys
from neo_assets.web.bundled.site import build_site
site = build_site(int(sys.argv[1]))
print(hashlib.sha256(repr(sorted((key, page) for key, page in site.pages.items())).encode()).hexdigest())
"""


def digest(site: Site) -> str:
    ordered = sorted((key, page) for key, page in site.pages.items())
    return hashlib.sha256(repr(ordered).encode()).hexdigest()


@pytest.mark.parametrize("epoch", [0, 1])
def test_another_process_with_another_hash_seed_builds_the_same_web(epoch: int) -> None:
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Shanghai"}
    command = [sys.executable, "-c", DIGEST_OF_A_SITE, str(epoch)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == digest(build_site(epoch))


def test_size_is_what_the_smallest_recipe_needs() -> None:
    site = build_site(0)
    n_chars = sum(len("".join(article.paragraphs)) for article in site.articles.values())
    assert 600 <= sum(page.status == 200 for page in site.pages.values()) <= 800
    assert 1_900_000 <= n_chars <= 2_500_000
    assert all(host.endswith(".neo.test") for host in site.hosts)
    assert seed_urls() == ["http://www.neo.test/"]


def test_second_epoch_edits_some_renotices_some_drops_one_adds_one() -> None:
    first, second = build_site(0), build_site(1)
    assert set(second.pages) - set(first.pages) == {(hosts.NOVELS, "/sanguo/039.html")}
    gone = [key for key, page in second.pages.items() if page.status == 410]
    assert len(gone) == 1
    assert first.pages[gone[0]].status == 200
    both = [url for url in first.articles if url in second.articles and urlsplit(url).netloc != copies.HOST]
    edits = [url for url in both if first.articles[url].paragraphs != second.articles[url].paragraphs]
    notices = [url for url in both if first.articles[url].n_notices != second.articles[url].n_notices]
    assert not set(edits) & set(notices)
    # One page in CHANGE_CYCLE = 20 by a hash; the bounds are four standard deviations of a binomial of ~490 pages.
    assert 7 <= len(edits) <= 42
    assert 7 <= len(notices) <= 42
    for url in (*edits, *notices):
        key = (urlsplit(url).netloc, urlsplit(url).path)
        assert first.pages[key].etag != second.pages[key].etag
        assert f"{second.pages[key].modified:%Y-%m-%d}" == "2024-11-02"
    untouched = set(both) - set(edits) - set(notices)
    assert all(first.articles[url].modified == second.articles[url].modified for url in untouched)


def test_changes_pile_up_over_epochs() -> None:
    third = build_site(2)
    assert sum(page.status == 410 for page in third.pages.values()) == 2
    assert (hosts.NOVELS, "/sanguo/040.html") in third.pages


def test_an_epoch_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="before the first crawl day"):
        build_site(-1)


def test_copies_are_of_the_known_degree() -> None:
    site = build_site(0)
    assert Counter(copy.kind for copy in site.copies) == dict.fromkeys(copies.KINDS, 10)
    for copy in site.copies:
        before = UNIT.findall("\n".join(copy.original.paragraphs))
        after = UNIT.findall("\n".join(copy.article.paragraphs))
        assert sum(a != b for a, b in zip(before, after, strict=True)) == round(copy.edit_share * len(before))
        body = site.pages[copy.article.host, copy.article.path].body
        original = site.pages[copy.original.host, copy.original.path].body
        assert (body == original) == (copy.kind == "exact")


def test_a_page_is_named_by_the_sitemap_alone() -> None:
    site = build_site(0)
    name = ONLY_IN_SITEMAP.removeprefix(f"http://{hosts.NOVELS}").encode()
    naming = [key for key, page in site.pages.items() if name in page.body and key[1] != "/sanguo/001.html"]
    assert naming == []  # the sitemap that names it is compressed


def test_the_calendar_is_a_chain() -> None:
    pages = junk.pages()
    assert b"/calendar/2.html" not in pages["/"].body
    assert all(f"/calendar/{n + 1}.html".encode() in pages[f"/calendar/{n}.html"].body for n in range(1, 40))


def test_gbk_and_big5_pages_are_there_with_every_kind_of_declaration() -> None:
    articles = build_site(0).articles.values()
    gbk = {(a.header_charset, a.meta_charset) for a in articles if a.encoding == "gbk"}
    assert gbk == set(hosts.GBK_DECLARATIONS)
    assert sum(article.encoding == "big5hkscs" for article in articles) >= 15
