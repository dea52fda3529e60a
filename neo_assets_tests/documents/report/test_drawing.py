"""Text set in pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.report import drawing
from neo_assets.documents.report.drawing import page_picture, printable, side_by_side, wrapped


class Wide:
    """A font in which Chinese characters are ten wide and others five."""

    def getlength(self, text: str) -> float:
        return float(sum(10 if character >= "\u2e80" else 5 for character in text))


@given(st.text(st.sampled_from("ab c中文。，\n\t-"), max_size=80) | st.text(max_size=80), st.integers(20, 200))
def test_lines_fit_and_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    lines = list(wrapped(text, width, Wide()))
    assert all(Wide().getlength(line.rstrip()) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(printable(text).split())


def test_words_stay_whole_and_chinese_breaks_anywhere() -> None:
    assert list(wrapped("alpha beta gamma", 55, Wide())) == ["alpha beta", "gamma"]
    assert list(wrapped("中文中文中文", 40, Wide())) == ["中文中文", "中文"]
    assert list(wrapped("a\n\nb", 40, Wide())) == ["a", "", "b"]
    assert list(wrapped("x" * 20, 50, Wide())) == ["x" * 9, "x" * 9, "xx"]


@pytest.mark.needs("documents")
@pytest.mark.parametrize("turned", [0, 1, 2, 3])
@pytest.mark.parametrize("skew", [0.0, 3.0])
def test_pages_are_drawn_as_they_were_read(turned: int, skew: float) -> None:
    """A page with a dark corner is laid as a scan has it; drawn upright, the corner is where it was."""
    import io

    from PIL import Image

    upright = Image.new("L", (300, 400), "white")
    upright.paste(0, (60, 80, 120, 120))
    lying = upright.rotate(-skew, fillcolor="white").rotate(90 * turned, expand=True)
    stream = io.BytesIO()
    lying.save(stream, "PNG")
    found = page_picture(stream.getvalue(), 300, (), 400, turned, skew).convert("L")
    assert found.size == (300, 400)
    assert found.getpixel((90, 100)) < 50 and found.getpixel((64, 84)) < 128 and found.getpixel((116, 116)) < 128
    assert found.getpixel((54, 100)) > 200 and found.getpixel((90, 126)) > 200 and found.getpixel((210, 300)) > 200


@pytest.mark.needs("documents")
def test_without_a_chinese_font_the_picture_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image, ImageDraw

    said: list[str] = []
    draw_text = ImageDraw.ImageDraw.text
    monkeypatch.setattr(drawing, "CJK_FONTS", ("/nowhere.ttc",))
    drawing._font.cache_clear()

    def spy(self: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, **given: object) -> None:
        said.append(text)
        draw_text(self, xy, text, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    try:
        side_by_side(Image.new("RGB", (100, 200), "white"), "中文")
        assert said[0] == drawing.NO_CHINESE
        said.clear()
        side_by_side(Image.new("RGB", (100, 200), "white"), "English\n" * 500)
        assert said[0] == "English" and said[-1] == "…" and len(said) < 15
    finally:
        drawing._font.cache_clear()
