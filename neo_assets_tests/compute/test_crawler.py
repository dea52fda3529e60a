"""The crawl's settings that an operator may change: the recipe's unless the environment or the launchpad says more."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from neo_assets.compute.crawler import VARIABLES, CrawlResource
from neo_assets.recipe.recipe import load_recipe

CRAWL = load_recipe("mini").crawl
OPEN = CRAWL.model_copy(update={"site": None, "seeds": ("http://a.test/",)})


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


def test_it_says_what_the_recipe_says() -> None:
    crawler = CrawlResource.from_environment(CRAWL)
    assert (crawler.contact, crawler.user_agent, crawler.proxy) == (CRAWL.contact, CRAWL.user_agent, "")
    assert crawler.applied(CRAWL) == CrawlResource().applied(CRAWL) == CRAWL


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_CRAWL_CONTACT", "ops@b.test")
    monkeypatch.setenv("NEO_CRAWL_PROXY", "http://10.0.0.1:3128")
    crawler = CrawlResource.from_environment(OPEN)
    settings = crawler.applied(OPEN)
    assert settings.agent == "neo-assets/0.1 (+ops@b.test)"
    assert settings.proxy == "http://10.0.0.1:3128"
    changed = {"contact", "proxy"}
    assert {k: v for k, v in settings if k not in changed} == {k: v for k, v in OPEN if k not in changed}


def test_only_what_names_the_crawler_can_be_changed() -> None:
    crawler = CrawlResource(contact="me@b.test", user_agent="x", proxy="http://p:1")
    assert set(crawler.settings) == set(VARIABLES) == {"contact", "user_agent", "proxy"}
    assert json.loads(json.dumps(crawler.settings)) == crawler.settings


def test_values_that_do_not_go_with_the_recipe_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_CRAWL_PROXY", "http://10.0.0.1:3128")
    with pytest.raises(ValidationError, match="the bundled site is its own proxy"):
        CrawlResource.from_environment(CRAWL).applied(CRAWL)


@pytest.mark.parametrize("contact", ["a\r\nX-Evil: 1", "联系", "ab"])
def test_a_contact_that_is_no_header_is_refused(contact: str) -> None:
    with pytest.raises(ValidationError):
        CrawlResource(contact=contact).applied(CRAWL)


def test_the_launchpad_wins_over_what_is_bound() -> None:
    seen: list[str] = []

    @dg.asset
    def pages(crawler: CrawlResource) -> None:
        seen.append(crawler.applied(CRAWL).agent)

    definitions = dg.Definitions(
        [pages],
        resources={"crawler": CrawlResource.from_environment(CRAWL), "io_manager": dg.mem_io_manager},
        executor=dg.in_process_executor,
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    given: list[dict[str, Any]] = [{}, {"resources": {"crawler": {"config": {"contact": "me@b.test"}}}}]
    with dg.DagsterInstance.ephemeral() as instance:
        for config in given:
            assert job.execute_in_process(instance=instance, run_config=config).success
    assert seen == [CRAWL.agent, "neo-assets/0.1 (+me@b.test)"]
