"""What a crawl may ask for at all: http and https, public addresses, web ports, no host outside the allowed ones."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)
"""Everything that the C library reads as an IPv4 address: 127.0.0.1, 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""
HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "home.arpa")
"""Names that mean something in somebody's own network only."""
FIRST_FREE_PORT = 1024
WEB_PORTS = frozenset({80, 443})
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address


def refusal(url: str, allowed_hosts: Iterable[str] = ()) -> str | None:
    """Why a URL must not be fetched, or None if it may: `scheme`, `address`, `port`, `host`, `malformed`.

    Looks at the URL only; what a public name resolves to is checked when it is resolved (`is_public`). Of the ports
    below 1024, which belong to other services, only 80 and 443 are asked. A host that `allowed_hosts` names in full is
    allowed with any address and port; a domain (with a leading dot) allows names only.
    """
    try:
        parts = urlsplit(url)
        host, port = _host(parts.hostname), parts.port
    except ValueError:
        return "malformed"
    if parts.scheme not in ("http", "https"):
        return "scheme"
    if host is None or parts.username is not None:
        return "malformed"
    allowed = tuple(allowed_hosts)
    if host in allowed:
        return None
    if not _is_public_host(host):
        return "address"
    if port is not None and port < FIRST_FREE_PORT and port not in WEB_PORTS:
        return "port"
    return None if not allowed or any(entry[0] == "." and host.endswith(entry) for entry in allowed) else "host"


def is_public(address: str) -> bool:
    """Whether an IP address is a public one (not loopback, private, link-local, multicast or reserved).

    An IPv6 address that only carries an IPv4 address (mapped, 6to4) is as public as that. Addresses of translators
    (NAT64) are not public: they lead wherever the translator's network leads.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4):
        return ip.is_global and not ip.is_multicast
    if ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    if ip.sixtofour is not None:
        return is_public(str(ip.sixtofour))
    return ip in GLOBAL_UNICAST and ip.is_global


def _host(name: str | None) -> str | None:
    """The host as a resolver would read it (full-width digits and dots are plain ones); None if it can't be one."""
    host = unicodedata.normalize("NFKC", name or "").replace("\u3002", ".").lower().rstrip(".")
    return host if ":" in host or HOST_NAME.fullmatch(host) else None


def _is_public_host(host: str) -> bool:
    """False for an address literal of a private host, in any spelling, and for local names; True for other names."""
    if ":" in host:
        return is_public(host)
    if NUMERIC_HOST.fullmatch(host):
        try:
            return is_public(socket.inet_ntoa(socket.inet_aton(host)))
        except OSError:
            return False
    return "." in host and not any(host == name or host.endswith(f".{name}") for name in LOCAL_NAMES)
