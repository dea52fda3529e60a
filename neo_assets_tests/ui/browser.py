"""The installed Chromium, and a page that tells when it is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WIDTH, HEIGHT = 1600, 1000  # pixels


def chromium() -> str | None:
    """Path of the browser: `$CHROMIUM`, or the one on the search path."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser that ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield launched
        finally:
            launched.close()


@contextlib.contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """An empty page that remembers nothing of earlier ones (the UI keeps closed panels in local storage)."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        yield page
    finally:
        page.close()


def settle(page: Page, *texts: str) -> None:
    """Wait until each text is shown, nothing is being fetched and every image is drawn."""
    for text in texts:
        page.get_by_text(text).filter(visible=True).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_function("document.fonts.status === 'loaded' && [...document.images].every(image => image.complete)")
