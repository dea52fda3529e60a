"""Pages that count in units of their own, and what is filled into forms."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neo_assets.documents.files import DocumentError, pages_of
from neo_assets.documents.files.units import tells_units
from neo_assets.documents.model import Page
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.files import made

SETTINGS = DocumentsSection()
RULE = b"1 w 30 200 m 270 200 l S "


def page_of(tmp_path: Path, data: bytes) -> Page:
    path = tmp_path / "name.pdf"
    path.write_bytes(data)
    [page] = pages_of(path, SETTINGS)
    return page


def test_a_unit_makes_all_larger_and_shows_no_less(tmp_path: Path) -> None:
    content = RULE + made.text("Words of a drawing", size=5)
    plain = page_of(tmp_path, made.pages(content))
    large = page_of(tmp_path, made.pages(content, page=b"/UserUnit 2.5"))
    assert (large.width, large.height) == (2.5 * plain.width, 2.5 * plain.height) == (750, 1000)
    assert large.runs[0].box == pytest.approx(plain.runs[0].box.scaled(2.5), abs=0.02)
    assert large.runs[0].size == 2.5 * plain.runs[0].size
    assert large.rules[0] == pytest.approx(plain.rules[0].scaled(2.5), abs=0.02)
    assert large.dpi == plain.dpi == 144
    assert Image.open(io.BytesIO(large.image)).size == (1500, 2000)


def test_a_page_whose_unit_makes_it_huge_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="the page has 7500 x 10000 points"):
        page_of(tmp_path, made.pages(RULE, page=b"/UserUnit 25"))


@pytest.mark.parametrize("unit", ["0", "-2", "(x)", "null", ".", "99999", "[2]"])
def test_a_unit_that_is_none_is_one(tmp_path: Path, unit: str) -> None:
    page = page_of(tmp_path, made.pages(RULE, page=b"/UserUnit " + unit.encode()))
    assert (page.width, page.height) == made.LETTER


def test_only_the_pages_that_tell_a_unit_have_it(tmp_path: Path) -> None:
    data = made.pages(RULE, RULE).replace(b"/Contents 6 0 R ", b"/Contents 6 0 R /UserUnit 2 ")
    path = tmp_path / "two.pdf"
    path.write_bytes(data)
    assert [page.width for page in pages_of(path, SETTINGS)] == [300, 600]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.7 << /UserUnit 2 >>", True),
        (b"%PDF-1.7", False),
        (b"<< /Type /ObjStm /N 9 >>\nstream\n" + zlib.compress(b"1 0 << /UserUnit 2 >>") + b"\nendstream", True),
        (b"<< /Type /ObjStm /N 9 >>\r\nstream\r\n" + zlib.compress(b"1 0 << /MediaBox >>") + b"\nendstream", False),
        (b"<< /Type /ObjStm /N 9 >>\nstream\nnot packed", False),
        (b"<< /ObjStm" * 1000, False),
    ],
)
def test_files_without_the_word_are_told_apart(tmp_path: Path, data: bytes, expected: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert tells_units(path) is expected


def form(flags: bytes = b"/F 4", looks: bytes = b"/AP << /N 6 0 R >>") -> bytes:
    """A page with a field that is filled in."""
    shown = made.stream(
        b"BT /F1 12 Tf 2 5 Td (Ada Lovelace) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font %s >>" % made.FONTS,
    )
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (n) /V (Ada Lovelace) /Rect [50 200 250 220] %s %s /P 3 0 R >>"
    )
    return made.pages(
        made.text("Name:"), page=b"/Annots [5 0 R]", more=[field % (flags, looks), shown],
        catalog=b"/AcroForm << /Fields [5 0 R] >>",
    )  # fmt: skip


def dark(page: Page) -> int:
    """Dark pixels where the field is."""
    scale = page.dpi / 72
    found = np.asarray(Image.open(io.BytesIO(page.image)))
    return int((found[int(180 * scale) : int(200 * scale), int(50 * scale) : int(250 * scale)] < 128).sum())


def test_what_is_filled_into_a_form_is_seen_and_read(tmp_path: Path) -> None:
    page = page_of(tmp_path, form())
    assert [run.text for run in page.runs] == ["Name:", "Ada Lovelace"]
    assert page.runs[1].box.x0 >= 50 and 180 <= page.runs[1].box.y0 < page.runs[1].box.y1 <= 200
    assert dark(page) > 300


@pytest.mark.parametrize("data", [form(flags=b"/F 2"), form(looks=b""), form(looks=b"/AP << /N 99 0 R >>")])
def test_a_field_that_is_hidden_or_has_no_looks_shows_nothing(tmp_path: Path, data: bytes) -> None:
    page = page_of(tmp_path, data)
    assert [run.text for run in page.runs] == ["Name:"]
    assert dark(page) == 0
