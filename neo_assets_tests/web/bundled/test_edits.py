"""Edited copies have exactly the degree they claim."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.bundled.edits import UNIT, edited

TEXTS = st.lists(
    st.text(alphabet="天地玄黄宇宙洪荒 ab,。\U00020000", max_size=40).filter(lambda t: "\n" not in t), max_size=6
)


@given(TEXTS.map(tuple), st.sampled_from([0.0, 0.01, 0.05, 0.15, 0.4, 1.0]), st.text(max_size=5))
def test_the_given_share_of_units_is_replaced(paragraphs: tuple[str, ...], share: float, key: str) -> None:
    before = UNIT.findall("\n".join(paragraphs))
    after_paragraphs = edited(paragraphs, share, key)
    after = UNIT.findall("\n".join(after_paragraphs))
    kinds = [{unit for unit in before if unit.isascii()}, {unit for unit in before if not unit.isascii()}]
    n_replaceable = sum(any(unit in kind and len(kind) > 1 for kind in kinds) for unit in before)
    assert len(after_paragraphs) == len(paragraphs)
    assert len(after) == len(before)
    replaced = sum(old != new for old, new in zip(before, after, strict=True))
    assert replaced == min(round(share * len(before)), n_replaceable)
    assert set(after) <= set(before)


def test_the_key_alone_decides() -> None:
    text = ("The quick brown fox jumps over the lazy dog.", "It was the best of times, it was the worst of times.")
    assert edited(text, 0.3, "a") == edited(text, 0.3, "a")
    assert edited(text, 0.3, "a") != edited(text, 0.3, "b")
