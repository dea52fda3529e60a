"""Sitemaps: an index, compressed files, dates that make a page due, and pages that nothing else names."""

from __future__ import annotations

import gzip

from neo_assets.web.bundled.pages import Page
from neo_assets_tests.web.lab.parts import Expected, Part, fetched, listed, steady, text_page, unchanged

HOST = "sitemaps.lab.test"
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def part(epoch: int) -> Part:
    made = Part(epoch)
    url = f"http://{HOST}"
    made.robots(HOST, f"Sitemap: {url}/index.xml\nUser-agent: *\nDisallow: /secret/\nSitemap: {url}/broken.xml\n")
    _files(made)
    made.put(f"{url}/only-plain.html", text_page("Plain", "Only the plain sitemap names this page."))
    made.put(f"{url}/only-gzip.html", text_page("Compressed", "Only the compressed sitemap names this page."))
    made.put(f"{url}/only-broken.html", text_page("Broken", "Named before the sitemap breaks off."))
    made.hide(f"{url}/secret/a.html")
    refusal = Expected("refused", "robots", n_asked=0)
    made.expect(f"{url}/secret/a.html", refusal, refusal, refusal)
    # Unchanged on the second day, so not due on the third; but then the sitemap says that it has changed. It has.
    later = text_page("Dated", "The third edition." if made.epoch == 2 else "The first edition.")
    made.put(f"{url}/dated.html", later, fetched(), unchanged(), fetched("text"))
    # The sitemap says so of this page too, and it is not true.
    made.put(f"{url}/dated-falsely.html", text_page("Dated", "Still the first."), fetched(), unchanged(), unchanged())
    # It has changed, and nobody says so: it is asked for when it is due, which is after the third day.
    silently = text_page("Undated", "The third edition." if made.epoch == 2 else "The first edition.")
    made.put(f"{url}/undated.html", silently, *steady())
    # Dated long ago, and asked for on the first days like any other page.
    made.put(f"{url}/old.html", text_page("Old", "From long ago."))
    made.put(f"{url}/new.html", text_page("New", "Of the second day."), None, fetched(), unchanged())
    if epoch == 0:
        del made.pages[HOST, "/new.html"]
    made.home(HOST, [], *steady())
    return made


def _files(made: Part) -> None:
    url = f"http://{HOST}"
    index = _markup("sitemapindex", [f"<sitemap><loc>{url}/{name}</loc></sitemap>" for name in ("a.xml", "b.xml.gz")])
    day = "2024-11-03T12:00:00+08:00" if made.epoch == 2 else "2024-10-01"
    new = [_entry(f"{url}/new.html", "2024-11-02")] if made.epoch else []
    plain = _markup("urlset", [
        _entry(f"{url}/only-plain.html", None),
        _entry(f"{url}/secret/a.html", None),
        _entry("http://texts.lab.test/not-its-own.html", None),
        _entry(f"{url}/dated.html", day),
        _entry(f"{url}/dated-falsely.html", day),
        *new,
    ])  # fmt: skip
    made.forbidden.add("http://texts.lab.test/not-its-own.html")
    packed = _markup("urlset", [_entry(f"{url}/only-gzip.html", "no date"), _entry(f"{url}/old.html", "2011-01-01"),
                                _entry(f"{url}/undated.html", None)])  # fmt: skip
    whole = _markup("urlset", [_entry(f"{url}/only-broken.html", None), "<url><loc>http://"])
    broken = whole.removesuffix(b"\n</urlset>\n")
    same = Expected("unchanged", status=200, kind="sitemap")
    new_file = Expected("fetched", status=200, kind="sitemap")
    made.put(f"{url}/index.xml", Page(index, "application/xml"), *listed(new_file, same))
    made.put(f"{url}/a.xml", Page(plain, "text/xml"), new_file, new_file, new_file)
    made.put(f"{url}/b.xml.gz", Page(gzip.compress(packed, mtime=0), "application/gzip"), *listed(new_file, same))
    made.put(f"{url}/broken.xml", Page(broken, "application/xml"), *listed(new_file, same))


def _entry(url: str, lastmod: str | None) -> str:
    dated = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    return f"<url><loc>{url}</loc>{dated}</url>"


def _markup(tag: str, entries: list[str]) -> bytes:
    inner = "\n".join(entries)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag} xmlns="{NAMESPACE}">\n{inner}\n</{tag}>\n'.encode()
