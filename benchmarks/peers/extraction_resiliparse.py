"""resiliparse: main content as plain text, given the bytes (decoded by its own detector) or the text."""

from __future__ import annotations

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from benchmarks.peers.extraction_protocol import SentPage, serve


def given_bytes(page: SentPage) -> str:
    """As its documentation shows: detect, decode, extract."""
    return given_text(page._replace(decoded=bytes_to_str(page.payload, detect_encoding(page.payload))))


def given_text(page: SentPage) -> str:
    """Extracts from a page that was decoded right."""
    return str(extract_plain_text(page.decoded, main_content=True, alt_texts=True))


if __name__ == "__main__":
    serve({"resiliparse": given_bytes, "resiliparse, decoded": given_text})
