"""Which category of a URL list an address belongs to (the UT1 blacklists of the Université Toulouse Capitole).

An address is listed by its host or a parent domain of it, or by a prefix of host and path that ends where a part of the
path or query does. Before that it is brought into one form: without scheme, user, port, `www.` and fragment, percent
codes decoded, in lower case, international host names in ASCII. The index is two sorted arrays of 64-bit hashes, nine
bytes a name; the chance that any of a billion other domains meets one of 4.5 million hashes is 0.0002.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.recipe.lists import UrlListSettings, UrlWordSettings
from neo_assets.text.badwords import load_terms
from neo_assets.text.terms import Terms, build_terms, count_terms
from neo_assets.text.units import code_points
from neo_assets.text.url_files import chosen_categories, read_url_files, with_ascii_host
from neo_assets.text.url_index import UrlIndex, build_index, categories_of, is_word

UInt8s = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]

URL_WORDS = "url_words"
"""The name of the category of addresses that only their words list."""


@dataclass(frozen=True)
class UrlWords:
    """Words in addresses, in RefinedWeb's grades."""

    strict: Terms
    hard: Terms
    soft: Terms
    soft_matches: int


@dataclass(frozen=True)
class UrlLists:
    """Domains and address prefixes by category, ready for looking up."""

    names: tuple[str, ...]
    """The category of each id; id 0 is no category."""
    domains: UrlIndex
    prefixes: UrlIndex
    words: UrlWords | None

    def categories(self, urls: Sequence[str | None] | pa.Array) -> list[int | None]:
        """The id of the category of each address, null where it is in none or the address is null.

        That of the longest listed prefix, else that of the longest listed domain, else that of listed words. Linear in
        the addresses' lengths; half a microsecond each.
        """
        column = urls if isinstance(urls, pa.Array) else pa.array(urls, pa.large_string())
        texts = [None if url is None else with_ascii_host(url) for url in column.to_pylist()]
        data, offsets = _bytes_of(texts)
        ids = categories_of(data, offsets, self.domains, self.prefixes)
        if self.words is not None:
            _add_words(ids, [url or "" for url in texts], self.words, len(self.names) - 1)
        return [int(found) or None for found in ids]

    @property
    def digest(self) -> str:
        """A digest of everything that decides, for metadata."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for index in (self.domains, self.prefixes):
            digest.update(index.keys.tobytes() + index.categories.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class UrlLookup:
    """The lists of the recipe as a small value that goes to other processes, each of which loads them once."""

    settings: UrlListSettings
    folder: Path

    def categories(self, urls: Sequence[str | None] | pa.Array) -> list[int | None]:
        """What `UrlLists.categories` gives."""
        return load_url_lists(self.settings, self.folder).categories(urls)


@lru_cache(maxsize=2)
def load_url_lists(settings: UrlListSettings, folder: Path) -> UrlLists:
    """The lists of the recipe, once a process; relative paths start at the folder.

    Raises:
        ValueError: the path is no list in UT1's layout, or a wanted category is not in it.
    """
    files, white = read_url_files(folder / settings.path)
    wanted = chosen_categories(settings, {file.category for file in files}, white)
    ids = {name: number for number, name in enumerate(wanted, 1)}
    words = None if settings.words is None else _words(settings.words, folder)
    return UrlLists(
        names=("", *wanted, *(() if words is None else (URL_WORDS,))),
        domains=build_index([file for file in files if file.kind == "domains"], ids),
        prefixes=build_index([file for file in files if file.kind == "urls"], ids),
        words=words,
    )


def _words(settings: UrlWordSettings, folder: Path) -> UrlWords:
    strict, hard, soft = (
        build_terms(load_terms(files, folder), "en")
        for files in (settings.strict_files, settings.hard_files, settings.soft_files)
    )
    return UrlWords(strict, hard, soft, settings.soft_matches)


def _bytes_of(texts: Sequence[str | None]) -> tuple[UInt8s, Int64s]:
    """The texts as UTF-8, one after the other, and where each starts; null is empty."""
    column = pa.array([text or "" for text in texts], pa.large_string())
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int64)[: len(texts) + 1] if offsets else np.zeros(1, np.int64)
    return np.frombuffer(data, np.uint8) if data and data.size else np.zeros(0, np.uint8), starts


def _add_words(ids: Int64s, urls: Sequence[str], words: UrlWords, category: int) -> None:
    points, offsets = code_points([unquote(url) for url in urls])
    _match_words(points, offsets, words.strict, words.hard, words.soft, words.soft_matches, ids, category)


@compiled()
def _match_words(
    points: npt.NDArray[np.uint32], offsets: Int64s, strict: Terms, hard: Terms, soft: Terms, soft_matches: int,
    ids: Int64s, category: int,
) -> None:  # fmt: skip
    anywhere = np.ones(points.size + 1, np.uint8)
    borders = np.ones(points.size + 1, np.uint8)
    for i in range(1, points.size):
        borders[i] = not (is_word(points[i - 1]) and is_word(points[i]))
    for url in range(offsets.size - 1):
        start, end = offsets[url], offsets[url + 1]
        if ids[url] == 0 and (
            count_terms(points, start, end, anywhere, strict)
            or count_terms(points, start, end, borders, hard)
            or count_terms(points, start, end, borders, soft) >= soft_matches
        ):
            ids[url] = category
