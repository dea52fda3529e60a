"""Recognition of pages with real models: clean, skewed, turned, two columns; and tables of the seed's kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neo_assets.documents.model import Box, Page, PageElements, Region
from neo_assets.documents.recognition import PageReader
from neo_assets.documents.recognition.agreement import similarity
from neo_assets.documents.recognition.engine import Image
from neo_assets.documents.recognition.pictures import png
from neo_assets.documents.recognition.turning import straightened, turned
from neo_assets.recipe.documents import DocumentsSection, RecognitionSettings
from neo_assets_tests.documents.recognition.cases import NoReaders

pytestmark = pytest.mark.needs("documents")

SETTINGS = DocumentsSection(recognition=RecognitionSettings(profile="fast"))
LEFT = ("The first column of the page", "has three short lines, and", "the last one ends here.")
RIGHT = ("Another column stands beside", "it, separated by a gutter of", "4% of the width of the page.")
COLUMNS = (Region("text", Box(20, 20, 190, 80), 0.9), Region("text", Box(200, 20, 380, 80), 0.9))
TURNED = (Region("title", Box(20, 20, 380, 80), 0.9),)


def picture(gap: int = 30) -> Image:
    """Two columns of three lines, drawn with the letters that come with cv2; 144 pixels an inch, 400 x 200 points."""
    import cv2

    page = np.full((400, 800, 3), 255, np.uint8)
    for column, texts in enumerate((LEFT, RIGHT)):
        for row, text in enumerate(texts):
            at = (50 + column * (360 + gap), 75 + row * 34)
            cv2.putText(page, text, at, cv2.FONT_HERSHEY_COMPLEX, 0.62, (20, 20, 20), 1, cv2.LINE_AA)
    return page


def page_of(image: Image) -> Page:
    height, width = image.shape[:2]
    return Page("seed:1", 1, width / 2, height / 2, "scanned", "missing", 144.0, png(image))


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader(SETTINGS, readers=NoReaders())  # type: ignore[arg-type]


def texts_of(found: PageElements) -> list[str]:
    return [" ".join(line.text for line in one.lines) for one in found.elements]


def test_two_columns_with_blanks_between_words(reader: PageReader) -> None:
    found, _ = reader.read(page_of(picture()), COLUMNS)
    for text, expected in zip(texts_of(found), (LEFT, RIGHT), strict=True):
        assert similarity(text, " ".join(expected)) >= 0.97
        assert abs(text.count(" ") - " ".join(expected).count(" ")) <= 1
    for one in found.elements:
        assert (one.source, len(one.lines)) == ("ocr", 3)
        assert all(0.5 <= line.score <= 1 and 6 < line.size < 14 for line in one.lines)
        tops = [line.box.y0 for line in one.lines]
        assert tops == sorted(tops)


def test_lines_that_straddle_columns_are_cut(reader: PageReader) -> None:
    page = picture(gap=-33)
    n_found = len(reader._engine.find(page))
    regions = COLUMNS[0], Region("text", Box(187, 20, 380, 80), 0.9)
    found, _ = reader.read(page_of(page), (replace(regions[0], box=Box(20, 20, 184, 80)), regions[1]))
    assert n_found < 6, "the detector parts them by itself: this tests nothing"
    for text, expected in zip(texts_of(found), (LEFT, RIGHT), strict=True):
        assert similarity(text, " ".join(expected)) >= 0.95


def test_skewed_pages_are_straightened(reader: PageReader) -> None:
    skewed, _ = straightened(picture(), np.zeros((0, 4, 2)), -2.0)
    found, _ = reader.read(page_of(skewed), COLUMNS)
    straight, _ = reader.read(page_of(picture()), COLUMNS)
    assert similarity(" ".join(texts_of(found)), " ".join(texts_of(straight))) >= 0.97
    for one, other in zip(found.elements, straight.elements, strict=True):
        assert one.box == pytest.approx(other.box, abs=3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_pages_are_read_upright(quarters: int, monkeypatch: pytest.MonkeyPatch, reader: PageReader) -> None:
    monkeypatch.setattr(PageReader, "_layout", lambda *_: list(COLUMNS))
    found, _ = reader.read(page_of(turned(picture(), quarters)), TURNED)
    assert (found.width, found.height) == (400, 200)
    assert similarity(" ".join(texts_of(found)), " ".join((*LEFT, *RIGHT))) >= 0.97


def test_the_same_page_gives_the_same_elements(reader: PageReader) -> None:
    page = page_of(picture())
    assert reader.read(page, COLUMNS) == PageReader(SETTINGS, readers=NoReaders()).read(page, COLUMNS)  # type: ignore[arg-type]


def test_white_paper_has_no_lines(reader: PageReader) -> None:
    found, pictures = reader.read(page_of(np.full((400, 800, 3), 255, np.uint8)), COLUMNS)
    assert (found.elements, pictures) == ((), {})
