"""robots.txt in every state that a crawler meets, and what pages and headers ask of it."""

from __future__ import annotations

from dataclasses import replace

from neo_assets.web.bundled.pages import Page
from neo_assets_tests.web.lab.parts import (
    NO_ROBOTS,
    ROBOTS,
    Part,
    always,
    failed,
    failing,
    gone,
    once,
    redirect,
    redirected,
    refused,
    steady,
    text_page,
)

N_TRIES = 3
"""Requests for what keeps failing: the first, and two retries."""
RULES: dict[str, tuple[bytes, tuple[str, ...], tuple[str, ...]]] = {
    "bom": (
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /secret/\r\n",
        ("/open.html",),
        ("/secret/", "/secret/a.html"),
    ),
    "groups": (
        b"User-agent: *\nDisallow: /\n\nUser-agent: otherbot\nUser-agent: neo-assets\nDisallow: /not-us/\n\n"
        b"User-agent: badbot\nDisallow: /open.html\n",
        ("/open.html",),
        ("/not-us/a.html",),
    ),
    "allow": (
        b"User-agent: *\nDisallow: /a/\nAllow: /a/b.html\nAllow: /a/c/\nDisallow: /a/c/d\n",
        ("/a/b.html", "/a/c/e.html"),
        ("/a/other.html", "/a/c/d.html"),
    ),
    "wild": (
        b"user-agent: *\ndisallow: /*?print=\ndisallow: /*.php$\ndisallow: /x*/y/\n",
        ("/page.php5", "/x/z.html", "/doc.html"),
        ("/doc.html?print=1", "/page.php", "/xyz/y/a.html"),
    ),
    "empty": (b"", ("/open.html",), ()),
    "soft": (b"<!DOCTYPE html><title>404</title><p>Nothing here.</p>", ("/open.html",), ()),
    "nothing": (b"User-agent: *\nDisallow:\n", ("/open.html",), ()),
    "closed": (b"# keep out\nUser-agent: *\nDisallow: /\n", (), ("/", "/a.html")),
}
"""Host to its robots.txt, paths that it leaves open and paths that it forbids."""
DELAYED, DELAY_SECONDS = "delay.lab.test", 0.25
META = "meta.lab.test"


def part(epoch: int) -> Part:
    made = Part(epoch)
    for name, (text, free, forbidden) in RULES.items():
        _ruled(made, f"{name}.lab.test", text, free, forbidden)
    _without_rules(made)
    _redirected_rules(made)
    _unreachable(made)
    _delayed(made)
    _meta(made)
    return made


def _ruled(made: Part, host: str, text: bytes, free: tuple[str, ...], forbidden: tuple[str, ...]) -> None:
    made.robots(host, text)
    for path in free:
        made.put(f"http://{host}{path}", text_page(path, f"This page of {host} may be read."))
    for path in forbidden:
        made.hide(f"http://{host}{path}")
        if path != "/":
            made.expect(f"http://{host}{path}", *once(refused("robots")))
    if "/" not in forbidden:
        made.home(host, [*free, *forbidden], *steady())
    else:
        made.door(host)
        made.expect(f"http://{host}/", *always(refused("robots")))
        for path in forbidden[1:]:  # nothing names them: the page that would is forbidden
            del made.courses[f"http://{host}{path}"]


def _without_rules(made: Part) -> None:
    """4xx: there are no rules (RFC 9309, 2.3.1.3)."""
    for name, status in (("norobots", 404), ("forbidden", 403), ("withdrawn", 410)):
        host = f"{name}.lab.test"
        made.pages[host, "/robots.txt"] = Page(b"no", "text/plain", status=status)
        answer = failed(f"status {status}", status) if status == 403 else gone(status)
        made.robots(host, None, *always(replace(answer, kind="robots")))
        made.put(f"http://{host}/open.html", text_page("Open", f"Nothing forbids this page of {host}."))
        made.home(host, ["/open.html"], *steady())


def _redirected_rules(made: Part) -> None:
    """Rules count wherever the redirects lead; after five of them there are none (RFC 9309, 2.3.1.2)."""
    robots = replace(redirected(302), kind="robots")
    near, far, rules = "near.lab.test", "far.lab.test", "rules.lab.test"
    made.pages[near, "/robots.txt"] = redirect("/r/1")
    made.robots(near, None, *always(robots))
    made.pages[near, "/r/1"] = redirect(f"http://{rules}/shared.txt")
    made.pages[rules, "/shared.txt"] = Page(b"User-agent: *\nDisallow: /secret/\n", "text/plain")
    made.hide(f"http://{near}/secret/a.html")
    made.expect(f"http://{near}/secret/a.html", *once(refused("robots")))
    made.put(f"http://{near}/open.html", text_page("Open", "The rules are far away."))
    made.home(near, ["/open.html", "/secret/a.html"], *steady())
    # Not on the third day, when nothing on the host is due.
    made.expect(f"http://{near}/r/1", robots, robots, None)
    made.expect(f"http://{rules}/shared.txt", *ROBOTS[:2], None)

    made.pages[far, "/robots.txt"] = redirect("/r/1")
    made.robots(far, None, *always(robots))
    for number in range(1, 7):
        made.pages[far, f"/r/{number}"] = redirect(f"/r/{number + 1}")
        if number <= 5:
            made.expect(f"http://{far}/r/{number}", robots, robots, None)
    made.forbidden.add(f"http://{far}/r/6")
    made.put(f"http://{far}/open.html", text_page("Open", "The rules can't be found."))
    made.home(far, ["/open.html"], *steady())


def _unreachable(made: Part) -> None:
    """A server error or no answer: stay out (RFC 9309, 2.3.1.4)."""
    for name, page, answer in (
        ("broken", Page(b"busy", "text/plain", status=503), failed("status 503", 503, n_asked=N_TRIES)),
        ("mute", Page(b"", fault="silent", seconds=20), failed("timeout", n_asked=N_TRIES)),
        ("cut", Page(b"", fault="reset"), failed("reset", n_asked=N_TRIES)),
    ):
        host = f"{name}.lab.test"
        made.pages[host, "/robots.txt"] = page
        made.robots(host, None, *always(replace(answer, kind="robots")))
        made.hide(f"http://{host}/")
        made.door(host)
        made.expect(f"http://{host}/", *failing(refused("robots unreachable")))
    host = "shaky.lab.test"
    text = Page(b"User-agent: *\nDisallow: /secret/\n", "text/plain", n_failures=2)
    made.pages[host, "/robots.txt"] = text
    made.robots(host, None, *(replace(expected, n_asked=3) for expected in ROBOTS if expected))
    made.hide(f"http://{host}/secret/a.html")
    made.expect(f"http://{host}/secret/a.html", *once(refused("robots")))
    made.home(host, ["/secret/a.html"], *steady())


def _delayed(made: Part) -> None:
    made.robots(DELAYED, f"User-agent: *\nCrawl-delay: {DELAY_SECONDS}\n")
    paths = [f"/{number}.html" for number in range(5)]
    for path in paths:
        made.put(f"http://{DELAYED}{path}", text_page(path, "One after the other, please."))
    made.home(DELAYED, paths, *steady())


def _meta(made: Part) -> None:
    """What pages and headers ask: noindex (fetched, marked, its links followed), nofollow, for all or for one agent."""
    kinds = {
        "noindex": ("noindex", None, True, True),
        "nofollow": ("nofollow", None, False, False),
        "none": ("none", None, True, False),
        "noindex-header": (None, "noindex", True, True),
        "nofollow-header": (None, "nofollow", False, False),
        "ours-header": (None, "neo-assets: noindex, nofollow", True, False),
        "others-header": (None, "otherbot: noindex, nofollow", False, True),
        "all": ("index, follow", "all", False, True),
    }
    made.robots_of[META] = NO_ROBOTS
    links = []
    for name, (meta, header, _, followed) in kinds.items():
        tag = f'<meta name="ROBOTS" content="{meta}">' if meta else ""
        behind = f"http://{META}/behind/{name}.html"
        page = text_page(name, "Whether this page is kept is said elsewhere.", head=tag,
                         anchors=[f'<a href="/behind/{name}.html">on</a>'])  # fmt: skip
        headers = (("X-Robots-Tag", header),) if header else ()
        made.put(f"http://{META}/{name}.html", replace(page, headers=headers))
        links.append(f"/{name}.html")
        if followed:
            made.put(behind, text_page(f"Behind {name}", f"Led here by {name}."))
        else:
            made.hide(behind)
    _canonical(made, links)
    made.home(META, links, *steady())


NOINDEX = {f"http://{META}/{name}.html" for name in ("noindex", "none", "noindex-header", "ours-header")}
CANONICAL = {
    f"http://{META}/copy-tag.html": f"http://{META}/original-tag.html",
    f"http://{META}/copy-header.html": f"http://{META}/original-header.html",
}


def _canonical(made: Part, links: list[str]) -> None:
    """Copies that name their original, which is asked for though nothing else names it; and links with rel=nofollow."""
    tag = '<link rel="canonical" href="/original-tag.html">'
    made.put(f"http://{META}/copy-tag.html", text_page("Copy", "I am a copy by tag.", head=tag))
    header = (("Link", f'<http://{META}/original-header.html>; rel="canonical"'),)
    page = text_page("Copy", "I am a copy by header.")
    made.put(f"http://{META}/copy-header.html", replace(page, headers=header))
    for name in ("tag", "header"):
        made.put(f"http://{META}/original-{name}.html", text_page("Original", f"I am the original by {name}."))
    refresh = '<meta http-equiv="refresh" content="0; url=/refreshed.html">'
    made.put(f"http://{META}/refresh.html", text_page("Refresh", "Soon elsewhere.", head=refresh))
    made.put(f"http://{META}/refreshed.html", text_page("Refreshed", "Here you are."))
    anchors = [
        '<a rel="nofollow" href="/rel-nofollow.html">no</a>',
        '<a rel="external ugc nofollow" href="/rel-list.html">no</a>',
        '<a rel="noopener" href="/rel-other.html">yes</a>',
    ]
    made.put(f"http://{META}/rel.html", text_page("Links", "Some links are not to be followed.", anchors=anchors))
    made.put(f"http://{META}/rel-other.html", text_page("Reached", "By a link without nofollow."))
    made.hide(f"http://{META}/rel-nofollow.html")
    made.hide(f"http://{META}/rel-list.html")
    links += ["/copy-tag.html", "/copy-header.html", "/refresh.html", "/rel.html"]
