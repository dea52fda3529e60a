"""What tells whether the files of an import or of a seed list are still those that were read: nothing is opened."""

from __future__ import annotations

import errno
import fnmatch
from collections.abc import Iterator
from datetime import date

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.recipe.imports import DAY, ImportSettings
from neo_assets.web.crawler.seeds import list_files
from neo_assets.web.imports.remote import AbsentError, RemoteError, listed, stamp

ABSENT = (errno.ENOENT, 404, 410)


class UnknownStampError(RuntimeError):
    """A server that tells neither size nor ETag of a file, or does not answer: a change of it goes unnoticed."""


def import_stamps(settings: ImportSettings, day: date) -> dict[str, str]:
    """The files of an import on a day, each with its size and time of change or ETag; those not there are left out.

    Of a listing only the listing itself is looked at. O(files), for addresses a request each.

    Raises:
        RemoteError: a store cannot be listed.
        UnknownStampError: see there.
    """
    return dict(_stamps(settings, day.isoformat()))


def seed_stamps(settings: CrawlSection) -> dict[str, str]:
    """The files of the seed lists, each with its size and time of change.

    Raises:
        SeedListError: a glob matches no file.
    """
    return {str(path): _text(str(path)) for path in list_files(settings)}


def _stamps(settings: ImportSettings, day: str) -> Iterator[tuple[str, str]]:
    listing = () if settings.listing is None else (settings.listing,)
    for path in (*settings.paths, *listing):
        for file in _there(path.replace(DAY, day)):
            chosen = path in listing or not settings.segments
            if chosen or any(fnmatch.fnmatchcase(file, pattern) for pattern in settings.segments):
                try:
                    yield file, _text(file)
                except RemoteError as error:
                    if not _is_absent(error):
                        raise


def _there(path: str) -> list[str]:
    try:
        return listed(path)
    except RemoteError as error:
        if _is_absent(error):
            return []
        raise


def _text(path: str) -> str:
    found = stamp(path)
    if all(value is None for value in found.values()):
        raise UnknownStampError(f"{path}: its server tells neither size nor ETag; import it by hand when it changes")
    return " ".join(str(found[name]) for name in sorted(found))


def _is_absent(error: RemoteError) -> bool:
    """Whether it only means that there is no such file yet: nothing wrong where paths are named by the day."""
    cause = error.__cause__
    return (
        isinstance(error, AbsentError)
        or isinstance(cause, FileNotFoundError)
        or (isinstance(cause, OSError) and cause.errno in ABSENT)
    )
