"""What every adapter of text extraction does: read pages, extract each in memory, tell text and processor time.

    python -m benchmarks.peers.extraction_NAME --input FILE [--repeat N]

A line of the input is a page: `id`, `payload` (base64 of its bytes as sent), `content_type`, `charset` of the header or
null, `decoded` (its true text). For each of its modes the adapter prints one object a page: `mode`, `id`, `text`,
`seconds` (the least of N runs); at the end an object with `peak_mib`. The first pages are read once more beforehand,
untimed. An error is an empty text, and is told. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.protocol import peak_mib, pin_to_one_core

WARM_UP_PAGES = 5


class SentPage(NamedTuple):
    """A page as an adapter gets it: its bytes with what the header says, and its true text."""

    url: str
    payload: bytes
    content_type: str
    charset: str | None
    decoded: str


Extractor = Callable[[SentPage], str]


def serve(modes: Mapping[str, Extractor]) -> None:
    """Runs an adapter from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=1)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    pin_to_one_core()
    pages = read(chosen.input)
    for mode, extractor in modes.items():
        for _, page in pages[:WARM_UP_PAGES]:
            extracted(extractor, page)
        for identity, page in pages:
            found = [extracted(extractor, page) for _ in range(chosen.repeat)]
            text, _, error = found[0]
            seconds = min(seconds for _, seconds, _ in found)
            row: dict[str, Any] = {"mode": mode, "id": identity, "text": text, "seconds": seconds, "error": error}
            print(json.dumps(row))
    print(json.dumps({"peak_mib": peak_mib()}))


def read(file: Path) -> list[tuple[str, SentPage]]:
    """The pages of a file, with their names."""
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [(row.pop("id"), SentPage(**row | {"payload": base64.b64decode(row["payload"])})) for row in rows]


def extracted(extractor: Extractor, page: SentPage) -> tuple[str, float, str]:
    """The text found, the processor seconds that it took, and what went wrong."""
    error, text = "", ""
    start = time.process_time()
    try:
        text = extractor(page) or ""
    except Exception as problem:  # noqa: BLE001 what the peer does on an odd page is part of the result
        error = f"{type(problem).__name__}: {problem}"[:200]
    seconds = time.process_time() - start
    return text.encode("utf-8", "replace").decode("utf-8"), seconds, error
