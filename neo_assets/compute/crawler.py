"""How the crawl presents itself and by which way it goes out: what an operator may set without changing the recipe."""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
from pydantic import Field, field_validator

from neo_assets.recipe.crawl import CrawlSection

VARIABLES = {"contact": "NEO_CRAWL_CONTACT", "user_agent": "NEO_CRAWL_USER_AGENT", "proxy": "NEO_CRAWL_PROXY"}


class CrawlResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Who crawls, whom site owners can write to, and through which proxy.

    The values are the recipe's unless the environment or the launchpad gives others. Only what names the crawler is
    here: what decides which pages come in (seeds, hosts, caps, politeness) stands in the recipe alone, so that code
    versions and provenance tell the truth about the content.
    """

    contact: str = Field(default="", description="Whom site owners can write to; empty: as in the recipe.")
    user_agent: str = Field(
        default="", description="The User-Agent header; {contact} stands for the contact; empty: as in the recipe."
    )
    proxy: str = Field(
        default="", description="Forward proxy of all requests, http://host:port; empty: as in the recipe."
    )

    @field_validator("contact", "user_agent", "proxy")
    @classmethod
    def _one_header_line(cls, value: str) -> str:
        if not value.isprintable() or not value.isascii():
            raise ValueError("must be one line of printable ASCII, as a header is")
        return value

    @classmethod
    def from_environment(cls, crawl: CrawlSection) -> CrawlResource:
        """The recipe's values, so that the UI shows them; where a variable of `VARIABLES` is set, that one."""
        given = {name: os.environ.get(variable) for name, variable in VARIABLES.items()}
        return cls(**{name: value or getattr(crawl, name) or "" for name, value in given.items()})

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of the recipe's crawl section that are set here. Plain JSON, for a job's order."""
        return {name: value for name in VARIABLES if (value := getattr(self, name))}

    def applied(self, crawl: CrawlSection) -> CrawlSection:
        """The recipe's section with these values.

        Raises:
            ValidationError: they do not go with the rest of the section (the bundled site with a proxy).
        """
        return CrawlSection.model_validate({**dict(crawl), **self.settings})
