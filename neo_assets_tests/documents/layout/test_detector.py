"""Layout of real pages: the seed's, as they are and as pictures of other resolutions."""

from __future__ import annotations

import io
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import get_args

import pytest

import neo_assets.seed
from neo_assets.documents.layout import LayoutDetector
from neo_assets.documents.layout.labels import KINDS, unknown
from neo_assets.documents.model import Page, Region, RegionKind
from neo_assets.documents.models import ModelError
from neo_assets.recipe.documents import LayoutSettings

SEED = Path(neo_assets.seed.__file__).parent / "pdf"


@lru_cache(maxsize=1)
def detector() -> LayoutDetector:
    return LayoutDetector(LayoutSettings())


@lru_cache(maxsize=8)
def page(name: str, number: int, dpi: int, media: str = "PNG") -> Page:
    import pypdfium2

    with pypdfium2.PdfDocument(SEED / name) as document:
        width, height = document[number - 1].get_size()
        picture = document[number - 1].render(scale=dpi / 72).to_pil().convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, media)
    return Page("d", number, width, height, "born_digital", "good", float(dpi), stream.getvalue())


def near(region: Region, kind: str, box: tuple[float, ...], points: float = 6) -> bool:
    return region.kind == kind and all(abs(a - b) <= points for a, b in zip(region.box, box, strict=True))


@pytest.mark.needs("documents")
def test_the_parts_of_a_page_are_found_where_they_are() -> None:
    found = detector().detect(page("debmake.en.p9-14.pdf", 2, 144))
    # "Chapter 1" and "Overview", read off the page in points.
    assert any(near(one, "title", (85, 143, 173, 161)) for one in found)
    assert any(near(one, "title", (85, 189, 187, 207)) for one in found)
    assert Counter(one.kind for one in found)["title"] == 2
    assert all(one.score > 0.4 and tuple(one.box) == tuple(one.box.rounded()) for one in found)


@pytest.mark.needs("documents")
def test_detecting_again_gives_the_same() -> None:
    one = page("debmake.zh-cn.p9-14.pdf", 3, 144)
    assert detector().detect(one) == detector().detect(one) != []


@pytest.mark.needs("documents")
def test_boxes_are_in_points_whatever_the_resolution() -> None:
    titles = [
        [one.box for one in detector().detect(page("debmake.en.p9-14.pdf", 2, dpi, media)) if one.kind == "title"]
        for dpi, media in ((100, "JPEG"), (200, "PNG"))
    ]
    assert len(titles[0]) == len(titles[1]) == 2
    for low, high in zip(*titles, strict=True):
        assert low.covered(high) > 0.8 and high.covered(low) > 0.8


@pytest.mark.needs("documents")
def test_a_blank_page_has_none_and_a_broken_picture_is_told() -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (600, 800), 255).save(stream, "PNG")
    blank = Page("d", 1, 300.0, 400.0, "blank", "missing", 144.0, stream.getvalue())
    assert detector().detect(blank) == []
    with pytest.raises(ValueError, match="cannot be read"):
        detector().detect(Page("d", 1, 300.0, 400.0, "blank", "missing", 144.0, b"no picture"))


@pytest.mark.needs("documents")
def test_the_threshold_is_the_settings() -> None:
    sure = LayoutDetector(LayoutSettings(threshold=0.9)).detect(page("debmake.en.p9-14.pdf", 2, 144))
    assert sure and all(one.score > 0.9 for one in sure)
    assert len(sure) < len(detector().detect(page("debmake.en.p9-14.pdf", 2, 144)))


def test_a_model_with_strange_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inference.onnx").touch()
    (tmp_path / "inference.yml").write_text("Global: {model_name: X}\nlabel_list: [text, dog, cat]\n")
    with pytest.raises(ModelError, match=r"unknown classes \(cat, dog\)"):
        LayoutDetector(LayoutSettings(model=str(tmp_path)))


def test_classes_of_larger_models_are_known() -> None:
    # PP-DocLayout-L's and PP-DocLayoutV2's label lists, from their published configurations.
    docl = (
        "paragraph_title image text number abstract content figure_title formula table table_title reference doc_title"
    )
    docl += (
        " footnote header algorithm footer seal chart_title chart formula_number header_image footer_image aside_text"
    )
    v2 = "abstract algorithm aside_text chart content display_formula doc_title figure_title footer footer_image"
    v2 += " footnote formula_number header header_image image inline_formula number paragraph_title reference"
    v2 += " reference_content seal table text vertical_text vision_footnote"
    assert unknown([*docl.split(), *v2.split()]) == []
    assert {kind for kind in KINDS.values() if kind} == set(get_args(RegionKind))
