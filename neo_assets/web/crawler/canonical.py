"""The one spelling of a URL, so that a page is asked for once whatever way links are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from w3lib.url import canonicalize_url

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_ADDRESS, _PAIR = r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*/[A-Za-z0-9/._~-]*", r"[\w.~-]+=[\w.~-]*"
PLAIN = re.compile(rf"({_ADDRESS})(?:\?({_PAIR}(?:&{_PAIR})*))?", re.ASCII)
"""URLs in which nothing but the order of their parameters, if there are any, can be written in two ways."""

USER = re.compile(r"(?<=//)[^/?#]*@")


def canonical(url: str, drop_parameters: Iterable[str] = ()) -> str:
    """The one spelling of a URL: sorted query, no fragment, no default port, no parameters that don't change the page.

    `drop_parameters` are names of such parameters, in any case; they are cut from the query and from the path
    (`;jsessionid=…`, which is always cut). The spelling of a canonical URL is itself.

    Raises:
        ValueError: the URL can't be parsed, or has characters that no encoding can write.
    """
    plain = PLAIN.fullmatch(url)
    if plain is not None:
        return plain[1] if plain[2] is None else _plain(plain[1], plain[2], tuple(drop_parameters))
    url.encode()  # lone surrogates can be neither asked for nor stored
    url = url.partition("#")[0]
    address, mark, query = url.partition("?")
    names, in_path = _dropped(tuple(drop_parameters))
    if ";" in address:
        address = in_path.sub("", address)
    if mark:
        kept = [part for part in query.split("&") if part.partition("=")[0].lower() not in names]
        query = "&".join(kept)
    spelled = canonicalize_url(f"{address}?{query}" if query else address)
    scheme, separator, rest = spelled.partition("://")
    host, slash, path = rest.partition("/")
    default_port = DEFAULT_PORTS.get(scheme)
    if default_port and host.endswith(default_port):
        return f"{scheme}{separator}{host.removesuffix(default_port)}{slash}{path}"
    return spelled


def masked(url: str) -> str:
    """The URL with a name and password, if it has them, made unreadable."""
    return USER.sub("***@", url, count=1) if "@" in url else url


def _plain(address: str, query: str, drop_parameters: tuple[str, ...]) -> str:
    names, _ = _dropped(drop_parameters)
    pairs = [tuple(part.split("=")) for part in query.split("&")]
    kept = sorted(pair for pair in pairs if pair[0].lower() not in names)
    return f"{address}?{'&'.join(map('='.join, kept))}" if kept else address


@lru_cache(maxsize=16)
def _dropped(parameters: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str]]:
    names = frozenset(name.lower() for name in parameters)
    alternatives = "|".join(sorted(map(re.escape, names | {"jsessionid"})))
    return names, re.compile(rf";(?:{alternatives})=[^/?#;]*", re.IGNORECASE)
