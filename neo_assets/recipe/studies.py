"""Settings of the studies of the rules: how many documents they look at, and how many they show."""

from __future__ import annotations

from pydantic import Field

from neo_assets.recipe.base import Section


class StudySettings(Section):
    """How the rules of a line are studied. Counts are over all documents; what is sampled is sampled by document id."""

    sample_documents: int = Field(
        200_000, gt=0, description="Documents that quantiles and histograms are taken from, the same every time."
    )
    samples_per_side: int = Field(3, gt=0, le=50, description="Documents shown on each side of a threshold.")
    excerpt_chars: int = Field(160, gt=0, le=2_000, description="Characters of a document that are shown.")
    bins: int = Field(40, gt=1, le=1_000, description="Bins of a histogram.")
    profile_sample_documents: int = Field(
        20_000, gt=0, description="Documents that both profiles of the rules judge for the profile report."
    )
