"""The text layer as runs: blanks, hyphens, styles, rotated, vertical, hidden and foreign characters; kinds of pages."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neo_assets.documents.files import pages_of
from neo_assets.documents.files.characters import Characters, Style
from neo_assets.documents.files.drawing import IDENTITY, Matrix
from neo_assets.documents.files.geometry import Frame
from neo_assets.documents.files.judgement import covered_share, is_garbled, judged
from neo_assets.documents.files.layer import layer_of
from neo_assets.documents.model import Box, Page, Run
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.files import made
from neo_assets_tests.documents.files.made import text

SETTINGS = DocumentsSection()
SENTENCE = "The quick brown fox jumps over the lazy dog"


def page_of(tmp_path: Path, data: bytes) -> Page:
    path = tmp_path / "name.pdf"
    path.write_bytes(data)
    [page] = pages_of(path, SETTINGS)
    assert page.doc_id == "name"
    return page


def texts(page: Page) -> list[str]:
    return [run.text for run in page.runs]


def pixels(page: Page) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.image)).convert("RGB")).astype(int)


def chinese(cmap: bytes, content: bytes) -> bytes:
    """A page with a Chinese font that is not embedded, as object C."""
    info = b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >>"
    return made.pages(
        content,
        fonts=b"<< /C 5 0 R %s" % made.FONTS[2:],
        more=[
            b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong /Encoding /%s /DescendantFonts [6 0 R] >>" % cmap,
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong %s /FontDescriptor 7 0 R /DW 1000 >>" % info,
            b"<< /Type /FontDescriptor /FontName /STSong /Flags 6 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 80 "
            b"/ItalicAngle 0 /FontBBox [0 -120 1000 880] >>",
        ],
    )


def han(words: str, x: float, y: float, size: float = 12, spread: float = 0) -> bytes:
    code = words.encode("utf-16-be").hex().encode()
    return b"BT /C %g Tf %g Tc 1 0 0 1 %g %g Tm <%s> Tj ET\n" % (size, spread, x, y, code)


def test_runs_of_one_base_line_and_font(tmp_path: Path) -> None:
    content = (
        text("Plain words, then", 30, 350)
        + text("bold code", 140, 350, font="F2")
        + text("slanted", 30, 330, font="F3")
        + text("far", 30, 310)
        + text("away", 200, 310)
        + text("H", 30, 290)
        + text("2", 38.7, 287, size=8)
        + text("O", 43.2, 290)
    )
    page = page_of(tmp_path, made.pages(content))
    assert texts(page) == ["Plain words, then ", "bold code", "slanted", "far", "away", "H", "2", "O"]
    looks = [(run.bold, run.italic, run.mono) for run in page.runs[:3]]
    assert looks == [(False, False, False), (True, False, True), (False, True, False)]
    assert [run.size for run in page.runs[4:7]] == [12, 12, 8]
    assert page.runs[0].font == "Helvetica"
    box = page.runs[0].box
    assert (box.x0, round(box.y1)) == (30, 53)
    assert 10 < box.height < 16
    assert (page.kind, page.layer) == ("born_digital", "good")


def test_gaps_are_blanks_and_kerning_is_none(tmp_path: Path) -> None:
    kerned = b"BT /F1 12 Tf 1 0 0 1 30 350 Tm [(W) 80 (or) -60 (ld) -250 (of) -300 (gaps) ( ) (x)] TJ ET\n"
    assert texts(page_of(tmp_path, made.pages(kerned))) == ["World of gaps x"]


def test_a_size_from_the_matrix(tmp_path: Path) -> None:
    [run] = page_of(tmp_path, made.pages(text("Scaled", size=1, matrix="14 0 0 14 30 350"))).runs
    assert run.size == 14


def test_hyphens_at_line_ends(tmp_path: Path) -> None:
    content = text("This is hyphen-", y=350) + text("ated text", y=336)
    assert texts(page_of(tmp_path, made.pages(content))) == ["This is hyphen-", "ated text"]


def test_hyphens_by_any_name_and_soft_ones_that_are_not_drawn(tmp_path: Path) -> None:
    meaning = {ord("a"): "ffi", ord("b"): "f\u00adf", ord("1"): "\u2010", ord("2"): "\u00ad"}
    meaning |= {ord(letter): letter for letter in "Odeiorkw"}
    content = text("Obie", 30, 350, font="F9") + text("word1", 30, 330, font="F9") + text("work2", 30, 310, font="F9")
    page = page_of(tmp_path, made.pages(content, fonts=b"<< /F9 5 0 R >>", more=made.mapped_font(meaning, 5)))
    assert texts(page) == ["Offie", "word-", "work-"]


def test_a_soft_hyphen_in_a_ligature_leaves_no_gap() -> None:
    """Three letters that share a glyph of 7.5 points, the second one not drawn, as a browser prints dif-ference."""
    word = "if\u00adfe"
    edges = np.array([10, 13, 15.5, 18, 20.5, 26.0])
    boxes = np.stack([edges[:-1], np.full(5, 60.0), edges[1:], np.full(5, 50.0)], axis=1)
    origins = np.stack([[10, 13, 13, 13, 20.5], np.full(5, 52.0)], axis=1)
    style = Style("Serif", 10.0, False, False, False, True, (1.0, 0.0))
    codes = np.array([ord(one) for one in word], np.uint32)
    found = Characters(codes, np.zeros(5, bool), np.zeros(5, int), boxes, boxes, origins, [style])
    [run] = layer_of(found, Frame((0, 0, 100, 100))).visible
    assert run.text == "iffe"
    apart = replace(found, origins=np.stack([edges[:-1], np.full(5, 52.0)], axis=1))
    assert [run.text for run in layer_of(apart, Frame((0, 0, 100, 100))).visible] == ["if-fe"]


def test_chinese_has_no_blanks_that_nobody_wrote(tmp_path: Path) -> None:
    content = han("中文文字", 30, 350) + han("宽距文字", 30, 330, spread=4) + han("有 空格", 30, 310)
    content += han("使用", 30, 290) + text("Python", 57, 290) + han("编程", 97, 290)
    content += han("使用", 30, 270) + text("Python", 55.5, 270)
    page = page_of(tmp_path, chinese(b"UniGB-UCS2-H", content))
    assert page.layer == "good"
    assert texts(page)[:3] == ["中文文字", "宽距文字", "有 空格"]
    assert "".join(texts(page)[3:]) == "使用 Python 编程使用Python"


def test_characters_beyond_the_first_plane(tmp_path: Path) -> None:
    """PDFium gives them as two halves."""
    page = page_of(tmp_path, made.with_meaning("f(x) = y", {ord("f"): "\U0001d453", ord("x"): "\U0001d465"}, 1))
    assert texts(page) == ["\U0001d453(\U0001d465) = y"]
    assert page.layer == "good"


def test_signs_without_unicode_do_not_make_a_text_garbled() -> None:
    box = Box(0, 0, 1, 1)
    words = Run("Words, and more of them", box, 10, "CMR10")
    for font, state in (("CMEX10", "good"), ("CMR10", "garbled")):
        signs = Run("\ufffd\ue000", box, 10, font)
        assert judged([words, signs], [], [], (100, 100), 0.01, False) == ("born_digital", state)


def test_vertical_chinese_is_one_run_a_column(tmp_path: Path) -> None:
    content = han("从上到下，很好。", 100, 300) + han("第二列", 80, 280)
    page = page_of(tmp_path, chinese(b"UniGB-UCS2-V", content))
    assert sorted(texts(page)) == ["从上到下，很好。", "第二列"]
    column = max(page.runs, key=lambda run: len(run.text)).box
    assert column.height > 7 * column.width


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_boxes_are_where_things_are_seen(tmp_path: Path, turn: int) -> None:
    content = text("Hello World", 60, 350) + text("Up", matrix="0 1 -1 0 150 100")
    content += b"0 0 1 rg 30 300 100 20 re f 40 200 m 200 200 l S\n"
    data = made.pages(content, page=b"/Rotate %d /CropBox [10 10 290 390]" % turn)
    page = page_of(tmp_path, data)
    assert (page.width, page.height) == ((280, 380) if turn % 180 == 0 else (380, 280))
    assert sorted(texts(page)) == ["Hello World", "Up"]
    seen, scale = pixels(page), 72 / page.dpi
    assert seen.shape[:2] == (round(page.height / scale), round(page.width / scale))
    left = seen.max(2) < 140  # what is dark
    for box in [run.box for run in page.runs] + list(page.rules):
        x0, y0, x1, y1 = (round(value / scale) for value in (box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1))
        assert left[y0:y1, x0:x1].any()
        left[y0:y1, x0:x1] = False
    assert not left.any(), "all ink is in a box"
    assert len(page.rules) == 1
    assert ((seen[..., 2] > 200) & (seen[..., 0] < 60)).any(), "blue is blue"


def test_characters_outside_the_page_are_left_out(tmp_path: Path) -> None:
    assert texts(page_of(tmp_path, made.pages(text("in") + text("out", y=900) + text("out", x=-500)))) == ["in"]


def test_a_page_without_colour_is_grey(tmp_path: Path) -> None:
    for content, mode in ((text("x"), "L"), (b"1 0 0 rg " + text("x"), "RGB")):
        image = Image.open(io.BytesIO(page_of(tmp_path, made.pages(content)).image))
        assert (image.format, image.mode) == ("PNG", mode)


@pytest.mark.parametrize(
    ("data", "kind", "layer"),
    [
        (made.pages(b""), "blank", "missing"),
        (made.pages(b"1 1 1 rg 0 0 300 400 re f"), "blank", "missing"),
        (made.pages(made.prose()), "born_digital", "good"),
        (made.scan(), "scanned", "missing"),
        (made.scan(text("12", 150, 20)), "scanned", "missing"),
        (made.scan(b"BT 3 Tr ET\n" + b"3 Tr " + made.prose()), "scanned", "hidden"),
        (made.scan(made.prose()), "mixed", "good"),
        (made.scan(made.prose(), box="100 0 0 100 0 0"), "born_digital", "good"),
        (made.with_meaning(SENTENCE, {ord(c): chr(0xE000 + ord(c)) for c in "aeiou"}), "born_digital", "garbled"),
        (made.with_meaning(SENTENCE, {ord("T"): "\ufffd"}), "born_digital", "garbled"),
        (made.with_meaning(SENTENCE, {ord("q"): "(cid:12)"}), "born_digital", "garbled"),
        (made.with_meaning(SENTENCE, {ord(c): chr(0xB0 + ord(c) % 64) for c in SENTENCE if c != " "}), "born_digital",
         "garbled"),
        (made.with_meaning("* " + SENTENCE, {ord("*"): "\uf0b7"}), "born_digital", "good"),
        (made.with_meaning("* " + SENTENCE, {ord("*"): "\ue123"}), "born_digital", "good"),
    ],
)  # fmt: skip
def test_kinds_of_pages_and_states_of_layers(tmp_path: Path, data: bytes, kind: str, layer: str) -> None:
    page = page_of(tmp_path, data)
    assert (page.kind, page.layer) == (kind, layer)
    if kind != "blank":
        assert page.dpi == (144 if layer == "good" else 200)
    assert page.image.startswith(b"\xff\xd8" if kind in ("scanned", "mixed") else b"\x89PNG")
    if layer != "missing":
        assert page.runs


def test_texts_of_real_languages_are_not_garbled() -> None:
    for words in (
        "中文文本，包括标点符号。", "Straße, œuvre, ça va à Noël, îles", "x² + y² ≤ π", "a ﬁ ﬂ", "\uf0b7 one\n\uf0b7 p",
        "", "1", "Český jazyk, žluťoučký kůň", "日本語テキスト", "emoji 😀",
    ):  # fmt: skip
        assert not is_garbled(words, 0.01), words
    for words in ("\ue001\ue002", "abc\ufffd", "(cid:1)(cid:22)", 2 * "ÎÒÃÇµÄÖÐ¹úÈËÃñ¹²ºÍ¹ú¹ú»Õ·¨", "a\x01b"):
        assert is_garbled(words, 0.01), words


def test_a_huge_page_is_rendered_more_coarsely(tmp_path: Path) -> None:
    page = page_of(tmp_path, made.pages(made.prose(), size=(4800, 2400)))
    assert page.dpi == 60
    assert pixels(page).shape[:2] == (2000, 4000)


def test_pages_are_the_same_again(tmp_path: Path) -> None:
    assert page_of(tmp_path, made.scan(made.prose())) == page_of(tmp_path, made.scan(made.prose()))


boxes = st.lists(st.tuples(*[st.integers(0, 64)] * 4), max_size=6)


@given(boxes)
def test_covered_share_is_that_of_cells(corners: list[tuple[int, int, int, int]]) -> None:
    found = [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    cells = {
        cell
        for box in found
        for cell in itertools.product(range(int(box.x0), int(box.x1)), range(int(box.y0), int(box.y1)))
    }
    assert covered_share(found, (64, 64)) == len(cells) / 64**2


@given(st.tuples(*[st.floats(-5, 5)] * 6), st.tuples(*[st.floats(-5, 5)] * 6), st.floats(-9, 9), st.floats(-9, 9))
def test_maps_after_each_other(one: tuple[float, ...], two: tuple[float, ...], x: float, y: float) -> None:
    first, second = Matrix(*one), Matrix(*two)
    assert second.after(first).point(x, y) == pytest.approx(second.point(*first.point(x, y)))
    assert first.after(IDENTITY) == first


@given(st.integers(0, 3), st.tuples(*[st.integers(0, 100)] * 4))
def test_four_quarter_turns_and_area(turns: int, given_box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = given_box
    frame = Frame((-10, -20, 200, 300), turns)
    box = frame.seen(min(x0, x1), max(y0, y1), max(x0, x1), min(y0, y1))
    assert box.area == abs(x1 - x0) * abs(y1 - y0)
    assert frame.clipped(box) == box
