"""What the classes of layout models mean here. Sources: CDLA, PubLayNet, and PP-DocLayout's published label lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from neo_assets.documents.model import RegionKind

KINDS: Mapping[str, RegionKind | None] = MappingProxyType(
    {
        "text": "text", "title": "title", "figure": "figure", "figure_caption": "figure_caption", "table": "table",
        "table_caption": "table_caption", "header": "header", "footer": "footer", "reference": "reference",
        "equation": "equation",
        "list": "text",
        "doc_title": "title", "paragraph_title": "title", "abstract": "text", "content": "text", "algorithm": "text",
        "aside_text": "text", "vertical_text": "text", "footnote": "text", "vision_footnote": "text",
        "formula_number": "text", "reference_content": "reference", "number": "footer", "header_image": "header",
        "footer_image": "footer", "image": "figure", "chart": "figure", "seal": "figure",
        "figure_title": "figure_caption", "chart_title": "figure_caption",
        "figure_table_chart_title": "figure_caption", "table_title": "table_caption", "formula": "equation",
        "display_formula": "equation",
        "inline_formula": None, "region": None,
    }
)  # fmt: skip
"""A model's class and the kind of its regions; null: such regions lie within others and are left out."""


def unknown(labels: Sequence[str]) -> list[str]:
    """The classes of a model that have no meaning here."""
    return sorted(set(labels) - set(KINDS))
