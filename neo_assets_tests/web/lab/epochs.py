"""What happens to pages from day to day: edited, new boilerplate, gone, back, new, moved; and when they are due."""

from __future__ import annotations

from dataclasses import replace

from neo_assets.web.bundled.edits import edited
from neo_assets.web.bundled.pages import Article, Page, contents, dress, official
from neo_assets_tests.web.lab.parts import (
    Part,
    failed,
    fetched,
    gone,
    redirect,
    redirected,
    steady,
    unchanged,
)
from neo_assets_tests.web.lab.texts import originals

HOST = "epochs.lab.test"
URL = f"http://{HOST}"
GONE_410, GONE_404 = Page(b"gone", status=410), Page(b"gone", status=404)


def part(epoch: int) -> Part:
    made = Part(epoch)
    made.robots(HOST, "User-agent: *\n")
    _changing(made)
    _leaving(made)
    _coming(made)
    named = ["edited-1", "edited-12", "edited-2", "notice-1", "notice-12", "notice-text", "reverted", "bytes-only",
             "gone-410", "gone-404", "late", "broken", "fails", "moved", "moved-text"]  # fmt: skip
    links = [f"/{name}.html" for name in (*named, *(["new-1"] if epoch else []), *(["new-2"] if epoch == 2 else []))]
    # The list of pages is asked for every day since it changes every day.
    made.put(f"{URL}/", contents_page(links, epoch), fetched(), fetched("text"), fetched("text"))
    made.door(HOST)
    return made


def contents_page(links: list[str], epoch: int) -> Page:
    """A list that tells another story every day."""
    news = f"What is new on this host on day {epoch}: {('all of it', 'a few pages', 'hardly anything')[epoch]}."
    return dress(Article(HOST, "/", "News", (news,), "en"), contents, [(link, link) for link in links])


def version(name: str, n_edits: int = 0, n_notices: int = 0) -> Page:
    """A page after so many edits of its text and so many of its boilerplate."""
    title, paragraphs, lang = originals()["law"]
    for edit in range(n_edits):
        paragraphs = edited(paragraphs, 0.05, f"{name}:{edit}")
    return dress(Article(HOST, f"/{name}.html", f"{title} {name}", paragraphs, lang, n_notices=n_notices), official)


def _changing(made: Part) -> None:
    """Versions (edits, notices) of a page in the three epochs, and what a crawl sees of them.

    A page whose text changed is due again the next day; one that was the same, or changed only around its text, after
    two days. So what changes on the third day is seen only of pages that also changed on the second.
    """
    for name, versions, course in (
        ("edited-1", ((0, 0), (1, 0), (1, 0)), (fetched(), fetched("text"), unchanged())),
        ("edited-12", ((0, 0), (1, 0), (2, 0)), (fetched(), fetched("text"), fetched("text"))),
        ("edited-2", ((0, 0), (0, 0), (1, 0)), steady()),
        ("notice-1", ((0, 0), (0, 1), (0, 1)), (fetched(), fetched("boilerplate"), None)),
        ("notice-12", ((0, 0), (0, 1), (0, 2)), (fetched(), fetched("boilerplate"), None)),
        ("notice-text", ((0, 0), (1, 0), (1, 1)), (fetched(), fetched("text"), fetched("boilerplate"))),
        ("reverted", ((0, 0), (1, 0), (0, 0)), (fetched(), fetched("text"), fetched("text"))),
    ):
        made.put(f"{URL}/{name}.html", version(name, *versions[made.epoch]), *course)
    # Other bytes every day, no validators, and the same text: white space and a comment.
    page = version("bytes-only")
    body = page.body.replace(b"<body>", b"<body>" + b"\n" * made.epoch + b"<!-- %d -->" % made.epoch)
    made.put(
        f"{URL}/bytes-only.html",
        replace(page, body=body, etag=None, modified=None),
        fetched(),
        fetched("boilerplate"),
        None,
    )


def _leaving(made: Part) -> None:
    """Pages that end: for good (410), perhaps (404), for a day; and those that fail for a day."""
    later = made.epoch > 0
    made.put(f"{URL}/gone-410.html", GONE_410 if later else version("gone-410"), fetched(), gone(410), None)
    made.put(f"{URL}/gone-404.html", GONE_404 if later else version("gone-404"), fetched(), gone(404), None)
    made.put(f"{URL}/late.html", version("late") if later else GONE_404, gone(404), fetched(), unchanged())
    failing = Page(b"no", status=403)
    made.put(f"{URL}/broken.html", failing if made.epoch == 1 else version("broken"), fetched(), FORBIDDEN, unchanged())
    made.put(f"{URL}/fails.html", failing if later else version("fails"), fetched(), FORBIDDEN, FORBIDDEN)


FORBIDDEN = failed("status 403", 403)


def _coming(made: Part) -> None:
    """Pages that appear, and pages that move: what the redirect leads to is a page like any other."""
    for number in (1, 2):
        if made.epoch >= number:
            made.pages[HOST, f"/new-{number}.html"] = version(f"new-{number}")
    made.expect(f"{URL}/new-1.html", None, fetched(), unchanged())
    made.expect(f"{URL}/new-2.html", None, None, fetched())
    for name in ("moved", "moved-text"):
        before, after = version(name), version(name, n_edits=int(name == "moved-text"))
        here = redirect(f"/{name}-here.html", 301) if made.epoch else before
        made.put(f"{URL}/{name}.html", here, fetched(), redirected(301), None)
        if made.epoch:
            made.pages[HOST, f"/{name}-here.html"] = after
        made.expect(f"{URL}/{name}-here.html", None, fetched(), unchanged())
