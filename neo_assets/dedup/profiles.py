"""Deduplication as MAP-Neo's released code does it (profile `faithful`), from the settings of the corrected one.

What differs (Matrix, English `dedup/`, Chinese `deduplication/`): candidate pairs are not verified, and one document of
each connected component stays; texts shorter than a shingle share one signature and collapse; Chinese is not normalised
before shingling; the Bloom filter is believed; every paragraph counts, blank lines too; a document's last window is not
looked at. Released code leaves the choice of the surviving copy to chance; here it is the first in both profiles.
"""

from __future__ import annotations

from typing import Literal

from neo_assets.recipe.dedup import BloomSettings, NearSettings, ParagraphSettings, SubstringSettings

Profile = Literal["corrected", "faithful"]


def near_settings(settings: NearSettings, profile: Profile) -> NearSettings:
    """Near deduplication of a line.

    Released code links each document of a bucket to the one before; linking it to the bucket's first document gives
    the same components.
    """
    if profile == "corrected":
        return settings
    released = {"verify": "nothing", "rule": "components", "short_texts_alike": True, "partners_per_bucket": 1}
    if settings.normalisation == "chinese":
        released["normalisation"] = "none"
    return settings.model_copy(update=released)


def bloom_settings(settings: BloomSettings, profile: Profile) -> BloomSettings:
    """The filter of earlier days' texts."""
    return settings if profile == "corrected" else settings.model_copy(update={"confirm": False})


def paragraph_settings(settings: ParagraphSettings, profile: Profile) -> ParagraphSettings:
    """Paragraphs."""
    return settings if profile == "corrected" else settings.model_copy(update={"exempt_chars": 0})


def substring_settings(settings: SubstringSettings, profile: Profile) -> SubstringSettings:
    """Substrings."""
    return settings if profile == "corrected" else settings.model_copy(update={"skip_last_window": True})
