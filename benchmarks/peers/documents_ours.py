"""Our conversion: the three profiles; and the order and the lines of MAP-Neo's released rules on the same elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from benchmarks.peers.documents_protocol import Conversion, Converter, Document, serve, used_seconds

REFERENCE = ", reference rules"
READING = ("pages", "layout", "elements")
"""The stages before the order."""


def profile(
    name: Literal["default", "fast", "faithful"], reference: bool = False
) -> Callable[[Mapping[str, str]], Converter]:
    """A profile's conversion; with the reference's rules, the elements are ordered and composed a second time."""

    def make(models: Mapping[str, str]) -> Converter:
        from neo_assets.documents.convert import convert
        from neo_assets.documents.markdown import compose
        from neo_assets.documents.ordering import order_document
        from neo_assets.recipe.documents import DocumentsSection, MarkdownSettings, OrderSettings, RecognitionSettings

        settings = DocumentsSection(recognition=RecognitionSettings(profile=name))

        def ours(document: Document) -> Mapping[str, Conversion]:
            start = used_seconds()
            done = convert(Path(document.path), settings)
            spent = used_seconds() - start
            stages = dict(done.seconds)
            # Pages are drawn by children of a child, which the conversion's own count may miss.
            stages["pages"] += spent - sum(stages.values())
            found = {"": Conversion(done.composition.markdown, spent, stages)}
            if reference:
                start = used_seconds()
                ordered = list(order_document(done.elements, OrderSettings(method="reference")))
                text = compose(ordered, MarkdownSettings(join_lines=False)).markdown
                before = sum(stages[stage] for stage in READING)
                found[REFERENCE] = Conversion(text, before + used_seconds() - start)
            return found

        return ours

    return make


if __name__ == "__main__":
    serve(
        {
            "neo-assets": profile("default", reference=True),
            "neo-assets fast": profile("fast"),
            "neo-assets faithful": profile("faithful"),
        }
    )
