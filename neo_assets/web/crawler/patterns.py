"""Which patterns of URLs are traps, by what their pages told; kept in the crawl store, judged between two waves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from neo_assets.recipe.crawl import TrapSettings
from neo_assets.web.crawler.traps import HASH_BYTES, MAX_PATTERN_LINES, is_trap, line_hashes, pattern


def keep_lines(db: sqlite3.Connection, url: str, lines: Iterable[str]) -> None:
    """Keep the lines of a page's main text for `judge`. A URL without a pattern is none of its business."""
    name = pattern(url)
    if name is not None:
        db.execute("INSERT OR IGNORE INTO learned VALUES (?, ?, ?)", (name, url, line_hashes(lines)))


def is_trapped(db: sqlite3.Connection, url: str) -> bool:
    """Whether a URL's pattern was found to be a trap."""
    name = pattern(url)
    if name is None:
        return False
    return db.execute("SELECT 1 FROM pattern WHERE name = ? AND is_trap", (name,)).fetchone() is not None


def has_traps(db: sqlite3.Connection) -> bool:
    """Whether any pattern was found to be a trap."""
    return db.execute("SELECT 1 FROM pattern WHERE is_trap LIMIT 1").fetchone() is not None


def judge(db: sqlite3.Connection, settings: TrapSettings) -> None:
    """Count which of the kept pages had a line new to their pattern, in the order of URLs, and find the traps.

    A pattern remains a trap once it is one. Reads a pattern at a time: O(kept pages), `MAX_PATTERN_LINES` in memory.
    """
    rows = db.execute("SELECT pattern, hashes FROM learned ORDER BY pattern, url")
    for name, pages in groupby(rows, key=itemgetter(0)):
        _judge_pattern(db, name, (hashes for _, hashes in pages), settings)
    db.execute("DELETE FROM learned")


def _judge_pattern(db: sqlite3.Connection, name: str, pages: Iterable[bytes], settings: TrapSettings) -> None:
    found = db.execute("SELECT n_pages, n_new, is_trap, hashes FROM pattern WHERE name = ?", (name,)).fetchone()
    n_pages, n_new, was_trap, known = found or (0, 0, 0, b"")
    lines = set(_split(known))
    for hashes in pages:
        n_pages += 1
        new = [line for line in _split(hashes) if line not in lines]
        n_new += bool(new)
        lines.update(new[: MAX_PATTERN_LINES - len(lines)])
    row = (name, n_pages, n_new, was_trap or is_trap(n_pages, n_new, settings), b"".join(sorted(lines)))
    db.execute("INSERT OR REPLACE INTO pattern VALUES (?, ?, ?, ?, ?)", row)


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
