"""Links in every spelling: what each of them leads to, and those that lead nowhere a crawl may go."""

from __future__ import annotations

from neo_assets.web.bundled.pages import Page, etag_of
from neo_assets.web.crawler.canonical import masked
from neo_assets_tests.web.lab.parts import Part, steady, text_page

HOST = "links.lab.test"
LEADING = {
    "plain.html": "/plain.html",
    "/deep/base/../../up.html": "/up.html",
    "../../../above.html": "/above.html",
    "./same.html#part": "/same.html",
    "//links.lab.test/slashes.html": "/slashes.html",
    "http://links.lab.test:80/port.html": "/port.html",
    "HTTP://LINKS.lab.TEST/case.html": "/case.html",
    "  /spaces.html\n": "/spaces.html",
    "?page=2": "/?page=2",
    "/query.html?b=2&amp;a=1": "/query.html?a=1&b=2",
    "/query.html?a=1&amp;b=2#x": "/query.html?a=1&b=2",
    "/tracked.html?utm_source=x&amp;UTM_MEDIUM=y": "/tracked.html",
    "/session.html;jsessionid=0A1B2C?sid=77": "/session.html",
    "/中文.html": "/%E4%B8%AD%E6%96%87.html",
    "/%7Etilde.html": "/~tilde.html",
}
"""What an anchor says, and the path (with query) that is asked for."""
NOWHERE = {
    "http://127.0.0.1:9/": "address",
    "http://localhost/": "address",
    "http://user:word@links.lab.test/": "malformed",
    "http://elsewhere.test/": "host",
    "http://links.lab.test/" + "long/" * 450: "length",
}
"""Links that are counted as left out, and why."""
IGNORED = (
    "#top",
    "ftp://links.lab.test/file",
    "javascript:void(0)",
    "mailto:a@links.lab.test",
    "tel:123",
    "data:text/html,hello",
    "",
)
BASE = "/base/page.html"


def part(epoch: int) -> Part:
    made = Part(epoch)
    hrefs = [*LEADING, *NOWHERE, *IGNORED]
    home = text_page("Links", "All of them.", anchors=[f'<a href="{href}">{n}</a>' for n, href in enumerate(hrefs)])
    body = home.body.replace(b"</ul>", b'</ul><map name="m"><area href="/area.html" alt="area"></map><a>none</a>')
    made.put(f"http://{HOST}/", Page(body, etag=etag_of(body)), *steady())
    made.door(HOST)
    made.robots(HOST, "User-agent: *\nAllow: /\n")
    for path in sorted({*LEADING.values(), "/area.html"}):
        made.put(f"http://{HOST}{path}", text_page(path, f"What {path} leads to."))
    made.left_out |= {masked(url): reason for url, reason in NOWHERE.items()}
    _based(made)
    return made


def _based(made: Part) -> None:
    """A page whose base address is another folder; the base may itself be relative."""
    for name, base in (("based", f"http://{HOST}/elsewhere/"), ("based-relative", "/elsewhere/deeper/x.html")):
        page = text_page(name, "All links start elsewhere.", head=f'<base href="{base}">',
                         anchors=[f'<a href="{name}-target.html">t</a>'])  # fmt: skip
        made.put(f"http://{HOST}/{name}.html", page)
        made.doors.append(f"http://{HOST}/{name}.html")
    made.put(f"http://{HOST}/elsewhere/based-target.html", text_page("Target", "Of an absolute base."))
    made.put(f"http://{HOST}/elsewhere/deeper/based-relative-target.html", text_page("Target", "Of a relative base."))
