"""WARC files to JSON lines in a plain loop: warcio and trafilatura, or fastwarc and resiliparse.

    python -m benchmarks.peers.imports_alone warcio|fastwarc OUTPUT FILE...

Each takes response records with status 200 and HTML, decodes and extracts them with its own means, and writes address
and text. No language, no verdicts, no digests, no resuming.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator

HTML = ("text/html", "application/xhtml+xml")


def warcio_pages(path: str) -> Iterator[tuple[str, str | None]]:
    """By warcio's iterator and trafilatura's extraction, which finds out the charset."""
    from trafilatura import extract
    from warcio.archiveiterator import ArchiveIterator

    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type != "response" or record.http_headers.get_statuscode() != "200":
                continue
            if (record.http_headers.get_header("Content-Type") or "").lower().startswith(HTML):
                yield record.rec_headers.get_header("WARC-Target-URI"), extract(record.content_stream().read())


def fastwarc_pages(path: str) -> Iterator[tuple[str, str | None]]:
    """By fastwarc's iterator, resiliparse's charset detection and its plain text of the main content."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    for record in ArchiveIterator(path, record_types=WarcRecordType.response, parse_http=True, auto_decode="all"):
        if record.http_headers.status_code == 200 and (record.http_content_type or "").lower().startswith(HTML):
            body = record.reader.read()
            tree = HTMLTree.parse_from_bytes(body, record.http_charset or detect_encoding(body) or "utf-8")
            yield record.headers["WARC-Target-URI"], extract_plain_text(tree, main_content=True)


def main() -> None:
    """Run one of them over the files, and say what it took."""
    pages = {"warcio": warcio_pages, "fastwarc": fastwarc_pages}[sys.argv[1]]
    started, n_texts = time.perf_counter(), 0
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        for path in sys.argv[3:]:
            for url, text in pages(path):
                target.write(json.dumps({"url": url, "text": text}, ensure_ascii=False) + "\n")
                n_texts += bool(text)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"texts": n_texts, "work": time.perf_counter() - started, "peak_mib": peak}))


if __name__ == "__main__":
    main()
