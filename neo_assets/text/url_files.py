"""Reading URL lists in the layout of the UT1 blacklists: a folder a category, with the files `domains` and `urls`.

UT1 states in `global_usage` which categories are white: lists of what may be read. Others it calls black because a
school might close them, although nothing is wrong with their text: those are neutral here. Neither tells bad pages, so
both are left out by default. RefinedWeb's ten (adult, agressif, arjel, chat, dating, ddos, filehosting, gambling,
mixed_adult, phishing) stay. UT1 is under CC-BY-SA-4.0, <https://dsi.ut-capitole.fr/blacklists/>.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import numpy.typing as npt

from neo_assets.recipe.lists import UrlListSettings

# fmt: off
WHITE = frozenset((
    "ai", "bank", "child", "cleaning", "download", "educational_games", "examen_pix", "good", "jobsearch",
    "liste_blanche", "liste_bu", "press", "sexual_education", "shortener", "translation", "update",
))
"""White by UT1's own `global_usage` (2025), or by name; a list that comes with one of its own adds to them."""
NEUTRAL = frozenset((
    "associations_religieuses", "astrology", "audio-video", "bitcoin", "blog", "celebrity", "cooking", "doh",
    "dynamic-dns", "financial", "forums", "games", "lingerie", "manga", "mobile-phone", "radio", "remote-control",
    "residential-proxies", "residential_proxies", "shopping", "social_networks", "sports", "strict_redirector",
    "strong_redirector", "tricheur_pix", "vpn", "webhosting", "webmail",
))
"""Topics and services, not abuse. The two redirector lists are `redirector` and the search engines."""
ALIASES = {
    "ads": "publicite", "aggressive": "agressif", "drugs": "drogue", "mail": "forums", "porn": "adult",
    "proxy": "redirector", "violence": "agressif",
}
"""Second names of categories, which UT1 ships as symbolic links."""
# fmt: on
MAX_FILE_BYTES = 1 << 29
MAX_TOTAL_BYTES = 1 << 31
MAX_CATEGORIES = 254
_KINDS = ("domains", "urls")
_USAGE = "global_usage"


@dataclass(frozen=True, order=True)
class UrlFile:
    """One file of a category, with international host names in ASCII."""

    category: str
    kind: str
    content: bytes

    @property
    def lines(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self.content, np.uint8)


def read_url_files(path: Path) -> tuple[list[UrlFile], frozenset[str]]:
    """All files of the lists, sorted, and the categories that the lists themselves call white.

    Symbolic links are not followed: they are UT1's second names. Nothing is unpacked to disk.

    Raises:
        ValueError: the path is neither a folder nor a tar archive, too large, or holds no category.
    """
    files: list[UrlFile] = []
    white: frozenset[str] = frozenset()
    for name, content in _files(path):
        if name.name == _USAGE:
            white = _white_categories(content.decode("utf-8", "replace"))
        else:
            category = name.parent.name or path.name.partition(".")[0]
            files.append(UrlFile(category, name.name, _in_ascii(content)))
    named = {file.category for file in files}
    files = sorted(file for file in files if ALIASES.get(file.category) not in named)
    if not files:
        raise ValueError(f"{path} holds no URL list: expected CATEGORY/domains or CATEGORY/urls, as in UT1")
    return files, white


def chosen_categories(settings: UrlListSettings, present: Iterable[str], white: frozenset[str]) -> list[str]:
    """The categories in use, in alphabetical order: those asked for, or all that are neither white nor neutral.

    Raises:
        ValueError: a category asked for is not there, or there are more than ids.
    """
    names = sorted(present)
    asked = {*(settings.include or ()), *settings.exclude}
    if unknown := sorted(asked - {*names, *WHITE, *NEUTRAL}):
        raise ValueError(f"url_lists: no such categories: {', '.join(unknown)}; there are {', '.join(names)}")
    if settings.include is not None:
        names = [name for name in names if name in settings.include]
    else:
        names = [name for name in names if name not in WHITE | NEUTRAL | white]
    names = [name for name in names if name not in settings.exclude]
    if len(names) > MAX_CATEGORIES:
        raise ValueError(f"url_lists: {len(names)} categories, more than {MAX_CATEGORIES}: name some in exclude")
    return names


def with_ascii_host(url: str) -> str:
    """The address with its host name in ASCII (IDNA), or as it is where that is not possible or needed."""
    if url.isascii():
        return url
    scheme, mark, rest = url.strip().rpartition("://") if "://" in url[:32] else ("", "", url.strip())
    end = next((i for i, character in enumerate(rest) if character in "/\\?#"), len(rest))
    try:
        host = rest[:end].encode("idna").decode("ascii")
    except UnicodeError:
        return url
    return scheme + mark + host + rest[end:]


def _files(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The wanted files under a folder or in an archive, with their contents."""
    total = 0
    try:
        for name, size, stream in _open_folder(path) if path.is_dir() else _open_archive(path):
            if size > MAX_FILE_BYTES or (total := total + size) > MAX_TOTAL_BYTES:
                raise ValueError(f"{path.name}: {name} is too large for a URL list ({size} bytes)")
            yield name, stream.read(MAX_FILE_BYTES)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot read the URL list {path}: {error}; give a folder or a .tar.gz of it") from error


def _open_folder(path: Path) -> Iterator[tuple[PurePosixPath, int, IO[bytes]]]:
    for file in sorted(path.rglob("*")):
        if _wanted(file.name) and file.is_file() and not file.parent.is_symlink():
            with file.open("rb") as stream:
                yield PurePosixPath(*file.relative_to(path.parent).parts), file.stat().st_size, stream


def _open_archive(path: Path) -> Iterator[tuple[PurePosixPath, int, IO[bytes]]]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if _wanted(name.name) and member.isreg() and (stream := archive.extractfile(member)):
                yield name, member.size, stream


def _wanted(name: str) -> bool:
    return name in _KINDS or name == _USAGE


def _white_categories(usage: str) -> frozenset[str]:
    """The categories whose default type is white, from UT1's catalogue."""
    white, name = set(), ""
    for line in usage.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "NAME":
            name = value.strip()
        elif key.strip() == "DEFAULT_TYPE" and value.strip().lower() == "white":
            white.add(name)
    return frozenset(white)


def _in_ascii(content: bytes) -> bytes:
    if content.isascii():
        return content
    lines = content.decode("utf-8", "replace").splitlines()
    return "\n".join(map(with_ascii_host, lines)).encode()
