"""Pictures of the UI over what is in DAGSTER_HOME and NEO_LAKE: `python -m neo_assets_tests.ui.screenshots OUT_DIR`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from playwright.sync_api import Locator, Page

from neo_assets_tests.ui.browser import HEIGHT, WIDTH, browser, fresh_page, settle
from neo_assets_tests.ui.server import WORKSPACE, dagster_ui

TALLEST = 2400  # pixels


@dataclasses.dataclass(frozen=True)
class Shot:
    """One picture: the page, the texts that tell that it is complete, and what to click then, in order."""

    name: str
    path: str
    texts: tuple[str, ...]
    clicks: tuple[str, ...] = ()

    def take(self, page: Page, url: str, folder: Path) -> Path:
        """Write the picture as PNG; gives its path."""
        page.goto(url + self.path)
        settle(page, *self.texts)
        for selector in self.clicks:
            page.locator(selector).first.click()
        self.arrange(page)
        settle(page)
        path = folder / f"{self.name}.png"
        self.subject(page).screenshot(path=path, animations="disabled")
        return path

    def subject(self, page: Page) -> Page | Locator:
        """What is in the picture."""
        return page

    def arrange(self, page: Page) -> None:
        """Make the window as tall as the longest scrolled part, so that the picture holds all of it."""
        hidden = page.evaluate(
            """() => Math.max(0, ...[...document.querySelectorAll('*')]
                 .filter(element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowY))
                 .map(element => element.scrollHeight - element.clientHeight))"""
        )
        page.set_viewport_size({"width": WIDTH, "height": min(HEIGHT + int(hidden), TALLEST)})


@dataclasses.dataclass(frozen=True)
class GraphShot(Shot):
    """The lineage graph in a window of the graph's shape, side panels closed, its groups open if wished."""

    width: int = 2400
    height: int = 1500
    open_groups: bool = False

    def arrange(self, page: Page) -> None:
        """Close the navigation, then reload: the graph is fitted to its window when it is drawn first."""
        page.set_viewport_size({"width": self.width, "height": self.height})
        page.get_by_text("Hide navigation").click()
        if self.open_groups:
            page.keyboard.press("Alt+e")
        settle(page)
        page.reload()
        settle(page, *self.texts)


@dataclasses.dataclass(frozen=True)
class EntryShot(Shot):
    """One metadata entry of an asset, in the dialog that shows long ones."""

    key: str = ""

    def arrange(self, page: Page) -> None:
        """Open the entry's dialog."""
        row = page.locator("tr").filter(has=page.get_by_role("cell", name=self.key, exact=True))
        row.get_by_text("[Show").click()
        self.subject(page).locator("img, table").first.wait_for()

    def subject(self, page: Page) -> Page | Locator:
        return page.get_by_role("dialog")


@dataclasses.dataclass(frozen=True)
class SwitchShot(Shot):
    """A schedule or sensor while it is switched on; afterwards it is off again."""

    def arrange(self, page: Page) -> None:
        """Click the switch, and wait for the time of the next tick."""
        page.locator(SWITCH).first.click()
        settle(page, "Next tick")

    def take(self, page: Page, url: str, folder: Path) -> Path:
        path = super().take(page, url, folder)
        page.locator(SWITCH).first.click()
        page.get_by_text("Next tick").wait_for(state="hidden")
        return path


AREAS = (
    *("crawl", "documents", "english", "chinese", "supplement"),
    *("corpus", "tokenizer", "training", "evaluation", "release"),
)
SECTION = "xpath=//*[text()='{}']"  # a heading of an asset page, which opens and closes its section
SWITCH = "label:has(input[type=checkbox])"
SHOTS: tuple[Shot, ...] = (
    GraphShot("lineage-areas", "/asset-groups", AREAS, width=1600, height=600),
    GraphShot("lineage", "/asset-groups", AREAS, open_groups=True),
    Shot("asset", "/assets/chinese/filtered", ("Latest materialization", "sample"), (SECTION.format("Columns"),)),
    EntryShot("plot", "/assets/training/metrics", ("loss",), key="loss"),
    EntryShot("held-out", "/assets/evaluation/curves", ("held_out",), key="held_out"),
    EntryShot("steps", "/assets/training/metrics", ("steps",), key="steps"),
    EntryShot("compression", "/assets/tokenizer/report", ("compression",), key="compression"),
    Shot("ledger", "/assets/training/ledger", ("tokens applied", "restarts")),
    EntryShot("thresholds", "/assets/chinese/threshold_study", ("thresholds",), key="thresholds"),
    EntryShot("funnel", "/assets/english/funnel", ("funnel",), key="funnel"),
    EntryShot("duplicates", "/assets/english/duplicates", ("similarity",), key="similarity"),
    EntryShot("audit", "/assets/english/duplicates", ("audit",), key="audit"),
    EntryShot("profiles", "/assets/chinese/profile_report", ("defects",), key="defects"),
    SwitchShot("schedule", "/locations/neo_assets/schedules/daily_crawl_at_3", ("Running", "Execution timezone")),
    Shot("crawl-day", "/assets/crawl/pages?view=partitions&partition=2024-11-02", ("2024-11-01", "Materialized")),
    EntryShot("crawl-report", "/assets/crawl/report", ("by_host",), key="by_host"),
    EntryShot("crawl-outcomes", "/assets/crawl/report", ("outcomes",), key="outcomes"),
    EntryShot("gallery", "/assets/documents/report", ("gallery",), key="gallery"),
    EntryShot("supplement-gain", "/assets/supplement/gain", ("gain",), key="gain"),
    Shot("crawler", "/locations/neo_assets/resources/crawler", ("contact", "user_agent")),
    Shot("partitions", "/assets/training/checkpoint?view=partitions&partition=ckpt_006", ("ckpt_001", "Materialized")),
    Shot("checks", "/assets/chinese/filtered?view=checks", ("Evaluation result", "Passed")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workspace", type=Path, default=WORKSPACE)
    parser.add_argument("--only", nargs="*", default=[shot.name for shot in SHOTS], help="names of pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with dagster_ui(daemon=True, workspace=arguments.workspace) as ui, browser() as chrome:
        for shot in SHOTS:
            if shot.name in arguments.only:
                with fresh_page(chrome) as page:
                    print(shot.take(page, ui.url, arguments.folder), flush=True)


if __name__ == "__main__":
    main()
