"""What a crawl may ask for at all: only http and https, no private addresses, no host outside the allowed ones."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)
"""Everything that the C library reads as an IPv4 address: 127.0.0.1, 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""


def refusal(url: str, allowed_hosts: Iterable[str] = ()) -> str | None:
    """Why a URL must not be fetched (`scheme`, `address`, `host`, `malformed`), or None if it may.

    Looks at the URL only; what a public name resolves to is checked when it is resolved (`is_public`).
    """
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "malformed"
    if parts.scheme not in ("http", "https"):
        return "scheme"
    if not host or parts.username is not None:
        return "malformed"
    allowed = tuple(allowed_hosts)
    if host in allowed:
        return None
    if not _is_public_literal(host):
        return "address"
    return None if not allowed or any(entry[0] == "." and host.endswith(entry) for entry in allowed) else "host"


def is_public(address: str) -> bool:
    """Whether an IP address is a public one (not loopback, private, link-local, multicast or reserved)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_global and not ip.is_multicast


def _is_public_literal(host: str) -> bool:
    """False for an address literal of a private host, in any spelling, and for `localhost`; True for names."""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    if NUMERIC_HOST.fullmatch(host):
        try:
            return is_public(socket.inet_ntoa(socket.inet_aton(host.rstrip("."))))
        except OSError:
            return False
    return is_public(host) if ":" in host else True
