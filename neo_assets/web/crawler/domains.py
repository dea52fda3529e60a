"""Registered domains: what its owner can make any number of hosts in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

N_KEPT = 16_384


@lru_cache(maxsize=N_KEPT)
def registered_domain(host: str) -> str:
    """The registered domain of a host (with or without a port), or the host itself where it has none.

    `a.b.example.co.uk:8080` gives `example.co.uk`. Suffixes below which anybody can have a name (`github.io`) count as
    those of registries, by the Public Suffix List that ships with tldextract: nothing is loaded from the network. A top
    level domain that is not on the list is a suffix by itself, as the list has it.
    """
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    found = _suffixes()(name)
    if found.suffix:
        return str(found.top_domain_under_public_suffix) or name
    return name if found.ipv4 or found.ipv6 else ".".join(name.split(".")[-2:])


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
