"""What the stages of document conversion hand to each other: pages, regions, elements, blocks; and their Arrow schemas.

Boxes are in points (1/72 inch) of the page as it is seen, its rotation applied, from the upper left corner; so they
do not depend on the resolution at which a page was rendered. They are rounded to hundredths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple, Self, get_args

import pyarrow as pa

from neo_assets.lake.records import VERDICT_COLUMNS, volatile

RegionKind = Literal[
    "text", "title", "figure", "figure_caption", "table", "table_caption", "header", "footer", "reference", "equation"
]
"""The classes of CDLA, by which layout models say what a region is."""
ElementKind = Literal[RegionKind, "page_number", "footnote", "side_note", "list_item", "code"]
"""What an element is once its page and its document were looked at."""
TextSource = Literal["layer", "ocr", "none"]
"""Where an element's text comes from: the text layer of the file, recognition, or nowhere."""
LayerState = Literal["good", "missing", "garbled", "hidden"]
"""What the text layer of a page is worth. Hidden: invisible text over a picture of the page, an older recognition."""
PageKind = Literal["born_digital", "scanned", "mixed", "blank"]

RUNNING: frozenset[str] = frozenset({"header", "footer", "page_number"})
"""Kinds that stand on pages and not in the text."""


class Box(NamedTuple):
    """A rectangle in points: left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return max(0.0, self.x1 - self.x0)

    @property
    def height(self) -> float:
        return max(0.0, self.y1 - self.y0)

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Box) -> Box:
        """What both cover; without area where they do not meet."""
        return Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))

    def covered(self, other: Box) -> float:
        """The share of this box that the other covers, 0 to 1."""
        return self.overlap(other).area / self.area if self.area else 0.0

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def scaled(self, factor: float) -> Box:
        """All coordinates times a factor: points to pixels of a rendering by dpi / 72, and back."""
        return Box(*(value * factor for value in self))

    def rounded(self) -> Box:
        """To hundredths of a point.

        Raises:
            ValueError: a coordinate is not finite.
        """
        if not all(map(math.isfinite, self)):
            raise ValueError(f"not a box: {tuple(self)}")
        return Box(*(round(float(value), 2) + 0.0 for value in self))


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of the text layer that follow each other on one base line in one font, without a large gap.

    `text` holds the blanks between words as the file or the gaps show them; a hyphen at a line's end is '-'.
    """

    text: str
    box: Box
    size: float
    """Font size in points."""
    font: str = ""
    bold: bool = False
    italic: bool = False
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was rendered, with its text layer in the order of the file."""

    doc_id: str
    number: int
    """From 1."""
    width: float
    height: float
    kind: PageKind
    layer: LayerState
    dpi: float
    """Pixels of `image` an inch: less than asked for where the page is huge."""
    image: bytes
    """PNG or JPEG, grey or RGB."""
    runs: tuple[Run, ...] = ()
    pictures: tuple[Box, ...] = ()
    """Bitmaps that the page shows."""
    rules: tuple[Box, ...] = ()
    """Straight horizontal and vertical lines that are drawn, such as those of ruled tables."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a page that a layout model found."""

    kind: RegionKind
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text on the page."""

    text: str
    box: Box
    score: float = 1.0
    size: float = 0.0
    """Font size in points; by the height of the box where it was recognised."""
    bold: bool = False
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """A region with what was read in it."""

    number: int
    """Unique on its page, from 0; does not say the order."""
    kind: ElementKind
    box: Box
    score: float
    source: TextSource
    lines: tuple[Line, ...] = ()
    html: str | None = None
    """A table, as `<table>…</table>`."""
    latex: str | None = None
    """A formula; null where none was recognised: then the picture and the lines stand for it."""
    image: str | None = None
    """Name of the file with the picture of a figure, a table or a formula."""
    caption_of: int | None = None
    """Number of the figure or table that this caption belongs to."""
    column: int = -1
    """Column within its band, from 0; -1 spans columns or is not known."""
    band: int = -1
    """Number of the horizontal band between spanning elements, from 0."""

    @property
    def text(self) -> str:
        """The lines as they stand."""
        return "\n".join(line.text for line in self.lines)

    def with_(self, **changes: Any) -> Self:
        """The same element with other values."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class PageElements:
    """The elements of one page: as read, or (after ordering) in reading order."""

    doc_id: str
    number: int
    width: float
    """Of the page as it was read: upright."""
    height: float
    elements: tuple[Element, ...]
    turned: int = 0
    """Quarters clockwise by which the picture of the page was turned to be upright, 0 to 3."""
    skew: float = 0.0
    """Degrees by which lines fell to the right on the upright picture. Boxes are those after it was turned back
    (counterclockwise) by so much about its middle."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where characters of a block stand: `start` to `end` of the block's text, on a page, in a box."""

    start: int
    end: int
    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, table, formula, figure … of a document, with its way back to the pages.

    `text` is `markdown[start:end]` of the document.
    """

    kind: ElementKind
    level: int
    """Of a heading (1 to 6) or a list item (1 …); 0 otherwise."""
    start: int
    end: int
    source: TextSource
    score: float
    places: tuple[Place, ...]


_BOX = pa.list_(pa.float64(), 4)
_RUN = pa.struct(
    [
        ("text", pa.string()), ("box", _BOX), ("size", pa.float64()), ("font", pa.string()),
        ("bold", pa.bool_()), ("italic", pa.bool_()), ("mono", pa.bool_()),
    ]
)  # fmt: skip
_LINE = pa.struct(
    [
        ("text", pa.string()), ("box", _BOX), ("score", pa.float64()), ("size", pa.float64()),
        ("bold", pa.bool_()), ("mono", pa.bool_()),
    ]
)  # fmt: skip
_REGION = pa.struct([("kind", pa.string()), ("box", _BOX), ("score", pa.float64())])
_ELEMENT = pa.struct(
    [
        ("number", pa.int32()), ("kind", pa.string()), ("box", _BOX), ("score", pa.float64()), ("source", pa.string()),
        ("lines", pa.list_(_LINE)), ("html", pa.string()), ("latex", pa.string()), ("image", pa.string()),
        ("caption_of", pa.int32()), ("column", pa.int32()), ("band", pa.int32()),
    ]
)  # fmt: skip
_PLACE = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("page", pa.int32()), ("box", _BOX)])
_BLOCK = pa.struct(
    [
        ("kind", pa.string()), ("level", pa.int32()), ("start", pa.int64()), ("end", pa.int64()),
        ("source", pa.string()), ("score", pa.float64()), ("places", pa.list_(_PLACE)),
    ]
)  # fmt: skip

SECONDS = volatile(pa.field("seconds", pa.float64()))
"""CPU seconds that a row took; not content."""

FILE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()), ("url", pa.string()), ("batch", pa.string()), ("day", pa.string()),
        ("path", pa.string()), ("file", pa.string()), ("media", pa.string()), ("bytes", pa.int64()),
        ("sha256", pa.string()), ("n_pages", pa.int32()), ("title", pa.string()), ("author", pa.string()),
        ("date", pa.string()), ("producer", pa.string()), ("licence", pa.string()),
    ]
)  # fmt: skip
"""A file of a batch. `path` is relative to the batch, `file` its name among the version's files, `media` is pdf, image
or tiff, `date` the ISO day that the file gives; title, author, date and producer are null where it gives none."""

_PAGE = [
    ("doc_id", pa.string()), ("url", pa.string()), ("page", pa.int32()), ("width", pa.float64()),
    ("height", pa.float64()),
]  # fmt: skip
PAGE_SCHEMA = pa.schema(
    [
        *_PAGE, ("kind", pa.string()), ("layer", pa.string()), ("dpi", pa.float64()), ("image", pa.binary()),
        ("runs", pa.list_(_RUN)), ("pictures", pa.list_(_BOX)), ("rules", pa.list_(_BOX)), SECONDS,
    ]
)  # fmt: skip
LAYOUT_SCHEMA = pa.schema([*_PAGE, ("regions", pa.list_(_REGION)), SECONDS])
_READ_PAGE = [*_PAGE, ("turned", pa.int8()), ("skew", pa.float64())]
ELEMENT_SCHEMA = pa.schema([*_READ_PAGE, ("elements", pa.list_(_ELEMENT)), SECONDS])
ORDERED_SCHEMA = pa.schema([*_READ_PAGE, ("elements", pa.list_(_ELEMENT))])
"""One row a page, ordered by doc_id and page. `url` is the document's with #page=N. `width`, `height` and boxes are
those of the page turned by `turned` quarters clockwise, then straightened by `skew` degrees: see `PageElements`."""

PICTURE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()), ("url", pa.string()), ("page", pa.int32()), ("name", pa.string()),
        ("data", pa.binary()),
    ]
)  # fmt: skip
"""The picture (PNG) of a figure, a table or a formula; `name` is what an element's `image` says. Ordered by doc_id and
page, those of a page as its elements."""

MARKDOWN_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()), ("url", pa.string()), ("host", pa.string()), ("day", pa.string()),
        ("title", pa.string()), ("date", pa.string()), ("author", pa.string()), ("text", pa.string()),
        ("markdown", pa.string()), ("blocks", pa.list_(_BLOCK)), ("n_pages", pa.int32()),
        ("n_pages_missing", pa.int32()), ("share_ocr", pa.float64()), ("mean_score", pa.float64()),
        ("sha256", pa.string()), ("batch", pa.string()), ("licence", pa.string()),
    ]
)  # fmt: skip
"""A document. `markdown` is complete, with links to figures; `text` is what models learn from: without those links.
`share_ocr` is the share of characters that were recognised, `mean_score` the mean confidence of those. Places of
blocks are on pages as they were read, upright and straight: how a page lies in its file, its row of the ordered
elements says (`turned`, `skew`)."""


def with_verdict_columns(schema: pa.Schema) -> pa.Schema:
    """The schema of rows that carry a verdict each."""
    return pa.schema([*schema, *VERDICT_COLUMNS])


def page_of(row: Mapping[str, Any]) -> Page:
    """A page from a row of `PAGE_SCHEMA`."""
    return Page(
        doc_id=row["doc_id"], number=row["page"], width=row["width"], height=row["height"], kind=row["kind"],
        layer=row["layer"], dpi=row["dpi"], image=row["image"],
        runs=tuple(Run(**{**run, "box": Box(*run["box"])}) for run in row["runs"]),
        pictures=tuple(Box(*box) for box in row["pictures"]), rules=tuple(Box(*box) for box in row["rules"]),
    )  # fmt: skip


def regions_of(row: Mapping[str, Any]) -> list[Region]:
    """The regions of a row of `LAYOUT_SCHEMA`."""
    return [Region(**{**region, "box": Box(*region["box"])}) for region in row["regions"]]


def elements_of(row: Mapping[str, Any]) -> PageElements:
    """The elements of a row of `ELEMENT_SCHEMA` or `ORDERED_SCHEMA`."""
    return PageElements(
        row["doc_id"], row["page"], row["width"], row["height"], tuple(_element(one) for one in row["elements"]),
        row["turned"], row["skew"],
    )  # fmt: skip


def plain(value: Page | Region | PageElements | Element | Block) -> dict[str, Any]:
    """The value as a row of its schema: plain dicts and lists, boxes rounded.

    A page's number is called `page` in rows.
    """
    found: dict[str, Any] = _plain(asdict(value))
    if isinstance(value, Page | PageElements):
        found["page"] = found.pop("number")
    return found


def block_of(row: Mapping[str, Any]) -> Block:
    """A block from its row."""
    places = tuple(Place(**{**place, "box": Box(*place["box"])}) for place in row["places"])
    return Block(**{**row, "places": places})


def is_astray(block: Mapping[str, Any], n_chars: int, n_pages: int) -> bool:
    """Whether a block (as in `MARKDOWN_SCHEMA`) points out of its document, or its places out of the block or pages."""
    if not 0 <= block["start"] <= block["end"] <= n_chars:
        return True
    length = block["end"] - block["start"]
    return not all(0 <= p["start"] <= p["end"] <= length and 1 <= p["page"] <= n_pages for p in block["places"])


def _plain(value: Any) -> Any:
    if isinstance(value, Box):
        return list(value.rounded())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _element(row: Mapping[str, Any]) -> Element:
    lines = tuple(Line(**{**line, "box": Box(*line["box"])}) for line in row["lines"])
    return Element(**{**row, "box": Box(*row["box"]), "lines": lines})


ELEMENT_KINDS: frozenset[str] = frozenset(get_args(ElementKind))
