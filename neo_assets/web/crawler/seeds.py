"""The URLs that a crawl starts from: the recipe's own, those of its lists, and its sitemaps."""

from __future__ import annotations

from collections.abc import Iterator
from glob import glob
from pathlib import Path

import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, document_id, with_verdicts
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.bundled.site import seed_urls
from neo_assets.web.crawler.guard import refusal

RECIPE = "recipe"
COMMENT = "#"


class SeedListError(ValueError):
    """A list of seeds that cannot be read: says which, and what to do."""


def seed_table(settings: CrawlSection) -> pa.RecordBatch:
    """Each URL once, in string order, with its kind (`page` or `sitemap`) and where it was named first, judged.

    What is no URL that may be crawled is quarantined: by scheme, private address, a host outside the allowed ones.

    Raises:
        SeedListError: no file matches a list, or one is not UTF-8.
    """
    named: dict[str, tuple[str, str]] = {}
    for url, kind, source in _named(settings):
        named.setdefault(url, (kind, source))
    urls = sorted(named)
    reasons = [refusal(url, settings.allowed_hosts) for url in urls]
    table = pa.record_batch(
        {
            "doc_id": [document_id("seed", url) for url in urls],
            "url": urls,
            "kind": [named[url][0] for url in urls],
            "source": [named[url][1] for url in urls],
        },
        schema=pa.schema([(name, pa.string()) for name in ("doc_id", "url", "kind", "source")]),
    )
    verdicts = [QUARANTINED if reason else KEPT for reason in reasons]
    told = [
        f"{named[url][1]}: not to be crawled" if reason else None for url, reason in zip(urls, reasons, strict=True)
    ]
    return with_verdicts(table, verdict=verdicts, rule=reasons, reason=told)


def list_files(settings: CrawlSection) -> list[Path]:
    """The files of all seed lists, sorted.

    Raises:
        SeedListError: a glob matches no file.
    """
    files: set[Path] = set()
    for pattern in settings.seed_lists:
        found = [Path(path) for path in glob(pattern, recursive=True) if Path(path).is_file()]
        if not found:
            raise SeedListError(
                f"crawl.seed_lists: no file matches {pattern!r}; put the list there, or mend the recipe"
            )
        files.update(found)
    return sorted(files)


def _named(settings: CrawlSection) -> Iterator[tuple[str, str, str]]:
    yield from ((url, "page", RECIPE) for url in settings.seeds)
    yield from ((url, "sitemap", RECIPE) for url in settings.sitemap_urls)
    for file in list_files(settings):
        yield from ((url, "page", place) for url, place in _lines(file))
    if not (settings.seeds or settings.seed_lists or settings.sitemap_urls):
        yield from ((url, "page", RECIPE) for url in seed_urls())


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Each line that is neither blank nor a comment, with its place in words."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SeedListError(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    for number, line in enumerate(lines, start=1):
        url = line.strip()
        if url and not url.startswith(COMMENT):
            yield url, f"{file.name}, line {number}"
