"""Name resolution that refuses private addresses, so that no public name can lead a crawl into its own network."""

from __future__ import annotations

from collections.abc import Sequence

from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from neo_assets.web.crawler.guard import is_public


class PrivateAddressError(DNSLookupError):
    """A name resolves to an address that is not public; to the crawl that is a name without an address."""


class PublicResolver(CachingThreadedResolver):
    """Scrapy's resolver, with each answer checked at the moment when the connection is made to it.

    It asks for IPv4 addresses only, and the connection goes to the very address that was checked: there is no second
    look-up in between that could be answered otherwise.
    """

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        return super().getHostByName(name, timeout).addCallback(_public)


def _public(address: str) -> str:
    if not is_public(address):
        raise PrivateAddressError(f"{address} is not a public address")
    return address
