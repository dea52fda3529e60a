"""The documentation hosts of the bundled web: pages exactly as their projects ship them, on their own paths."""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urljoin, urlsplit

from neo_assets.web.bundled import seed
from neo_assets.web.bundled.pages import Page, bucket, etag_of, published_at

DEBMAKE, HELP, PYTHON, HTTPD, SYMPY = (
    "debmake.neo.test",
    "help.neo.test",
    "python.neo.test",
    "httpd.neo.test",
    "sympy.neo.test",
)

HOST_OF_FOLDER = {"debmake": DEBMAKE, "lo-zh": HELP, "py": PYTHON, "httpd": HTTPD, "math": SYMPY}
HOSTS_WITH_DEAD_LINKS = (HTTPD,)
"""Only a part of each manual is in the seed. Links to the pages left out are cut, except on this host."""
HEADER_CHARSETS = {DEBMAKE: "utf-8", PYTHON: "utf-8", SYMPY: "utf-8"}
"""The other hosts leave the charset to the page's meta tag, as their real servers do for EUC-KR and Latin-1 pages."""
ANCHOR = re.compile(rb'<a\b([^>]*?)\shref="([^"]*)"')
BASE = re.compile(rb'<base href="([^"]*)"')


def pages() -> dict[tuple[str, str], Page]:
    """(host, path) to page; they are the same in every epoch."""
    shipped = {_place(file.path): file.path for file in seed.manifest() if file.path.startswith("web/")}
    made = {}
    for (host, path), name in shipped.items():
        body = seed.read_bytes(name)
        if host not in HOSTS_WITH_DEAD_LINKS:
            body = _without_dead_links(body, f"http://{host}{path}", set(shipped))
        made[host, path] = _page(host, path, body, "text/html")
    for file in seed.manifest():
        if file.kind == "pdf":
            path = f"/files/{file.path.removeprefix('pdf/')}"
            made[DEBMAKE, path] = _page(DEBMAKE, path, seed.read_bytes(file.path), "application/pdf")
    return made


def gold_of() -> dict[str, str]:
    """URL of a page to the seed file with its source text (Python and SymPy pages, one to one)."""
    gold = {}
    for file in seed.manifest():
        name = file.path.replace("web/", "gold/").replace(".html", ".rst.txt")
        if file.path.startswith(("web/py/", "web/math/")):
            host, path = _place(file.path)
            gold[f"http://{host}{path}"] = name
    return gold


def _page(host: str, path: str, body: bytes, media_type: str) -> Page:
    charset = f"; charset={HEADER_CHARSETS[host]}" if media_type == "text/html" and host in HEADER_CHARSETS else ""
    url = f"http://{host}{path}"
    return Page(
        body, f"{media_type}{charset}", modified=published_at(url), etag=etag_of(body, weak=bucket(url, 2) == 0)
    )


def _place(name: str) -> tuple[str, str]:
    """Where a seed page stood in its project's tree: the seed's flat names hold the folders."""
    _, folder, file = name.split("/")
    host = HOST_OF_FOLDER[folder]
    if host == HELP:
        return host, f"/zh-CN/text/swriter/guide/{file}"
    if host == PYTHON:
        return host, "/" + file.replace("_", "/", 1)
    if host == SYMPY:
        return host, "/" + file.replace("_", "/").replace("special/topics", "special_topics")
    return host, f"/{file}"


def _without_dead_links(body: bytes, url: str, places: set[tuple[str, str]]) -> bytes:
    """The page with the `href` of every link into its own host that leads nowhere renamed to `data-href`."""
    base_tag = BASE.search(body)
    base = urljoin(url, base_tag[1].decode("ascii")) if base_tag else url

    def cut(match: re.Match[bytes]) -> bytes:
        target = urlsplit(urldefrag(urljoin(base, match[2].decode("latin-1"))).url)
        dead = target.netloc == urlsplit(url).netloc and (target.netloc, target.path or "/") not in places
        return match[0].replace(b"href=", b"data-href=") if dead else match[0]

    return ANCHOR.sub(cut, body)
