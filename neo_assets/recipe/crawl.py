"""Settings of the crawl and of text extraction."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section

# fmt: off
NO_DOCUMENTS = (
    "avi", "bmp", "css", "exe", "flv", "gif", "ico", "iso", "jpeg", "jpg", "js", "m4a", "mov", "mp3", "mp4", "mpeg",
    "ogg", "otf", "png", "rar", "rss", "svg", "swf", "tar", "tgz", "ttf", "wav", "webm", "webp", "wmv", "woff",
    "woff2", "xz", "zip", "7z",
)
# fmt: on

HOSTS_PER_DOMAIN = 10
"""Without `max_pages_per_domain` a domain gets as many pages as this number of hosts."""


class RevisitSettings(Section):
    """When a known page is asked for again: the interval shrinks when its main text changed, and grows otherwise."""

    first_days: int = Field(default=1, ge=1, description="days between the first fetch of a page and the next")
    min_days: int = Field(default=1, ge=1, description="shortest interval")
    max_days: int = Field(default=30, ge=1, description="longest interval")
    grow: float = Field(default=1.5, ge=1, description="factor of the interval when the main text was the same")
    shrink: float = Field(default=0.5, gt=0, le=1, description="factor of the interval when the main text had changed")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_days <= self.first_days <= self.max_days:
            raise ValueError("min_days, first_days and max_days must be in this order")
        return self


class TrapSettings(Section):
    """What marks a URL as one of endlessly many: by its spelling, or because others like it told nothing new."""

    max_path_segments: int = Field(default=12, gt=0, description="longest path, in segments")
    max_segment_repeats: int = Field(default=2, gt=0, description="times the same segment may stand in a path")
    max_query_parameters: int = Field(default=6, ge=0, description="most parameters of a query")
    probe_pages: int = Field(
        default=24,
        gt=0,
        description="pages of one pattern (a host, a path with its digits masked, the names of its parameters) that "
        "are fetched before it is judged",
    )
    min_new_share: float = Field(
        default=0.1, ge=0, le=1, description="share of them that must have a line of text not seen in the pattern yet"
    )


class CrawlSection(Section):
    """What is crawled, from when, how politely, and where it stops."""

    start: date = Field(description="first crawl day")
    end: date | None = Field(default=None, description="day after the last crawl day; null: the crawl goes on")
    site: Literal["bundled"] | None = Field(
        default=None, description="serve and crawl the web that ships with the package"
    )
    seeds: tuple[str, ...] = Field(default=(), description="URLs to start from; empty: those of the bundled web")
    seed_lists: tuple[str, ...] = Field(
        default=(), description="globs of local text files with a URL a line, # for comments; absolute paths"
    )
    sitemap_urls: tuple[str, ...] = Field(
        default=(), description="sitemaps to start from, besides those that robots.txt files name"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="host names, or domains with a leading dot; empty: every public host"
    )
    proxy: str | None = Field(default=None, description="forward proxy of all requests, http://host:port")
    contact: str = Field(min_length=3, description="address or page in the user agent, for site owners to complain to")
    user_agent: str = Field(default="neo-assets/0.1 (+{contact})", description="{contact} stands for the contact")
    max_pages: int = Field(gt=0, description="pages asked for in one day")
    max_pages_per_host: int = Field(gt=0, description="pages asked for in one day from one host")
    max_pages_per_domain: int | None = Field(
        default=None,
        gt=0,
        description="pages asked for in one day from one registered domain (example.co.uk) with all its hosts and "
        "ports, of which a server can make up endlessly many; null: ten times max_pages_per_host",
    )
    max_depth: int = Field(ge=0, description="links from a seed")
    max_seconds: int = Field(gt=0, description="duration of one day's crawl")
    max_body_bytes: int = Field(gt=0, description="size of a page, as sent and as decompressed")
    max_bytes: int | None = Field(default=None, gt=0, description="payload of one day's crawl; null: no limit")
    max_url_chars: int = Field(default=2048, gt=0)
    traps: TrapSettings = Field(default=TrapSettings(), description="URLs of which there are endlessly many")
    revisit: RevisitSettings = Field(default=RevisitSettings(), description="when known pages are asked for again")
    timeout_seconds: float = Field(default=30.0, gt=0, description="of one request")
    n_retries: int = Field(default=2, ge=0, description="further tries after a timeout, a lost connection, 429 or 5xx")
    retry_seconds: float = Field(default=5.0, ge=0, description="pause before the first retry; it doubles each time")
    max_retry_after_seconds: float = Field(
        default=300.0, ge=0, description="longest Retry-After obeyed; a host that asks for more is left for the day"
    )
    concurrency: int = Field(default=16, gt=0, description="requests under way")
    concurrency_per_host: int = Field(default=2, gt=0, description="requests under way to one host")
    delay_seconds: float = Field(default=1.0, ge=0, description="pause between two requests to one host")
    max_crawl_delay_seconds: float = Field(default=30.0, ge=0, description="longest Crawl-delay of robots.txt obeyed")
    sitemaps: bool = Field(default=True, description="follow the sitemaps that robots.txt names")
    drop_query_parameters: tuple[str, ...] = Field(
        default=(
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_term",
            "utm_content",
            "sid",
            "sessionid",
            "PHPSESSID",
        ),
        description="parameters that do not change the page, cut from URLs",
    )
    skip_extensions: tuple[str, ...] = Field(
        default=NO_DOCUMENTS, description="endings of paths that lead to no document"
    )
    warc_max_bytes: int = Field(default=1_000_000_000, gt=0, description="size at which a new WARC file is begun")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}; end is the day after the last crawl day")
        if self.site is None and not (self.seeds or self.seed_lists or self.sitemap_urls):
            raise ValueError(
                "there is nothing to crawl: give seeds, seed_lists or sitemap_urls, or set site to bundled"
            )
        if self.site is not None and self.proxy is not None:
            raise ValueError("the bundled site is its own proxy; leave proxy out, or set site to null")
        return self

    @property
    def domain_cap(self) -> int:
        """Pages asked for in one day from one registered domain."""
        return self.max_pages_per_domain or HOSTS_PER_DOMAIN * self.max_pages_per_host

    @property
    def agent(self) -> str:
        """The User-Agent header, contact included."""
        return self.user_agent.replace("{contact}", self.contact)

    def epoch(self, day: date) -> int:
        """The number of a crawl day; the first is 0.

        Raises:
            ValueError: the day is outside the crawl.
        """
        if day < self.start or (self.end is not None and day >= self.end):
            raise ValueError(f"{day} is no crawl day; the crawl goes from {self.start} to before {self.end or 'ever'}")
        return (day - self.start).days


class ExtractionSection(Section):
    """How a fetched page becomes text."""

    media_types: tuple[str, ...] = Field(
        default=("text/html", "application/xhtml+xml", "text/plain"), description="content types that hold text"
    )
    max_payload_bytes: int = Field(gt=0, description="larger pages are set aside, not parsed")
    min_chars: int = Field(default=1, ge=1, description="shortest text kept, in characters")
    main_content: bool = Field(default=True, description="leave out navigation, headers, footers and comments")
