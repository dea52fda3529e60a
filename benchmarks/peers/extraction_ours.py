"""Ours: the whole view of a page as the crawl takes it (charset, text, title, date, author, links), or decoding and
main text only, which is what the others do."""

from __future__ import annotations

from benchmarks.peers.extraction_protocol import SentPage, serve
from neo_assets.web.content.maintext import main_text
from neo_assets.web.page.charset import decode
from neo_assets.web.page.pageview import read_page


def page_view(page: SentPage) -> str:
    """The main text of the page's view."""
    return read_page(page.url, page.payload, page.content_type, page.charset).text


def text_only(page: SentPage) -> str:
    """Decoding and main text."""
    return main_text(decode(page.payload, page.charset)[0]).text


if __name__ == "__main__":
    serve({"neo-assets": page_view, "neo-assets, text only": text_only})
