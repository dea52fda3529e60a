"""The annotating kernels of a line as its recipe section configures them: word lists, URL lists, models, profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from neo_assets.recipe.lines import Profile
from neo_assets.recipe.lists import UrlListSettings
from neo_assets.recipe.references import ReferenceSettings
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.badwords import load_terms, read_terms
from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.quality import QualityScore
from neo_assets.text.reference_models import ReferenceModels
from neo_assets.text.released_chinese import AnnotateReleasedChinese, read_addresses
from neo_assets.text.released_english import AnnotateReleasedEnglish
from neo_assets.text.urls import UrlLookup


def annotator(
    language: Literal["english", "chinese"],
    stop_words_file: str,
    bad_words_files: Sequence[str],
    url_lists: UrlListSettings | None,
    references: ReferenceSettings | None,
    models: Sequence[Path],
) -> AnnotateEnglish | AnnotateChinese:
    """The kernel that measures every signal.

    Args:
        stop_words_file, bad_words_files: inside the seed folder, or absolute.
        models: folders of the perplexity model, the importance model and the reference classifier.

    Raises:
        ReferenceModelError: a model's file is missing.
        ValueError: a list is not a list of terms.
    """
    kernel = AnnotateEnglish if language == "english" else AnnotateChinese
    wanted = references.quality_model if references else None
    return kernel(
        stop_words=read_terms(SEED_FOLDER / stop_words_file),
        bad_words=load_terms(bad_words_files, SEED_FOLDER),
        urls=UrlLookup(url_lists, SEED_FOLDER) if url_lists else None,
        models=ReferenceModels.of(*models) if references else None,
        quality=QualityScore.of(wanted, SEED_FOLDER, language) if wanted else None,
    )


def released_english(
    profile: Profile, stop_words_file: str, bad_words_files: Sequence[str]
) -> tuple[AnnotateReleasedEnglish, ...]:
    """The kernel that measures as MAP-Neo's released code does, where the profile asks for it."""
    if profile == "corrected":
        return ()
    stop_words = load_terms((stop_words_file,), SEED_FOLDER)
    return (AnnotateReleasedEnglish(stop_words, load_terms(bad_words_files, SEED_FOLDER)),)


def released_chinese(profile: Profile, url_lists: UrlListSettings | None) -> tuple[AnnotateReleasedChinese, ...]:
    """As above; it must see the text as extracted, for it unifies and removes links in its own way."""
    if profile == "corrected":
        return ()
    return (AnnotateReleasedChinese(read_addresses(SEED_FOLDER / url_lists.path) if url_lists else ()),)
