"""E-mail addresses and public IP addresses in a stretch of text whose full-width forms have been made ASCII."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9_](?:[\w.+%-]{0,62}[\w+%-])?@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8})"
    r"([A-Za-z][A-Za-z-]{0,22}[A-Za-z])(?![A-Za-z0-9@])", re.ASCII
)  # fmt: skip
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost|local)$")
"""Names that can be nobody's (RFC 2606, RFC 6761)."""

_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w%]|\.\d)", re.ASCII)
_BEFORE_VERSION = re.compile(
    r"(?:(?<![a-z])(?:version|ver|v|release|rel|rev|revision|build|section|sec|chapter|appendix|rfc|clause|firmware|oid)"
    r"|版本|版本号|第|章|节|§|固件)[\s:：.=#]{0,3}$|[A-Za-z0-9]/$|-$", re.IGNORECASE
)  # fmt: skip
_ABOUT_ADDRESSES = re.compile(
    r"(?<![a-z])(?:ip|ipv4|ips|dns|host|hosts|server|servers|address|addresses|addr|ping|ssh|curl|nameserver|gateway|proxy"
    r"|router|client|from|remote)(?![a-z])|地址|服务器|主机|网关|域名|解析|代理|://|@$", re.IGNORECASE
)  # fmt: skip
_SMALL = 32
"""Four numbers below it are as likely a section or version: a word about addresses must come before them."""
_CONTEXT_CHARS = 32
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]+(?![0-9A-Za-z:])")


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every e-mail address with an existing top-level domain that may be somebody's."""
    for match in _EMAIL.finditer(text):
        domain = (match[1] + match[2]).lower()
        remote = text[match.end() : match.end() + 2]
        if match[2].lower() not in top_level_domains() or _RESERVED.search(domain) or ".." in match[0]:
            continue
        if match[0].startswith("git@") and remote[:1] == ":" and not remote[1:].isspace():
            continue  # a remote repository: git@host:owner/name
        yield match.span()


@lru_cache(maxsize=1)
def top_level_domains() -> frozenset[str]:
    """Top-level domains of the Public Suffix List, as shipped with tldextract; 0.3 s, once a process."""
    from tldextract import TLDExtract

    suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    return frozenset(suffix.rpartition(".")[2] for suffix in suffixes)


def ipv4_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every public IPv4 address; version and section numbers are none."""
    for match in _IPV4.finditer(text):
        try:
            address = IPv4Address(match[0])
        except AddressValueError:
            continue
        before = text[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
        small = all(number < _SMALL for number in address.packed)
        if not address.is_global or address.is_multicast or _BEFORE_VERSION.search(before):
            continue
        if not small or _ABOUT_ADDRESSES.search(before.rpartition("\n")[2]):
            yield match.span()


def ipv6_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every global unicast IPv6 address."""
    for match in _IPV6.finditer(text):
        written = match[0] if match[0].endswith("::") else match[0].rstrip(":")
        try:
            address = IPv6Address(written)
        except AddressValueError:
            continue
        if address.is_global and address in _GLOBAL_UNICAST:
            yield match.start(), match.start() + len(written)
