"""robots.txt of one origin (RFC 9309): what may be fetched, how fast, and which sitemaps there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from neo_assets.web.crawler.pagetables import UNREACHABLE

MAX_BYTES = 500 * 1024
"""RFC 9309, 2.5: a crawler must read at least 500 KiB; what follows is ignored."""
MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: a crawler should follow at least five redirects."""
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class Robots:
    """The rules of one origin for one user agent."""

    agent: str
    rules: Any = field(repr=False)
    unreachable: bool = False

    def refusal(self, url: str) -> str | None:
        """Why the rules forbid a URL (`robots`, or `robots unreachable`), or None if it may be fetched."""
        if self.unreachable:
            return UNREACHABLE
        return None if self.rules is None or self.rules.can_fetch(url, self.agent) else "robots"

    @property
    def sitemaps(self) -> list[str]:
        return [] if self.rules is None else list(self.rules.sitemaps)

    @property
    def crawl_delay_seconds(self) -> float:
        """The pause that the rules ask for, fractions included; 0 where they ask for none, or for nonsense."""
        seconds = 0.0 if self.rules is None else float(self.rules.crawl_delay(self.agent) or 0.0)
        return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def robots_of(agent: str, status: int | None, body: bytes) -> Robots:
    """The rules that an answer to the request for robots.txt means; `body` is the payload, or the beginning of it.

    RFC 9309: a file is obeyed; 4xx means there are no rules; a server error or no whole answer (`status` None) means
    that nothing may be fetched. So does 429, which tells of haste and not of the file.
    """
    from protego import Protego

    if status is None or status >= 500 or status == TOO_MANY_REQUESTS:
        return Robots(agent, None, unreachable=True)
    if status >= 300:
        return Robots(agent, None)
    text = _whole_lines(body).decode("utf-8-sig", "replace")
    return Robots(agent, Protego.parse(text))


def _whole_lines(body: bytes) -> bytes:
    """The first `MAX_BYTES`; a line that is cut there would be another rule than its owner wrote, and is left out."""
    if len(body) <= MAX_BYTES:
        return body
    head = body[:MAX_BYTES]
    return head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
