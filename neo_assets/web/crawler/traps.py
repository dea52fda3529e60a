"""Traps: URLs of which a server makes endlessly many. They are told by their spelling, or by what their likes gave."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from neo_assets.recipe.crawl import TrapSettings

NOTHING_NEW = "trap: nothing new"
DIGITS = re.compile(r"%[0-9A-Fa-f]{2}|[0-9]+")
LINE_DIGITS = re.compile(r"\d+")
MASK = "#"
"""Stands for a run of digits; no path of a canonical URL has the character itself."""
MIN_LINE_CHARS = 4
HASH_BYTES = 8
MAX_LINES_READ = 5_000
MAX_PAGE_LINES = 64
MAX_PATTERN_LINES = 2_000


def url_trap(url: str, settings: TrapSettings) -> str | None:
    """What in its spelling makes a canonical URL a trap, or None.

    `trap: path` is one with too many segments, `trap: repeated segment` one where a segment stands too often (numbers
    don't count: dates and page numbers repeat), `trap: query` one with too many parameters.
    """
    address, _, query = url.partition("?")
    segments = address.removesuffix("/").split("/")[3:]
    if len(segments) > settings.max_path_segments:
        return "trap: path"
    if len(segments) > settings.max_segment_repeats and len(set(segments)) < len(segments):
        counts = Counter(segment for segment in segments if not segment.isdigit())
        if max(counts.values(), default=0) > settings.max_segment_repeats:
            return "trap: repeated segment"
    return "trap: query" if query and _n_parameters(query) > settings.max_query_parameters else None


def pattern(url: str) -> str | None:
    """What a canonical URL has in common with its likes: host, path with digits masked, sorted names of parameters.

    None for a URL without digits and query, which has no likes. Digits of percent escapes are letters.
    """
    address, _, query = url.partition("://")[2].partition("?")
    host, slash, path = address.partition("/")
    masked = DIGITS.sub(_masked, path)
    if masked == path and not query:
        return None
    names = sorted({part.partition("=")[0] for part in query.split("&")}) if query else []
    return f"{host}{slash}{masked}?{'&'.join(names)}"


def line_hashes(lines: Iterable[str]) -> bytes:
    """A sample of a page's lines: the smallest `MAX_PAGE_LINES` of their hashes, ascending, 8 bytes each.

    Digits are masked, and lines under `MIN_LINE_CHARS` characters left out. The same lines give the same sample in
    whatever order they stand. O(lines), of which the first `MAX_LINES_READ` are read.
    """
    found = set()
    for line in islice(lines, MAX_LINES_READ):
        masked = LINE_DIGITS.sub("0", line.strip())
        if len(masked) >= MIN_LINE_CHARS:
            found.add(hashlib.blake2b(masked.encode("utf-8", "replace"), digest_size=HASH_BYTES).digest())
    return b"".join(sorted(found)[:MAX_PAGE_LINES])


def is_trap(n_pages: int, n_new: int, settings: TrapSettings) -> bool:
    """Whether a pattern is one, after `n_pages` answers of which `n_new` had a line not seen in the pattern before."""
    return n_pages >= settings.probe_pages and n_new < settings.min_new_share * n_pages


def _masked(found: re.Match[str]) -> str:
    return found[0] if found[0][0] == "%" else MASK


def _n_parameters(query: str) -> int:
    return sum(1 for part in query.split("&") if part)
