"""The UI in a real browser, over a real crawl and its Chinese pages."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from neo_assets_tests.e2e.conftest import everything as everything
from neo_assets_tests.e2e.small import Checkout
from neo_assets_tests.graph_snapshot import SNAPSHOT
from neo_assets_tests.ui.browser import browser, fresh_page, settle
from neo_assets_tests.ui.server import Ui, dagster_ui

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]
RUN_SECONDS = 180


@pytest.fixture(scope="module")
def ui(everything: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI with its daemon, over a copy of all that was built and of Dagster's records of it."""
    copy = Checkout(tmp_path_factory.mktemp("ui") / "checkout")
    shutil.copytree(everything.folder, copy.folder)
    with dagster_ui(daemon=True, environment=copy.environment()) as running:
        yield running


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture
def page(ui: Ui, chrome: Browser) -> Iterator[Page]:
    """A page at whose end nothing may have failed in it, and nothing may have been asked of another machine."""
    faults: list[str] = []
    with fresh_page(chrome) as page:
        page.on("pageerror", lambda error: faults.append(f"error in the page: {error}"))
        page.on("request", lambda request: _is_local(request.url) or faults.append(f"asked outside: {request.url}"))
        yield page
    assert not faults


def _is_local(url: str) -> bool:
    return urlsplit(url).scheme in ("data", "blob") or urlsplit(url).hostname == "127.0.0.1"


def test_the_lineage_graph_shows_every_area(ui: Ui, page: Page) -> None:
    areas = sorted({line.split("/")[0] for line in SNAPSHOT.read_text(encoding="utf-8").splitlines()})
    page.goto(f"{ui.url}/asset-groups")
    settle(page, *areas)
    page.keyboard.press("Alt+e")
    settle(page)
    assert all(f"%3A{area}" in page.url for area in areas)


def test_an_asset_page_shows_what_it_is_and_sample_documents(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/chinese/filtered")
    settle(page, "Latest materialization", "sample", "reasons", "Owners")
    sample = page.get_by_role("row").filter(has_text=re.compile(r"^sample"))
    if sample.get_by_text("[Show Markdown]").is_visible():
        sample.get_by_text("[Show Markdown]").click()
        sample = page.get_by_role("dialog")
        sample.get_by_role("table").wait_for()
    assert re.search(r"[\u4e00-\u9fff]{10}", sample.inner_text())


def test_the_partitions_tab_shows_each_crawl_day_as_materialized(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/chinese/filtered?view=partitions")
    settle(page, "Materialized (2)", "Missing (0)", "Failed (0)")


def test_the_checks_tab_shows_that_no_row_was_lost(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/chinese/filtered?view=checks&checkDetail=rows_conserved")
    settle(page, "rows_conserved", "Evaluation result", "Passed")


def test_a_run_launched_by_hand_succeeds(ui: Ui, page: Page) -> None:
    before = _runs(ui)
    page.goto(f"{ui.url}/assets/crawl/seeds")
    page.get_by_role("button").filter(has_text="Materialize").first.click()
    settle(page, "Launched run")
    assert _ended(ui, before) == ["SUCCESS"]


def test_the_daily_crawl_is_switched_on_and_off(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/locations/neo_assets/schedules/daily_crawl_at_3")
    settle(page, "Running")
    assert _schedules(ui) == {"daily_crawl_at_3": "STOPPED"}
    page.locator("label:has(input[type=checkbox])").first.click()
    settle(page, "Next tick")
    assert _schedules(ui) == {"daily_crawl_at_3": "RUNNING"}
    page.locator("label:has(input[type=checkbox])").first.click()
    page.get_by_text("Next tick").wait_for(state="hidden")
    assert _schedules(ui) == {"daily_crawl_at_3": "STOPPED"}


def test_a_crawl_day_is_materialized_and_its_report_read(ui: Ui, page: Page) -> None:
    for asset in ("crawl/pages", "crawl/report"):
        before = _runs(ui)
        page.goto(f"{ui.url}/assets/{asset}")
        page.get_by_role("button").filter(has_text="Materialize").first.click()
        page.get_by_placeholder("ex: 2024-11-01").fill("2024-11-01")
        page.get_by_placeholder("ex: 2024-11-01").press("Enter")
        page.get_by_role("button").filter(has_text=re.compile("^Launch 1 run")).click()
        assert _ended(ui, before) == ["SUCCESS"], asset
    page.goto(f"{ui.url}/assets/crawl/report?view=partitions&partition=2024-11-01")
    settle(page, "by_host")
    row = page.get_by_role("row").filter(has_text=re.compile(r"^by_host"))
    row.get_by_text("[Show Markdown]").click()
    page.get_by_role("dialog").get_by_role("table").wait_for()
    text = page.get_by_role("dialog").inner_text()
    assert "junk.neo.test" in text and "refused by robots.txt" in text


def _schedules(ui: Ui) -> dict[str, str]:
    repository = '{repositoryName: "__repository__", repositoryLocationName: "neo_assets"}'
    answer = ui.graphql(
        f"{{ schedulesOrError(repositorySelector: {repository}) "
        "{ ... on Schedules { results { name scheduleState { status } } } } }"
    )
    return {found["name"]: found["scheduleState"]["status"] for found in answer["schedulesOrError"]["results"]}


def _ended(ui: Ui, before: Container[str]) -> list[str]:
    """How the runs that are not among those before ended."""
    new: dict[str, str] = {}
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        new = {run: status for run, status in _runs(ui).items() if run not in before}
        if new and all(status in ("SUCCESS", "FAILURE", "CANCELED") for status in new.values()):
            break
        time.sleep(0.5)
    return list(new.values())


def _runs(ui: Ui) -> dict[str, str]:
    answer = ui.graphql("{ runsOrError { ... on Runs { results { runId status } } } }")
    return {run["runId"]: run["status"] for run in answer["runsOrError"]["results"]}
