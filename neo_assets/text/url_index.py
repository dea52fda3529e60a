"""An index of domains and address prefixes as sorted 64-bit hashes, and looking addresses up in it.

Domains are hashed from their last character, so that one pass gives the hashes of a host and all its parents; prefixes
from their first, so that one pass gives those of all the places where a part of the path or query ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, key64
from neo_assets.text.url_files import UrlFile

UInt8s = npt.NDArray[np.uint8]
UInt64s = npt.NDArray[np.uint64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

_BUCKET_SHIFT = np.uint64(48)
_N_BUCKETS = 1 << 16
_SLASH, _BACKSLASH, _QUERY, _HASH, _AND, _AT = (ord(mark) for mark in "/\\?#&@")
_COLON, _PERCENT, _DOT, _NEWLINE, _W = (ord(mark) for mark in ":%.\nw")
_GENERIC = ("arpa", "biz", "com", "edu", "gov", "info", "int", "mil", "name", "net", "org")
_SECOND_LEVELS = ("ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "mil", "ne", "net", "or", "org")


class UrlIndex(NamedTuple):
    """Sorted hashes, the category of each, and where those that share their first 16 bits start."""

    keys: UInt64s
    categories: UInt8s
    starts: Int32s


def build_index(files: Sequence[UrlFile], ids: Mapping[str, int]) -> UrlIndex:
    """The index of the chosen files; a name of several categories belongs to the first in alphabetical order."""
    parts = sorted((ids[file.category], file) for file in files if file.category in ids)
    keys = [_domain_keys(file.lines) if file.kind == "domains" else _line_keys(file.lines, False) for _, file in parts]
    flat = np.concatenate(keys) if keys else np.zeros(0, np.uint64)
    categories = np.repeat(np.array([number for number, _ in parts], np.uint8), [part.size for part in keys])
    unique, first = np.unique(flat, return_index=True)
    starts = np.searchsorted(unique, np.arange(_N_BUCKETS, dtype=np.uint64) << _BUCKET_SHIFT)
    return UrlIndex(unique, categories[first], np.append(starts, unique.size).astype(np.int32))


def _domain_keys(lines: UInt8s) -> UInt64s:
    """The hashes of the domains, without public suffixes such as com or com.cn, where half the web is registered.

    A whole top-level domain may be listed: UT1 does so with .xxx.
    """
    keys = _line_keys(lines, True)
    return keys[~np.isin(keys, _public_suffixes())]


@lru_cache(maxsize=1)
def _public_suffixes() -> UInt64s:
    letters = "abcdefghijklmnopqrstuvwxyz"
    countries = [a + b for a in letters for b in letters]
    names = [*_GENERIC, *countries, *(f"{second}.{country}" for second in _SECOND_LEVELS for country in countries)]
    return _line_keys(np.frombuffer("\n".join(names).encode(), np.uint8), True)


@compiled()
def categories_of(data: UInt8s, offsets: Int64s, domains: UrlIndex, prefixes: UrlIndex) -> Int64s:
    ids = np.zeros(offsets.size - 1, np.int64)
    form = np.empty(0, np.uint8)
    for url in range(offsets.size - 1):
        length = offsets[url + 1] - offsets[url]
        if form.size < length:
            form = np.empty(2 * length, np.uint8)
        host, end = _normal_form(data[offsets[url] : offsets[url + 1]], form)
        found = _longest_prefix(form, host, end, prefixes)
        ids[url] = found if found else _longest_domain(form, host, domains)
    return ids


@compiled()
def _longest_prefix(form: UInt8s, host: int, end: int, index: UrlIndex) -> int:
    if index.keys.size == 0 or host == 0:
        return 0
    found = 0
    h = np.uint64(0)
    for i in range(end):
        h = h * BASE + np.uint64(form[i]) + ONE
        ends = i + 1 == end or form[i + 1] == _SLASH or form[i + 1] == _QUERY or form[i + 1] == _AND
        if i + 1 >= host and ends:
            category = _category_of(index, key64(h))
            found = category if category else found
    return found


@compiled()
def _longest_domain(form: UInt8s, host: int, index: UrlIndex) -> int:
    """The category of the host, else of its parent domains; an IP address has none."""
    last = host - 1
    while last > 0 and form[last] != _DOT:
        last -= 1
    is_address = host > 0 and 48 <= form[host - 1] <= 57 and 48 <= form[last + 1] <= 57
    found = 0
    h = np.uint64(0)
    for i in range(host - 1, -1, -1):
        h = h * BASE + np.uint64(form[i]) + ONE
        if i == 0 or (form[i - 1] == _DOT and not is_address):
            category = _category_of(index, key64(h))
            found = category if category else found
    return found


@compiled()
def _category_of(index: UrlIndex, key: np.uint64) -> int:
    bucket = np.int64(key >> _BUCKET_SHIFT)
    low, high = index.starts[bucket], index.starts[bucket + 1]
    while low < high:
        middle = (low + high) // 2
        if index.keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return index.categories[low] if low < index.keys.size and index.keys[low] == key else 0


@compiled()
def _line_keys(lines: UInt8s, as_domains: bool) -> UInt64s:
    """The hash of each line that names something: of domains from the end, of prefixes from the start."""
    n_lines = 1
    for byte in lines:
        n_lines += byte == _NEWLINE
    keys = np.empty(n_lines, np.uint64)
    form = np.empty(256, np.uint8)
    n = start = 0
    for i in range(lines.size + 1):
        if i < lines.size and lines[i] != _NEWLINE:
            continue
        if form.size < i - start:
            form = np.empty(2 * (i - start), np.uint8)
        line = start
        start = i + 1
        if line == i or lines[line] == _HASH:
            continue
        host, end = _normal_form(lines[line:i], form)
        dots = 0
        for j in range(host):
            dots += form[j] == _DOT
        if host == 0 or (dots == 0 and not as_domains):
            continue
        h = np.uint64(0)
        for j in range(host if as_domains else end):
            byte = form[host - 1 - j] if as_domains else form[j]
            h = h * BASE + np.uint64(byte) + ONE
        keys[n] = key64(h)
        n += 1
    return keys[:n].copy()


@compiled()
def _normal_form(url: UInt8s, form: UInt8s) -> tuple[int, int]:
    """Writes the address in its one form; how long its host is, and how long all of it."""
    start, stop = 0, url.size
    while start < stop and url[start] <= 32:
        start += 1
    while stop > start and url[stop - 1] <= 32:
        stop -= 1
    start = _behind_scheme(url, start, stop)
    host_stop = start
    while host_stop < stop and not _ends_host(url[host_stop]):
        host_stop += 1
    n = _write_host(url, start, host_stop, form)
    return n, _write_path(url, host_stop, stop, form, n)


@compiled()
def _ends_host(byte: int) -> bool:
    return byte in (_SLASH, _BACKSLASH, _QUERY, _HASH)


@compiled()
def _behind_scheme(url: UInt8s, start: int, stop: int) -> int:
    i = start
    while i < stop and (is_word(url[i]) or url[i] == 43 or url[i] == 45 or url[i] == _DOT):  # + and -
        i += 1
    if i + 2 < stop and url[i] == _COLON and url[i + 1] == _SLASH and url[i + 2] == _SLASH:
        return i + 3
    if start + 1 < stop and url[start] == _SLASH and url[start + 1] == _SLASH:
        return start + 2
    return start


@compiled()
def _write_host(url: UInt8s, start: int, stop: int, form: UInt8s) -> int:
    for i in range(stop - 1, start - 1, -1):
        if url[i] == _AT:
            start = i + 1
            break
    for i in range(start, stop):
        if url[i] == _COLON and url[start] != 91:  # [, of an IPv6 address
            stop = i
            break
    while stop > start and url[stop - 1] == _DOT:
        stop -= 1
    while start < stop and url[start] == _DOT:
        start += 1
    if stop - start > 4 and url[start + 3] == _DOT:
        n_w = 0
        for i in range(start, start + 3):
            n_w += _lower(url[i]) == _W
        start += 4 if n_w == 3 else 0
    for i in range(start, stop):
        form[i - start] = _lower(url[i])
    return stop - start


@compiled()
def _write_path(url: UInt8s, start: int, stop: int, form: UInt8s, n: int) -> int:
    i = start
    while i < stop and url[i] != _HASH:
        byte = url[i]
        if byte == _PERCENT and i + 2 < stop and _hex(url[i + 1]) >= 0 and _hex(url[i + 2]) >= 0:
            decoded = 16 * _hex(url[i + 1]) + _hex(url[i + 2])
            if not (_ends_host(decoded) or decoded in (_AND, _PERCENT)):
                byte = decoded
                i += 2
        i += 1
        byte = _SLASH if byte == _BACKSLASH else _lower(byte)
        if byte == _SLASH and n > 0 and form[n - 1] == _SLASH:
            continue
        form[n] = byte
        n += 1
    while n > 0 and form[n - 1] == _SLASH:
        n -= 1
    return n


@compiled()
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@compiled()
def _hex(byte: int) -> int:
    if 48 <= byte <= 57:
        return byte - 48
    lowered = byte | 32
    return lowered - 87 if 97 <= lowered <= 102 else -1


@compiled()
def is_word(point: int) -> bool:
    """Whether the character is part of a word of an address; the underscore is not."""
    return 48 <= point <= 57 or 65 <= point <= 90 or 97 <= point <= 122 or point > 127
