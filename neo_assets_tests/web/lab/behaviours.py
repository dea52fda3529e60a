"""How HTTP answers: validators, redirects, errors, failures that pass, and bodies that break the protocol."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import lru_cache

from neo_assets.web.bundled.pages import FIRST_EPOCH, Page, etag_of
from neo_assets_tests.web.lab.parts import (
    Part,
    failed,
    failing,
    fetched,
    gone,
    once,
    redirect,
    redirected,
    refused,
    settled,
    steady,
    text_page,
    unchanged,
)

N_TRIES = 3
"""Requests for what keeps failing: the first, and two retries."""
MAX_BODY_BYTES = 400_000
"""The cap that a crawl of the laboratory must set."""
TIMEOUT_SECONDS = 2.0
"""The timeout that it must set."""
MAX_RETRY_AFTER_SECONDS = 3.0
"""The longest Retry-After that it must obey."""
STATUSES, REDIRECTS, VALIDATORS, FAULTS, BUSY = (
    f"{name}.lab.test" for name in ("statuses", "redirects", "validators", "faults", "busy")
)
BOMB_MEMBERS, MEMBER_BYTES = 10, 30_000_000
"""The gzip bomb: 300 MB of zeros in ten members, of which a client that goes on after the cap unpacks ever more."""
TEXT = "All of this page arrives, sooner or later, and in the end it is whole. "


def part(epoch: int) -> Part:
    made = Part(epoch)
    _validators(made)
    _redirects(made)
    _statuses(made)
    _passing(made)
    _busy(made)
    _faults(made)
    return made


def _validators(made: Part) -> None:
    """Every way to say that a page is as it was."""
    url = f"http://{VALIDATORS}"
    page = text_page("Validators", "This page never changes.")
    bare = replace(page, etag=None)
    pages = {
        "strong": (page, 304),
        "weak": (replace(page, etag=etag_of(page.body, weak=True)), 304),
        "date": (replace(bare, modified=FIRST_EPOCH), 304),
        "both": (replace(page, modified=FIRST_EPOCH), 304),
        "neither": (bare, 200),
        "other-tag": (replace(page, etag=f'"{made.epoch}"'), 200),
        "other-date": (replace(bare, modified=FIRST_EPOCH.replace(day=1 + made.epoch)), 200),
        "gzip": (replace(page, compressed=True), 304),
        "gzip-bare": (replace(bare, compressed=True), 200),
        "chunked": (replace(page, chunked=True), 304),
        "deflated": (_encoded(bare, gzip.compress(page.body, mtime=0), "x-gzip"), 200),
    }
    for name, (served, status) in pages.items():
        body = served.body if name == "deflated" else served.body.replace(b"Validators", name.encode())
        made.put(f"{url}/{name}.html", replace(served, body=body), *steady(status))
    made.home(VALIDATORS, [f"/{name}.html" for name in pages], *steady())


def _encoded(page: Page, body: bytes, encoding: str) -> Page:
    return replace(page, body=body, headers=(("Content-Encoding", encoding),))


def _redirects(made: Part) -> None:
    """A redirect is a link: recorded, and followed only to where a crawl may go."""
    url = f"http://{REDIRECTS}"
    made.robots(REDIRECTS, "User-agent: *\nDisallow: /secret/\n")
    follow = {"/301": (301, "/landing.html"), "/302": (302, "landing.html"), "/303": (303, f"{url}/landing.html#top"),
              "/307": (307, "//redirects.lab.test/landing.html"), "/308": (308, "./landing-308.html"),
              "/chain-1": (301, "/chain-2"), "/chain-2": (302, "/chain-3"), "/chain-3": (307, "/landing-chain.html"),
              "/loop-a": (302, "/loop-b"), "/loop-b": (302, "/loop-a"), "/self": (302, "/self")}  # fmt: skip
    named = [path for path in follow if path not in ("/chain-2", "/chain-3", "/loop-b")]
    for path, (status, location) in follow.items():
        made.put(url + path, redirect(location, status), *settled(redirected(status)))
    for name in ("landing", "landing-308", "landing-chain"):
        made.put(f"{url}/{name}.html", text_page(name, "A redirect led here."))
    for path, location in {
        "/to-file": "file:///etc/hostname",
        "/to-ftp": "ftp://redirects.lab.test/a",
        "/to-script": "javascript:alert(1)",
    }.items():
        _nowhere(made, path, location, "scheme")
    for path, location in {
        "/to-loopback": "http://127.0.0.1:22/",
        "/to-decimal": "http://2130706433/",
        "/to-hex": "http://0x7f.1/",
        "/to-six": "http://[::1]/",
        "/to-localhost": "http://localhost/",
        "/to-metadata": "http://169.254.169.254/latest/meta-data/",
        "/to-private": "http://192.168.0.1/",
    }.items():
        _nowhere(made, path, location, "address")
    made.put(f"{url}/to-user", redirect("http://user:word@redirects.lab.test/landing.html"), *settled(redirected(302)))
    made.expect("http://***@redirects.lab.test/landing.html", refused("malformed"), refused("malformed"), None)
    made.put(f"{url}/to-secret", redirect("/secret/a.html"), *settled(redirected(302)))
    made.hide(f"{url}/secret/a.html")
    made.expect(f"{url}/secret/a.html", refused("robots"), refused("robots"), None)
    made.put(f"{url}/to-foreign", redirect("http://www.example.com/"), *settled(redirected(302)))
    made.left_out["http://www.example.com/"] = "host"
    made.put(f"{url}/no-location", Page(b"Where to?", status=302), *failing(failed("status 302", 302)))
    made.put(f"{url}/bad-location", redirect("http://[bad/"), *failing(failed("location", 302)))
    others = sorted(
        path for host, path in made.pages if host == REDIRECTS and path.startswith(("/to-", "/no-", "/bad-"))
    )
    made.home(REDIRECTS, [*named, *others], *steady())


def _nowhere(made: Part, path: str, location: str, reason: str) -> None:
    made.put(f"http://{REDIRECTS}{path}", redirect(location), *settled(redirected(302)))
    made.expect(location, refused(reason), refused(reason), None)
    made.forbidden.add(location)


def _statuses(made: Part) -> None:
    """Errors that stay: 4xx is asked for once a day, 5xx and 429 are tried again."""
    url = f"http://{STATUSES}"
    for status in (401, 403, 451):
        made.put(f"{url}/{status}", Page(b"no", status=status), *failing(failed(f"status {status}", status)))
    for status in (429, 500, 502, 503):
        busy = failed(f"status {status}", status, n_asked=N_TRIES)
        made.put(f"{url}/{status}", Page(b"busy", status=status), *failing(busy))
    made.put(f"{url}/404", Page(b"no", status=404), *settled(gone(404)))
    made.put(f"{url}/410", Page(b"no", status=410), *once(gone(410)))
    made.put(f"{url}/soft-404.html", text_page("Not found", "The page that you look for is not here."))
    paths = sorted(path for host, path in made.pages if host == STATUSES)
    made.home(STATUSES, [*paths, "/nowhere.html"], *steady())
    made.expect(f"{url}/nowhere.html", *settled(gone(404)))


def _passing(made: Part) -> None:
    """Failures that pass while the crawl waits as long as it is asked to."""
    busy = Page(b"busy", "text/plain", status=503)
    for name, n_failures, instead in (
        ("flaky", 1, None),
        ("flakier", 2, replace(busy, status=500)),
        ("limited", 1, replace(busy, status=429, headers=(("Retry-After", "1"),))),
        ("dated", 1, replace(busy, retry_in_seconds=2)),
        ("past", 1, replace(busy, headers=(("Retry-After", "Fri, 01 Nov 2024 00:00:00 GMT"),))),
        ("nonsense", 1, replace(busy, headers=(("Retry-After", "soon"),))),
        ("silent", 1, Page(b"", fault="silent", seconds=20)),
        ("reset", 1, Page(b"", fault="reset")),
        ("torn", 1, Page(b"half of it" * 100, fault="reset within")),
        ("short", 1, Page(b"not all of it" * 100, fault="short")),
    ):
        # A host of its own: a failure makes all of its host wait.
        host = f"{name}.passing.lab.test"
        page = replace(text_page(name, TEXT * 3), n_failures=n_failures, failing=instead)
        # The failures come back with every epoch, since each is served anew.
        n_asked = 1 + n_failures
        later = replace(unchanged(), n_asked=n_asked)
        made.put(f"http://{host}/page.html", page, fetched(n_asked=n_asked), later, None)
        made.home(host, ["/page.html"], *steady())


WAITS = {f"http://{name}.passing.lab.test/page.html": 1.0 for name in ("limited", "dated")}
"""URL to the seconds that must lie between its first request and its second (a date is cut to whole seconds)."""


def _busy(made: Part) -> None:
    """A host that asks for a day's rest gets it: what is found on it later is not asked for before the next day."""
    url = f"http://{BUSY}"
    rest = Page(b"busy", "text/plain", status=503, headers=(("Retry-After", "86400"),))
    made.put(f"{url}/rest.html", rest, *failing(failed("retry-after", 503)))
    made.put(f"{url}/leads.html", text_page("On", "More to come.", anchors=['<a href="/later.html">later</a>']))
    later = text_page("Later", "Read when the host had its rest.")
    made.put(f"{url}/later.html", later, failed("retry-after", n_asked=0), fetched(), unchanged())
    made.home(BUSY, ["/leads.html", "/rest.html"], *steady())


def _faults(made: Part) -> None:
    """Bodies that are too much, too slow, or not what they are said to be; each is a failure of its own."""
    url = f"http://{FAULTS}"
    line = TEXT.encode()
    big = Page(line * (3 * MAX_BODY_BYTES // len(line)))
    bomb = BOMB_MEMBERS * _bomb_member()
    pages = {
        "/big-announced": (big, failed("size", 200, "length")),
        "/big-chunked": (replace(big, chunked=True), failed("size", 200, "length")),
        "/endless": (Page(line * 200, fault="endless"), failed("size", 200, "length")),
        "/bomb": (Page(bomb, stored_gzip=True), failed("size", 200)),
        "/silent": (Page(b"", fault="silent", seconds=20), failed("timeout", n_asked=N_TRIES)),
        "/slow": (Page(line * 9, fault="slow", seconds=20), failed("timeout", 200, "time", n_asked=N_TRIES)),
        "/reset": (Page(b"", fault="reset"), failed("reset", n_asked=N_TRIES)),
        "/torn": (Page(line * 99, fault="reset within"), failed("reset", 200, "disconnect", n_asked=N_TRIES)),
        "/short": (Page(line * 99, fault="short"), failed("truncated", 200, "disconnect", n_asked=N_TRIES)),
        "/headers": (Page(line, fault="endless headers"), failed("reset", n_asked=N_TRIES)),
        "/not-gzip": (_encoded(Page(line), line, "gzip"), failed("encoding", 200)),
        "/half-gzip": (_encoded(Page(line), gzip.compress(line * 99, mtime=0)[:-20], "gzip"), failed("encoding", 200)),
        "/brotli": (_encoded(Page(line), line, "br"), failed("encoding", 200)),
    }
    for path, (page, expected) in pages.items():
        made.put(url + path, page, *failing(expected))
    slow = Page(text_page("Slow", TEXT * 9).body, fault="slow", seconds=0.8)
    made.put(f"{url}/slow-enough.html", slow, *steady(200))
    made.home(FAULTS, [*pages, "/slow-enough.html"], *steady())


@lru_cache(maxsize=1)
def _bomb_member() -> bytes:
    return gzip.compress(bytes(MEMBER_BYTES), 9, mtime=0)


COSTLY = {f"http://{FAULTS}{path}": 1 for path in ("/big-chunked", "/endless", "/bomb")} | {
    f"http://{FAULTS}/headers": 3
}
"""URLs of bodies (and headers) without a bearable end, and the most requests for each."""
