"""Pages, runs and engines for the tests of recognition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from neo_assets.documents.model import Box, LayerState, Line, Page, PageKind, Region, Run
from neo_assets.documents.recognition.engine import Image, Quads
from neo_assets.documents.recognition.pictures import png
from neo_assets.documents.recognition.pieces import Piece

WIDTH, HEIGHT, DPI = 300.0, 400.0, 144.0


def run(text: str, x: float, y: float, size: float = 10.0, width: float | None = None, **more: bool) -> Run:
    """A run whose characters are half as wide as high, unless a width is given."""
    wide = len(text) * size / 2 if width is None else width
    return Run(text, Box(x, y, x + wide, y + size), size, **more)


def piece(text: str, x: float, y: float, size: float = 10.0, width: float | None = None, **more: bool) -> Piece:
    """The same as a piece."""
    one = run(text, x, y, size, width)
    return Piece(one.text, one.box, one.size, **more)


def region(kind: str, *box: float, score: float = 0.9) -> Region:
    """A region of a page."""
    return Region(kind, Box(*box), score)  # type: ignore[arg-type]


def blank_picture(width: float = WIDTH, height: float = HEIGHT, dpi: float = DPI) -> Image:
    """White paper."""
    return np.full((round(height * dpi / 72), round(width * dpi / 72), 3), 255, np.uint8)


def inked(image: Image, *boxes: tuple[float, float, float, float], dpi: float = DPI) -> Image:
    """The picture with letters (bars with white between) in boxes of points."""
    for x0, y0, x1, y1 in boxes:
        part = image[round(y0 * dpi / 72) : round(y1 * dpi / 72), round(x0 * dpi / 72) : round(x1 * dpi / 72)]
        part[:, np.arange(part.shape[1]) % 8 < 4] = 0
    return image


def page_with(
    runs: Sequence[Run] = (),
    image: Image | None = None,
    layer: LayerState = "good",
    kind: PageKind = "born_digital",
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> Page:
    """A page; its picture is white unless one is given."""
    picture = png(blank_picture(*size) if image is None else image)
    return Page("seed:1", 3, *size, kind, layer, DPI, picture, tuple(runs))


def letters(texts: Sequence[str]) -> Counter[str]:
    """How often each character but blanks occurs."""
    return Counter(character for text in texts for character in text if not character.isspace())


def letters_of(lines: Sequence[Line]) -> Counter[str]:
    return letters([line.text for line in lines])


@dataclass
class FakeEngine:
    """Finds lines at given places in any picture, and reads them in turn; remembers what it was asked."""

    texts: list[tuple[str, float]] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    found: int = 0
    crops: list[tuple[int, ...]] = field(default_factory=list)

    def find(self, image: Image) -> Quads:
        self.found += 1
        corners = [[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in self.boxes]
        return np.array(corners, np.float64).reshape(-1, 4, 2)

    def read(self, crops: Sequence[Image]) -> list[tuple[str, float]]:
        first = len(self.crops)
        self.crops += [crop.shape for crop in crops]
        return [self.texts[(first + at) % len(self.texts)] for at in range(len(crops))] if self.texts else []


class NoReaders:
    """Reads neither tables nor formulas."""

    def table(self, *_: object) -> None:
        return None

    def formula(self, *_: object) -> None:
        return None


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(-20, WIDTH), st.floats(-20, HEIGHT), st.floats(0, WIDTH), st.floats(0, 60),
)  # fmt: skip
texts = st.text(st.sampled_from("ab Z9.,;é中文，。(-•\u3000　 "), max_size=8)
runs = st.builds(Run, texts, boxes, st.floats(0, 40), bold=st.booleans(), mono=st.booleans())
regions = st.lists(
    st.builds(
        Region,
        st.sampled_from(["text", "title", "figure", "table", "equation", "header", "reference", "figure_caption"]),
        st.builds(
            lambda x, y, w, h: Box(x, y, x + w, y + h),
            st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(1, WIDTH), st.floats(1, HEIGHT),
        ),
        st.floats(0.4, 1),
    ),
    max_size=6,
)  # fmt: skip
