"""Pictures for people: a page with its regions and their order drawn on it, beside its Markdown."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "text": "#2e7d32", "title": "#c62828", "figure": "#8e24aa", "figure_caption": "#ba68c8", "table": "#1565c0",
        "table_caption": "#42a5f5", "header": "#757575", "footer": "#757575", "page_number": "#757575",
        "reference": "#8d6e63", "equation": "#ef6c00", "footnote": "#546e7a", "side_note": "#00838f",
        "list_item": "#558b2f", "code": "#37474f",
    }
)  # fmt: skip
OTHER = "#000000"
HEIGHT = 1100
"""Pixels of a picture."""
TEXT_WIDTH, MARGIN, FONT_SIZE, LINE_HEIGHT = 760, 18, 13, 18
MAX_CHARACTERS = 8000
NO_CHINESE = "No font with Chinese here (install fonts-wqy-zenhei): see gallery.html for the text."

CJK_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)
"""Fonts with Latin and Chinese characters, where systems keep them."""
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_PIECES = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]|[^\S\n]+|\n|[^\s\u2e80-\u9fff]+")


def page_picture(
    image: bytes,
    width: float,
    elements: Sequence[Mapping[str, Any]],
    height: int = HEIGHT,
    turned: int = 0,
    skew: float = 0.0,
) -> Any:
    """The page as a Pillow image of this height, with the elements' boxes (in points of a page so wide), each in the
    colour of its kind and with its place in the order, from 1.

    Args:
        turned: quarters clockwise by which the page is turned first.
        skew: degrees counterclockwise by which it is turned then, about its middle; corners become white.
    """
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(image)) as opened:
        picture = opened.convert("RGB")
    quarter = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_90}
    if turned % 4:
        picture = picture.transpose(quarter[turned % 4])
    if skew:
        picture = picture.rotate(skew, Image.Resampling.BILINEAR, fillcolor="white")
    picture = picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS)
    draw, font = ImageDraw.Draw(picture), _font(14)
    scale = picture.width / width
    for place, element in enumerate(elements, 1):
        x0, y0, x1, y1 = (value * scale for value in element["box"])
        colour = COLOURS.get(element["kind"], OTHER)
        draw.rectangle((x0, y0, max(x0, x1), max(y0, y1)), outline=colour, width=2)
        left = max(0.0, x0 - 22)
        draw.rectangle((left, y0, left + 22, y0 + 17), fill=colour)
        draw.text((left + 2, y0), str(place), fill="white", font=font)
    return picture


def side_by_side(page: Any, markdown: str) -> Any:
    """The page's picture with the text of its Markdown to the right; what does not fit is left out, marked by `…`."""
    from PIL import Image, ImageDraw

    found = Image.new("RGB", (page.width + TEXT_WIDTH, page.height), "white")
    found.paste(page, (0, 0))
    draw, font = ImageDraw.Draw(found), _font(FONT_SIZE)
    y = MARGIN
    if cjk_font() is None and _CJK.search(markdown):
        draw.text((page.width + MARGIN, y), NO_CHINESE, fill="#c62828", font=font)
        y += 2 * LINE_HEIGHT
    lines = list(wrapped(markdown[:MAX_CHARACTERS], TEXT_WIDTH - 2 * MARGIN, font))
    room = (page.height - MARGIN - y) // LINE_HEIGHT
    if len(lines) > room or len(markdown) > MAX_CHARACTERS:
        lines = [*lines[: max(0, room - 1)], "…"]
    for line in lines:
        draw.text((page.width + MARGIN, y), line, fill="black", font=font)
        y += LINE_HEIGHT
    return found


def wrapped(text: str, width: float, font: Any) -> Iterator[str]:
    """The text in lines of at most this many pixels, broken at blanks and between Chinese characters; a word that is
    longer is broken where it must be."""
    line, used = "", 0.0
    for piece in _PIECES.findall(printable(text)):
        if piece == "\n":
            yield line
            line, used = "", 0.0
            continue
        for part in _fitting(piece, width, font):
            length = font.getlength(part)
            if line and used + length > width:
                yield line.rstrip()
                line, used = "", 0.0
                if part.isspace():
                    continue
            line, used = line + part, used + length
    if line:
        yield line


def _fitting(piece: str, width: float, font: Any) -> Iterator[str]:
    while len(piece) > 1 and font.getlength(piece) > width:
        n = max(1, int(len(piece) * width / font.getlength(piece)) - 1)
        yield piece[:n]
        piece = piece[n:]
    yield piece


def printable(text: str) -> str:
    """The text without control characters other than line feeds."""
    return "".join(character if character >= " " or character == "\n" else " " for character in text)


def png(picture: Any) -> bytes:
    """A Pillow image as PNG with a palette, which is much smaller and shows text and boxes as well."""
    stream = io.BytesIO()
    picture.quantize(64, dither=0).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def jpeg(picture: Any, width: int, quality: int = 70) -> bytes:
    """A Pillow image as JPEG of at most this width."""
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def cjk_font() -> Path | None:
    """A font of this system that has Chinese characters."""
    return next((Path(path) for path in CJK_FONTS if Path(path).is_file()), None)


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    from PIL import ImageFont

    path = cjk_font()
    if path is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
