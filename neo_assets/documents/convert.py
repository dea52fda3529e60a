"""One file through every stage in this process: for a look at a document, for tests and for measurements.

The assets of a batch do the same with a stage a partition each, over many processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import psutil

from neo_assets.documents.files import pages_of
from neo_assets.documents.layout import LayoutDetector
from neo_assets.documents.markdown import Composition, compose, elements_json
from neo_assets.documents.model import Page, PageElements, Region
from neo_assets.documents.ordering import order_document
from neo_assets.documents.recognition import PageReader
from neo_assets.recipe.documents import DocumentsSection, LayoutSettings

Given = TypeVar("Given")


@dataclass(frozen=True)
class Converted:
    """What every stage made of a file; `seconds` are CPU seconds of this process by stage, models' loading left out."""

    pages: list[Page]
    regions: list[list[Region]]
    elements: list[PageElements]
    ordered: list[PageElements]
    composition: Composition
    images: dict[str, bytes]
    seconds: dict[str, float]

    @property
    def n_pages(self) -> int:
        return len(self.pages)


def convert(path: Path, settings: DocumentsSection) -> Converted:
    """Convert a file.

    Raises:
        DocumentError: the file cannot be converted; its `rule` and `reason` say why.
        ModelError: a model is missing and cannot be fetched.
    """
    detector, reader = _detector(settings.layout), _reader(settings.model_dump_json())
    seconds: dict[str, float] = {}
    images: dict[str, bytes] = {}

    def read(page: Page, regions: list[Region]) -> PageElements:
        found, crops = reader.read(page, regions)
        images.update(crops)
        return found

    pages = _timed(seconds, "pages", lambda: pages_of(path, settings))
    regions = _timed(seconds, "layout", lambda: [detector.detect(page) for page in pages])
    elements = _timed(seconds, "elements", lambda: [read(*one) for one in zip(pages, regions, strict=True)])
    ordered = _timed(seconds, "ordered", lambda: list(order_document(elements, settings.ordering)))
    composition = _timed(seconds, "markdown", lambda: compose(ordered, settings.markdown))
    return Converted(pages, regions, elements, ordered, composition, images, seconds)


def written(converted: Converted, folder: Path, name: str) -> Iterator[Path]:
    """Write Markdown, the JSON of its elements, and the pictures that it links to into a folder; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        f"{name}.md": converted.composition.markdown.encode(),
        f"{name}.json": elements_json(converted.composition),
    }
    for file, data in {**texts, **converted.images}.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        yield path


def _timed(seconds: dict[str, float], stage: str, work: Callable[[], Given]) -> Given:
    below, started = _seconds_below(), _own_seconds()
    found = work()
    own = _own_seconds() - started  # before looking for processes, which takes time itself
    seconds[stage] = own + _seconds_below() - below
    return found


def _own_seconds() -> float:
    """CPU seconds of this process and those below it that have ended."""
    return sum(os.times()[:4])


def _seconds_below() -> float:
    """CPU seconds of the processes at work below this one."""
    below = (child.cpu_times() for child in psutil.Process().children(recursive=True))
    return sum(times.user + times.system + times.children_user + times.children_system for times in below)


@lru_cache(maxsize=4)
def _detector(settings: LayoutSettings) -> LayoutDetector:
    return LayoutDetector(settings)


@lru_cache(maxsize=4)
def _reader(settings: str) -> PageReader:
    return PageReader(DocumentsSection.model_validate_json(settings))
