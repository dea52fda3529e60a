"""The laboratory web itself: the same bytes always, copies of the promised degree, a truth without contradictions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from neo_assets.web.bundled import faults
from neo_assets_tests.web.lab import behaviours, charsets, mirrors, traps
from neo_assets_tests.web.lab.parts import N_EPOCHS, place
from neo_assets_tests.web.lab.web import HUB, build_lab

PRINTED = """
import hashlib, sys
from neo_assets_tests.web.lab.web import build_lab
site, truth = build_lab(int(sys.argv[1]))
parts = sorted(site.pages.items()), sorted(truth.rows.items()), sorted(truth.forbidden), sorted(truth.left_out.items())
print(hashlib.sha256(repr(parts).encode()).hexdigest())
"""


def grams(paragraphs: tuple[str, ...]) -> set[str]:
    text = "".join("".join(paragraphs).split())
    return {text[begin : begin + 5] for begin in range(len(text) - 4)}


@pytest.mark.parametrize("epoch", range(N_EPOCHS))
def test_another_process_with_another_hash_seed_builds_the_same_web(epoch: int) -> None:
    site, truth = build_lab(epoch)
    parts = (
        sorted(site.pages.items()),
        sorted(truth.rows.items()),
        sorted(truth.forbidden),
        sorted(truth.left_out.items()),
    )
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Shanghai"}
    command = [sys.executable, "-c", PRINTED, str(epoch)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == hashlib.sha256(repr(parts).encode()).hexdigest()


def test_every_page_is_expected_or_forbidden_in_some_epoch() -> None:
    webs = [build_lab(epoch) for epoch in range(N_EPOCHS)]
    spoken_of = {place(url) for _, truth in webs for url in (*truth.rows, *truth.forbidden)}
    for site, truth in webs:
        assert set(site.pages) <= spoken_of
        asked = {url for url, expected in truth.rows.items() if expected.n_asked}
        assert not asked & truth.forbidden
        assert all(host.endswith(".lab.test") for host in site.hosts)


def test_every_epoch_has_what_it_is_for() -> None:
    kinds = [{(row.outcome, row.change) for row in build_lab(epoch)[1].rows.values()} for epoch in range(N_EPOCHS)]
    outcomes = [{outcome for outcome, _ in found} for found in kinds]
    assert outcomes[0] == {"fetched", "redirected", "refused", "gone", "failed"}
    assert outcomes[1] == outcomes[0] | {"unchanged"}
    assert {("fetched", "new"), ("fetched", "text"), ("fetched", "boilerplate")} < kinds[1]
    assert {("fetched", "new"), ("fetched", "text"), ("fetched", "boilerplate"), ("unchanged", None)} < kinds[2]
    sizes = [len(build_lab(epoch)[1].rows) for epoch in range(N_EPOCHS)]
    assert sizes[2] < sizes[1] / 5, "in the third epoch most pages are not yet due"


def test_copies_are_of_the_promised_degree() -> None:
    copies = mirrors.copies()
    assert {copy.kind for copy in copies} == {
        "exact", "boilerplate", "print", "edit-01", "edit-05", "edit-15", "edit-40", "drop-20", "shuffled", "half",
        "joined", "script", "width",
    }  # fmt: skip
    for copy in copies:
        ours, theirs = grams(copy.article.paragraphs), grams(copy.original)
        likeness = len(ours & theirs) / len(ours | theirs)
        assert copy.least <= likeness <= copy.most, (copy.article.url, likeness)
        assert (copy.article.paragraphs == copy.original) == (copy.kind in ("exact", "boilerplate", "print"))


def test_charset_pages_say_what_they_should() -> None:
    site, truth = build_lab(0)
    for name, (_, encoding, header, meta) in charsets.DECLARED.items():
        page = site.pages[charsets.HOST, f"/{name}.html"]
        article = truth.articles[f"http://{charsets.HOST}/{name}.html"]
        assert len(article.paragraphs) >= 2, name
        text = page.body.decode(encoding)
        assert all(paragraph.split("\n")[0] in text.replace("<br>", "\n") for paragraph in article.paragraphs)
        assert page.content_type == ("text/html" if header is None else f"text/html; charset={header}")
        assert (f'charset={meta}"' in text) == (meta is not None)


def test_traps_have_no_end() -> None:
    """A crawl without trap detection would find more URLs than the bound on every trap host (here up to 400)."""
    site, truth = build_lab(0)
    for host, bound in truth.bounded.items():
        found, waiting = {"/"}, ["/"]
        while waiting and len(found) < 400:
            target = waiting.pop(0)
            path, _, query = target.partition("?")
            page = site.page(host, path, query)
            assert page is not None, target
            for href in (part.partition('"')[0] for part in page.body.decode().split('href="')[1:]):
                url = href.replace("&amp;", "&") if href.startswith("/") else target + href
                if url not in found:
                    found.add(url)
                    waiting.append(url)
        assert len(found) >= 400 > bound, host


def test_what_is_costly_is_so() -> None:
    site, _ = build_lab(0)
    pages = {url: site.pages[place(url)] for url in behaviours.COSTLY}
    bomb = pages[f"http://{behaviours.FAULTS}/bomb"]
    assert len(bomb.body) < behaviours.MAX_BODY_BYTES < behaviours.BOMB_MEMBERS * behaviours.MEMBER_BYTES / 100
    endless = [page for page in pages.values() if page.fault in ("endless", "endless headers")]
    assert len(endless) == 2
    assert faults.MAX_FAULT_BYTES > 50 * behaviours.MAX_BODY_BYTES
    assert traps.PROBE_PAGES < 10
    assert site.pages[HUB, "/"].etag is None
