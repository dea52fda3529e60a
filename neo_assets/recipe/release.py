"""Settings of a release: what it is called and under which terms."""

from __future__ import annotations

from pydantic import Field

from neo_assets.recipe.base import Section


class ReleaseSection(Section):
    """Facts for the cards that no measurement can give."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1, description="one paragraph for the head of the model card")
    model_licence: str = Field(default="apache-2.0", description="identifier as in Hugging Face card metadata")
    data_licence: str = Field(default="other", description="one word for the mixture; the card lists every source")
    languages: tuple[str, ...] = ("zh", "en")
    intended_use: str = Field(min_length=1)
    limitations: tuple[str, ...] = Field(min_length=1)
