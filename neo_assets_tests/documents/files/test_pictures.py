"""Image files as pages: what they are by content, upright, with a physical size, in grey or colour."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from neo_assets.documents.files import DocumentError, examine, pages_of
from neo_assets.documents.files.inspection import day_of
from neo_assets.documents.files.media import media_of
from neo_assets.documents.model import Page
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.files import made

SETTINGS = DocumentsSection()


def pages(tmp_path: Path, data: bytes) -> list[Page]:
    path = tmp_path / "scan.xyz"
    path.write_bytes(data)
    return pages_of(path, SETTINGS)


def pixels(page: Page) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.image)))


@pytest.mark.parametrize(
    ("kind", "media", "ending"),
    [
        ("PNG", "image", "png"), ("JPEG", "image", "jpg"), ("TIFF", "tiff", "tif"), ("GIF", "image", "gif"),
        ("BMP", "image", "bmp"), ("WEBP", "image", "webp"), ("PDF", "pdf", "pdf"),
    ],
)  # fmt: skip
def test_media_is_told_by_content(tmp_path: Path, kind: str, media: str, ending: str) -> None:
    path = tmp_path / "name.txt"
    path.write_bytes(made.picture(kind))
    assert media_of(path)[::2] == (media, ending)
    facts = examine(path, SETTINGS.limits)
    assert (facts.media, facts.ending, facts.n_pages) == (media, ending, 1)
    [page] = pages_of(path, SETTINGS)
    assert (page.kind, page.layer) == ("scanned", "missing")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"])
def test_modes_become_grey(tmp_path: Path, mode: str) -> None:
    image = Image.new("L", (300, 400), 255)
    image.paste(0, (20, 20, 280, 60))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    target = io.BytesIO()
    (image if mode == "I;16" else image.convert(mode)).save(target, "TIFF" if mode == "CMYK" else "PNG")
    [page] = pages(tmp_path, target.getvalue())
    found = pixels(page)
    assert found.ndim == 2
    assert found[300 // 8, 40] < 60
    assert found[-5, -5] > 200


def test_colour_stays_and_transparency_is_white(tmp_path: Path) -> None:
    [page] = pages(tmp_path, made.picture("PNG", mode="RGB"))
    assert pixels(page).ndim == 3
    target = io.BytesIO()
    Image.new("RGBA", (90, 90), (0, 0, 0, 0)).save(target, "PNG")
    [page] = pages(tmp_path, target.getvalue())
    assert page.kind == "blank"
    assert pixels(page).min() > 250


def test_frames_of_a_tiff_are_pages(tmp_path: Path) -> None:
    frames = [Image.new("L", (100 + 10 * number, 80), 40 * number) for number in range(4)]
    target = io.BytesIO()
    frames[0].save(target, "TIFF", save_all=True, append_images=frames[1:], dpi=(100, 100))
    found = pages(tmp_path, target.getvalue())
    assert [page.number for page in found] == [1, 2, 3, 4]
    # 100 dpi is kept only where a page can have that size: these are an inch wide, so they count as A4.
    assert [max(page.width, page.height) for page in found] == [pytest.approx(841.68)] * 4


def test_a_tiff_whose_frames_have_no_end(tmp_path: Path) -> None:
    data = bytearray(made.picture("TIFF"))
    start = struct.unpack("<I", data[4:8])[0]
    entries = struct.unpack("<H", data[start : start + 2])[0]
    data[start + 2 + 12 * entries : start + 6 + 12 * entries] = struct.pack("<I", start)
    path = tmp_path / "loop.tif"
    path.write_bytes(bytes(data))
    limits = SETTINGS.limits.model_copy(update={"max_pages": 20})
    try:
        found: int | str = examine(path, limits).n_pages
    except DocumentError as error:
        found = error.rule
    assert found in (1, 2, "too_many_pages", "damaged")


@pytest.mark.parametrize(
    ("size", "dpi", "points", "at"),
    [
        ((1654, 2339), (200, 200), (595.44, 842.04), 200),
        ((2480, 3508), (300, 300), (595.2, 841.92), 200),
        ((2480, 3508), (72, 72), (595.02, 841.68), 200),  # 4 feet: nobody scans that
        ((2480, 3508), None, (595.02, 841.68), 200),
        ((850, 1100), (100, 100), (612, 792), 100),
        ((1728, 1100), (204, 98), (609.88, 808.16), 200),  # a fax
    ],
)
def test_physical_sizes(tmp_path: Path, size: Any, dpi: Any, points: Any, at: float) -> None:
    how = {} if dpi is None else {"dpi": dpi}
    [page] = pages(tmp_path, made.picture("PNG", size, **how))
    assert (page.width, page.height) == pytest.approx(points, abs=0.3)
    assert page.dpi == pytest.approx(at, rel=1e-3)
    height, width = pixels(page).shape
    assert (width, height) == (round(page.width * page.dpi / 72), round(page.height * page.dpi / 72))


def test_pictures_are_turned_as_their_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0132] = "2024:02:29 10:00:00"
    data = made.picture("JPEG", (400, 300), exif=exif)
    [page] = pages(tmp_path, data)
    assert page.width < page.height
    found = pixels(page)
    assert found[5, -5] < 60 < found[-5, 5], "the dark corner is at the upper right"
    assert examine(tmp_path / "scan.xyz", SETTINGS.limits).date == "2024-02-29"


def test_what_a_pdf_says_of_itself(tmp_path: Path) -> None:
    info = b"<< /Title (On Things) /Author <FEFF5F204E09> /CreationDate (D:20240131120000Z) /Producer (Hand) >>"
    path = tmp_path / "x"
    path.write_bytes(made.pages(b"", more=[info], trailer=b"/Root 1 0 R /Info 5 0 R"))
    facts = examine(path, SETTINGS.limits)
    assert (facts.title, facts.author, facts.date, facts.producer) == ("On Things", "张三", "2024-01-31", "Hand")


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("D:20240131", "2024-01-31"), ("2024", "2024-01-01"), ("2023:02:29 10:00:00", None), ("", None), (None, None),
        ("yesterday", None), ("D:99999999", None), ("2024-03-05T10:00", "2024-03-05"),
    ],
)  # fmt: skip
def test_days(given: str | None, day: str | None) -> None:
    assert day_of(given) == day


def test_a_jbig2_scan_is_rendered(tmp_path: Path) -> None:
    """A generic region coded as a fax (MMR), which is what a TIFF of group 4 holds."""
    image = Image.new("1", (640, 480), 1)
    image.paste(0, (40, 40, 600, 120))
    tiff = io.BytesIO()
    image.save(tiff, "TIFF", compression="group4", tiffinfo={278: 480})
    with Image.open(io.BytesIO(tiff.getvalue())) as opened:
        assert isinstance(opened, TiffImageFile)
        [offset], [length] = opened.tag_v2[273], opened.tag_v2[279]
        photometric = opened.tag_v2[262]
    coded = tiff.getvalue()[offset : offset + length]
    page_info = struct.pack(">IIIIBH", 640, 480, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", 640, 480, 0, 0, 0, 1) + coded
    jbig2 = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate([(48, page_info), (38, region)])
    )
    extra = b"/Filter /JBIG2Decode /Decode [%s]" % (b"0 1" if photometric == 0 else b"1 0")
    body = made.stream(
        jbig2,
        b"/Type /XObject /Subtype /Image /Width 640 /Height 480 /ColorSpace /DeviceGray /BitsPerComponent 1 " + extra,
    )
    [page] = pages(tmp_path, made.scan(image=body))
    assert page.kind == "scanned"
    found = pixels(page) < 128
    assert 0.05 < found.mean() < 0.95
