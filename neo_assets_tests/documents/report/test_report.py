"""The report of a batch: what it holds, that it is bounded and repeatable, and that hostile text stays text."""

from __future__ import annotations

import html.parser
import io
import re
from dataclasses import replace

import pytest

from neo_assets.documents.report import FACT_SCHEMA, Report, report
from neo_assets.documents.report.summary import MAX_URI_BYTES, escaped
from neo_assets_tests.documents.report.made import HOSTILE, picture, stages

pytestmark = pytest.mark.needs("documents")
DECISIONS = {"pages": [{"rule": "encrypted"}, {"rule": "encrypted"}, {"rule": "time"}], "layout": [{"rule": "memory"}]}


def made(n_pages: int = 4) -> Report:
    batch = stages({"a": 3, "b": 2}, picture(), {("a", 3): 0.4, ("b", 1): 0.6})
    return report("2026-01-31-x", batch, DECISIONS, n_pages)


def test_files_tables_and_text_are_those_of_the_batch() -> None:
    found = made()
    shown = [f"gallery/{name}.png" for name in ("001-a-p1", "002-a-p2", "003-a-p3", "004-b-p1")]
    assert sorted(found.files) == sorted([*shown, "confidence.png", "gallery.html"])
    facts = found.tables["pages"]
    assert facts.schema == FACT_SCHEMA
    rows = facts.to_pylist()
    assert [(row["doc_id"], row["page"]) for row in rows] == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)]
    assert rows[2]["mean_score"] == 0.4 and rows[2]["share_ocr"] == 1.0 and rows[2]["n_elements"] == 2
    assert rows[2]["seconds"] == 2.25 and rows[4]["seconds_layout"] is None and rows[4]["layout_score"] is None
    assert found.tables["not_kept"].to_pylist() == [
        {"stage": "pages", "rule": "encrypted", "n": 2},
        {"stage": "layout", "rule": "memory", "n": 1},
        {"stage": "pages", "rule": "time", "n": 1},
    ]
    assert "**5 pages of 2 documents.**" in found.markdown
    assert re.search(r"\| document://a\S+page=3 \| 0\.75 \| 0\.75 \| 0\.75 \| 2\.25 \|", found.markdown)
    worst = found.markdown.split("### Pages with the least certain text")[1].split("###")[0]
    assert worst.index("a#page=3") < worst.index("b#page=1") < worst.index("a#page=1")


def test_the_report_is_the_same_again() -> None:
    one, other = made(), made()
    assert one.files == other.files
    assert one.markdown == other.markdown


@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_no_more_pages_are_shown_than_allowed(n: int) -> None:
    found = made(n)
    assert sum(name.startswith("gallery/") for name in found.files) == min(n, 5)
    assert found.files["gallery.html"].decode().count("<section>") == min(n, 5)
    assert all(len(uri) <= MAX_URI_BYTES for uri in re.findall(r"data:[^)]*", found.markdown))


def test_a_batch_without_pages_has_a_report() -> None:
    found = report("x", stages({}, b""), {}, 12)
    assert sorted(found.files) == ["confidence.png", "gallery.html"]
    assert "**0 pages of 0 documents.**" in found.markdown


class Tags(html.parser.HTMLParser):
    """The tags of a page, its texts, and every address that it names."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_gallery_holds_hostile_text_as_text_and_nothing_from_outside() -> None:
    page = made().files["gallery.html"].decode()
    read = Tags()
    read.feed(page)
    allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "span", "section", "small", "div"}
    assert read.tags <= allowed | {"img", "svg", "rect", "text", "pre"}
    assert read.addresses and all(address.startswith("data:image/jpeg;base64,") for address in read.addresses)
    assert "default-src 'none'" in page
    assert any(HOSTILE.replace("\x00", " ") in text for text in read.texts)
    assert "\x00" not in page


def test_the_text_of_the_ui_shows_no_markup_of_documents() -> None:
    batch = stages({"a": 1}, picture())
    hostile = [{**row, "url": HOSTILE + "\n# x"} for row in batch.pages()]
    batch = replace(batch, pages=lambda: hostile)
    text = report("x", batch, {}, 0).markdown
    assert "<script" not in text and "\n# x" not in text
    assert re.findall(r"(.)\]\(http", text) == ["\\", "\\"], "once among the slowest, once among the worst; escaped"
    assert escaped("a|b<c`d") == "a\\|b&lt;c\\`d"


def test_the_pictures_show_boxes_in_the_colours_of_their_kinds() -> None:
    from PIL import Image

    name = next(name for name in made().files if name.startswith("gallery/"))
    shown = Image.open(io.BytesIO(made().files[name])).convert("RGB")
    assert shown.height == 1100
    # The text's box begins at (10, 20) of a page 300 points wide, drawn 825 pixels wide.
    red, green, blue = shown.getpixel((round(200 * 825 / 300) - 60, round(20 * 825 / 300)))
    assert green > red + 40 and green > blue + 40
