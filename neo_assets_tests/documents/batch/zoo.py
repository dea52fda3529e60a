"""A batch for whole runs: files that are bad in every way we know, and a few good ones of each medium."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

from neo_assets.seed import SEED_FOLDER
from neo_assets_tests.documents.files import made
from neo_assets_tests.e2e.small import small_recipe

DAY, NAME = "2024-11-02", "zoo"
LINES = (
    "The harvest of barley was gathered before the rain.",
    "Seven wooden boats waited below the old bridge.",
    "Nobody in the village remembered a colder winter.",
    "Letters travelled slowly along the mountain road.",
)
LIMITS = {"open_seconds": 4, "page_seconds": 4, "max_memory_bytes": 1 << 28}
BAD = {
    "circular.pdf": "damaged",
    "cut.pdf": "damaged",
    "empty.pdf": "empty",
    "encrypted.pdf": "encrypted",
    "letter.txt": "media",
    "no_pages.pdf": "no_pages",
    "pages_5000.pdf": "too_many_pages",
    "pixels_20000.png": "too_large",
    "xref_loop.pdf": "damaged",
    "z_copy.pdf": "duplicate_file",
}
BAD_PAGES = {"bomb.pdf": "memory", "jbig2.pdf": "damaged"}
"""Files that open; what is wrong shows when their page is rendered."""
N_SHORT = 16
GOOD = {"layer.zh.pdf": 2, "page.png": 1, "scan.pdf": 1, "short.pdf": N_SHORT, "two.tif": 2}
"""Pages of the files that are converted."""
TRUTH = {"page.png": LINES[:2], "scan.pdf": LINES[1:3], "two.tif": LINES[2:4]}
"""What is to be recognised."""


def zoo() -> dict[str, bytes]:
    """The files by name."""
    good = {
        "layer.zh.pdf": chinese_pages(),
        "page.png": picture("PNG", LINES[:2]),
        "scan.pdf": picture("PDF", LINES[1:3]),
        "short.pdf": made.pages(*[_short_page(number) for number in range(N_SHORT)]),
        "two.tif": picture("TIFF", LINES[2:3], LINES[3:4]),
    }
    bad = {
        "circular.pdf": made.circular_tree(),
        "cut.pdf": made.pages(made.prose())[:400],
        "empty.pdf": b"",
        "encrypted.pdf": made.encrypted("secret", "owner"),
        "letter.txt": b"A letter to the editor",
        "no_pages.pdf": made.pages(),
        "pages_5000.pdf": made.pages(*[b""] * 5000),
        "pixels_20000.png": made.png_bomb(20_000, 20_000),
        "xref_loop.pdf": made.xref_loop(),
        "z_copy.pdf": good["layer.zh.pdf"],
        "bomb.pdf": made.flate_bomb(400 << 20, 2),
        "jbig2.pdf": made.scan(image=made.image_object(64, 64, bytes(9000), b"/Filter /JBIG2Decode")),
    }
    return good | bad


def chinese_pages() -> bytes:
    """Two pages of a Chinese manual with their text layer."""
    import pypdfium2

    target = io.BytesIO()
    with (
        pypdfium2.PdfDocument(SEED_FOLDER / "pdf" / "debmake.zh-cn.p9-14.pdf") as manual,
        pypdfium2.PdfDocument.new() as short,
    ):
        short.import_pages(manual, [1, 2])
        short.save(target)
    return target.getvalue()


def picture(kind: str, *frames: tuple[str, ...]) -> bytes:
    """Small pages with a few lines each, as from a scanner at 150 dots an inch: PNG, TIFF, or PDF without text."""
    images = [_frame(lines) for lines in frames]
    target = io.BytesIO()
    if kind == "PDF":
        image = images[0]
        body = made.image_object(*image.size, zlib.compress(image.tobytes()))
        width, height = (round(72 * side / 150) for side in image.size)
        content = b"q %d 0 0 %d 0 0 cm /Im Do Q\n" % (width, height)
        return made.pages(content, size=(width, height), resources=b"/XObject << /Im 5 0 R >>", more=[body])
    more = {"save_all": True, "append_images": images[1:]} if images[1:] else {}
    images[0].save(target, kind, dpi=(150, 150), **more)
    return target.getvalue()


def _short_page(number: int) -> bytes:
    words = f"This is page {number} of a short manual", "which has nothing to say."
    return b"".join(made.text(line, y=300 - 16 * at) for at, line in enumerate(words))


def _frame(lines: tuple[str, ...]) -> Any:
    from matplotlib import font_manager
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (760, 420), 255)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Serif"), 23)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((50, 60 + 42 * number), line, fill=20, font=font)
    return image


def recipe(files: Path, inbox: Path | None = None) -> dict[str, Any]:
    """The small recipe with the files of a folder as its only batch."""
    found = small_recipe()
    batch = {"paths": [f"{files}/*"], "arrived": DAY, "licence": "CC0-1.0", "collection": "papers"}
    found["documents"] = {"batches": {NAME: batch}, "limits": LIMITS, "gallery_pages": 4}
    if inbox is not None:
        found["documents"]["inbox"] = {"path": str(inbox), "licence": "CC0-1.0"}
    return found


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
