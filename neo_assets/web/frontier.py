"""The frontier: which URLs a crawl day asks for, in waves.

A wave holds every URL at one distance from the seeds; the next one is built only when it is done, and always in the
order of the URLs. So what is fetched, at which depth, and where the caps cut depends on the pages alone, never on which
answer came first: two crawls with different concurrency give the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url, url_query_cleaner

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.guard import refusal

DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, order=True)
class Target:
    """A URL to ask for: what it is (`page`, `sitemap` or `robots`), its depth, and the page that named it."""

    url: str
    kind: str = "page"
    depth: int = 0
    referrer: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def origin(self) -> str:
        """Scheme, host and port: what one robots.txt governs."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def canonical(url: str, drop_parameters: Iterable[str] = ()) -> str:
    """The one spelling of a URL: sorted query, no fragment, no default port, no parameters that don't change the page.

    Raises:
        ValueError: the URL can't be parsed.
    """
    without = url_query_cleaner(url, tuple(drop_parameters), remove=True, unique=False) if "?" in url else url
    spelled = canonicalize_url(without)
    scheme, separator, rest = spelled.partition("://")
    host, slash, path = rest.partition("/")
    default_port = DEFAULT_PORTS.get(scheme)
    if default_port and host.endswith(default_port):
        return f"{scheme}{separator}{host.removesuffix(default_port)}{slash}{path}"
    return spelled


class Frontier:
    """URLs seen and still to ask for. `add` takes them in, `next_wave` gives them out once each.

    What `add` gets during a wave is looked at only when the next one is built, in a defined order.
    """

    def __init__(self, settings: CrawlSection) -> None:
        self._settings = settings
        self._found: dict[tuple[int, str, str], str] = {}
        self._waiting: dict[int, list[Target]] = {}
        self._seen: set[str] = set()
        self._per_host: Counter[str] = Counter()
        self.n_pages = 0
        self.n_left_out: Counter[str] = Counter()
        """URLs left out, by reason: `guard.refusal`'s, length, extension, depth, max_pages, max_pages_per_host."""

    def add(self, url: str, kind: str = "page", depth: int = 0, referrer: str = "") -> None:
        """Note a URL for a later wave, unless it was seen."""
        try:
            url = canonical(url, self._settings.drop_query_parameters)
        except ValueError:
            self.n_left_out["malformed"] += 1
            return
        if url not in self._seen:
            found = (depth, url, kind)
            self._found[found] = min(self._found.get(found, referrer), referrer)

    def forget(self, url: str) -> None:
        """Never ask for the URL (it is gone for good, or asked for by other means)."""
        self._seen.add(url)

    def next_wave(self) -> list[Target]:
        """The waiting targets of the smallest depth, sorted by URL, as many as the caps allow; empty at the end."""
        self._take_in()
        while self._waiting:
            targets = self._waiting.pop(min(self._waiting))
            wave = [target for target in sorted(targets) if self._within_caps(target)]
            if wave:
                return wave
        return []

    @property
    def n_waiting(self) -> int:
        """How many URLs a crawl that was cut leaves behind."""
        return len(self._found) + sum(map(len, self._waiting.values()))

    def _take_in(self) -> None:
        for (depth, url, kind), referrer in sorted(self._found.items()):
            if url in self._seen:
                continue
            self._seen.add(url)
            reason = self._reason(url, kind, depth)
            if reason is None:
                self._waiting.setdefault(depth, []).append(Target(url, kind, depth, referrer))
            else:
                self.n_left_out[reason] += 1
        self._found.clear()

    def _reason(self, url: str, kind: str, depth: int) -> str | None:
        settings = self._settings
        refused = refusal(url, settings.allowed_hosts)
        if refused is not None:
            return refused
        if len(url) > settings.max_url_chars:
            return "length"
        name = urlsplit(url).path.rpartition("/")[2]
        if kind == "page" and "." in name and name.rpartition(".")[2].lower() in settings.skip_extensions:
            return "extension"
        return "depth" if depth > settings.max_depth else None

    def _within_caps(self, target: Target) -> bool:
        reason = None
        if self.n_pages >= self._settings.max_pages:
            reason = "max_pages"
        elif self._per_host[target.host] >= self._settings.max_pages_per_host:
            reason = "max_pages_per_host"
        if reason is not None:
            self.n_left_out[reason] += 1
            return False
        self.n_pages += 1
        self._per_host[target.host] += 1
        return True
