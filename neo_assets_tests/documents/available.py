"""Whether documents can be converted here."""

from __future__ import annotations

import importlib.util
from functools import cache

from neo_assets.documents.models import ModelError, fetch_all, names_for
from neo_assets.recipe.documents import DocumentsSection


@cache
def documents_available() -> bool:
    """Whether there are paddleocr, onnxruntime and the models of the default settings, which are fetched if need be."""
    if not all(map(importlib.util.find_spec, ("paddleocr", "onnxruntime", "pypdfium2"))):
        return False
    try:
        return bool(fetch_all(names_for(DocumentsSection())))
    except ModelError:
        return False
