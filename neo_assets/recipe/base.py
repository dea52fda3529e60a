"""The base of every recipe section: frozen, and strict about unknown keys and wrong types."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of a recipe; an unknown key or a wrong type is refused, never ignored or coerced from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, protected_namespaces=())
