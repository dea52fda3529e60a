"""The segments of an import on a day: which files it has, in which order."""

from __future__ import annotations

import fnmatch
import gzip
import io
import zlib
from datetime import date

from neo_assets.recipe.imports import DAY, ImportSettings
from neo_assets.web.imports.remote import RemoteError, is_local, listed, one_line, opened

MAX_LISTING_BYTES = 1 << 28
GZIP_MAGIC = b"\x1f\x8b"
COMMENT = "#"
SIGNALS_END = ".signals.json.gz"
"""RedPajama-V2's quality signals are read with their documents."""


class ImportFault(RuntimeError):
    """An import that cannot be made: says which, what is wrong, and which key of the recipe to mend."""

    def __init__(self, name: str, key: str, what: str, advice: str = "mend") -> None:
        self._given = name, key, what, advice
        super().__init__(f"import {name!r}: {what}; {advice} imports.{name}.{key}")

    def __reduce__(self) -> tuple[type[ImportFault], tuple[str, str, str, str]]:
        return ImportFault, self._given  # it crosses processes


def segments_of(name: str, settings: ImportSettings, day: date) -> list[str]:
    """The paths of the import's files on that day, sorted; none twice.

    Raises:
        ImportFault: there are none, or the listing cannot be read.
    """
    found: set[str] = set()
    for path in settings.paths:
        found |= set(_named(name, "paths", path.replace(DAY, day.isoformat())))
    if settings.listing:
        found |= set(_of_listing(name, settings, day))
    chosen = sorted(path for path in found if _is_chosen(path, settings))
    if not chosen:
        key = "segments" if found else "listing" if settings.listing else "paths"
        raise ImportFault(name, key, f"none of {len(found)} files is to be imported" if found else "there is no file")
    return chosen[: settings.max_segments]


def _named(name: str, key: str, path: str) -> list[str]:
    try:
        return listed(path)
    except RemoteError as error:
        raise ImportFault(name, key, str(error), "put the files there, or mend") from None


def _of_listing(name: str, settings: ImportSettings, day: date) -> list[str]:
    """The paths in the listing with the base before them."""
    path = str(settings.listing).replace(DAY, day.isoformat())
    try:
        with opened(path) as stream:
            data = stream.read(MAX_LISTING_BYTES + 1)
        text = _unpacked(data).decode("utf-8")
    except (RemoteError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        what = str(error) if isinstance(error, RemoteError) else f"{path}: {one_line(error)}"
        raise ImportFault(name, "listing", what) from None
    if len(data) > MAX_LISTING_BYTES or len(text) > MAX_LISTING_BYTES:
        raise ImportFault(name, "listing", f"{path} is larger than {MAX_LISTING_BYTES} bytes")
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith(COMMENT)]
    foreign = not is_local(path) and not settings.base  # it says whole paths, and another machine wrote it
    for line in lines:
        if ".." in line.split("/") or (foreign and is_local(line)):
            raise ImportFault(name, "listing", f"{path} names {line[:100]!r}, which leads elsewhere on this machine")
    return [settings.base + line for line in lines]


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(GZIP_MAGIC):
        return data
    with gzip.open(io.BytesIO(data)) as packed:
        return packed.read(MAX_LISTING_BYTES + 1)


def _is_chosen(path: str, settings: ImportSettings) -> bool:
    if settings.kind == "redpajama" and path.endswith(SIGNALS_END):
        return False
    return not settings.segments or any(fnmatch.fnmatchcase(path, pattern) for pattern in settings.segments)
