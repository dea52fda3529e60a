"""The pages of a file, rendered in child processes: one that kills its child costs only itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neo_assets.documents.files.examine import examine, fault_of
from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.sandbox import SANDBOX, ChildError
from neo_assets.documents.model import Box, Page, Run
from neo_assets.recipe.documents import DocumentsSection, FileLimits, RenderSettings

MAX_STRANGE_SHARE = 0.01
MAX_FAULTS = 3
"""Pages in a row that end their child; the pages after them are not tried."""


@dataclass(frozen=True)
class PageFault:
    """A page that cannot be used."""

    doc_id: str
    number: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Rendered:
    """A page or its fault, and the CPU seconds that it took."""

    page: Page | PageFault
    seconds: float


def render_pages(
    path: Path,
    doc_id: str,
    numbers: Sequence[int],
    settings: RenderSettings,
    limits: FileLimits,
    max_strange_share: float = MAX_STRANGE_SHARE,
) -> Iterator[Page | PageFault]:
    """The pages of these numbers (from 1), in their order.

    Args:
        max_strange_share: of a text layer's characters; more make the layer garbled.
    """
    for one in rendered(path, doc_id, numbers, settings, limits, max_strange_share):
        yield one.page


def rendered(
    path: Path,
    doc_id: str,
    numbers: Sequence[int],
    settings: RenderSettings,
    limits: FileLimits,
    max_strange_share: float = MAX_STRANGE_SHARE,
) -> Iterator[Rendered]:
    """As `render_pages`, with the time that each page took. Memory: a page."""
    left, in_a_row = list(numbers), 0
    while left:
        request = {
            "task": "render",
            "numbers": left,
            "settings": settings.model_dump(mode="json"),
            "max_strange_share": max_strange_share,
        }
        try:
            for message, data in SANDBOX.ask(request, path, limits):
                if "number" not in message:  # the file as a whole
                    yield from _refused(doc_id, left, fault_of(message["fault"], limits))
                    return
                number, left, in_a_row = left[0], left[1:], 0
                yield _one(doc_id, number, message, data, limits)
            error = DocumentError("damaged", "its reader told nothing of it; repair or leave out the file")
        except ChildError as ended:
            error = ended
        if left:
            in_a_row += 1
            n_lost = len(left) if in_a_row >= MAX_FAULTS else 1
            yield from _refused(doc_id, left[:n_lost], error)
            left = left[n_lost:]


def pages_of(path: Path, settings: DocumentsSection) -> list[Page]:
    """All pages of a file; the document's id is the file's name without its ending.

    Raises:
        DocumentError: the file or one of its pages cannot be used.
    """
    facts = examine(path, settings.limits)
    numbers = range(1, facts.n_pages + 1)
    pages = []
    for page in render_pages(
        path, path.stem, numbers, settings.rendering, settings.limits, settings.recognition.max_strange_share
    ):
        if isinstance(page, PageFault):
            raise DocumentError(page.rule, f"page {page.number}: {page.reason}")
        pages.append(page)
    return pages


def _refused(doc_id: str, numbers: Sequence[int], error: DocumentError) -> Iterator[Rendered]:
    for number in numbers:
        yield Rendered(PageFault(doc_id, number, error.rule, error.reason), 0.0)


def _one(doc_id: str, number: int, message: dict[str, Any], data: bytes, limits: FileLimits) -> Rendered:
    if "fault" in message:
        error = fault_of(message["fault"], limits)
        return Rendered(PageFault(doc_id, number, error.rule, error.reason), 0.0)
    given = message["page"]
    page = Page(
        doc_id=doc_id, number=number, width=given["width"], height=given["height"], kind=given["kind"],
        layer=given["layer"], dpi=given["dpi"], image=data,
        runs=tuple(Run(text, Box(*box), *rest) for text, box, *rest in given["runs"]),
        pictures=tuple(Box(*box) for box in given["pictures"]), rules=tuple(Box(*box) for box in given["rules"]),
    )  # fmt: skip
    return Rendered(page, float(message["seconds"]))
