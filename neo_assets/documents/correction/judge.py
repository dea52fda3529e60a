"""The judge that the recipe names for corrections."""

from __future__ import annotations

from pathlib import Path

from neo_assets.judges.cache import AnswerCache
from neo_assets.judges.chat import ChatJudge
from neo_assets.judges.settings import ChatSettings
from neo_assets.recipe.documents import CorrectionSettings


def chat_judge(settings: CorrectionSettings, cache: Path | None) -> ChatJudge:
    """The server of the settings; answers are kept in the folder `cache`, so that a rerun asks only what is missing."""
    chat = ChatSettings(
        endpoint=settings.endpoint, model=settings.model, api_key_variable=settings.api_key_variable,
        timeout_seconds=settings.timeout_seconds, max_requests=settings.max_requests,
    )  # fmt: skip
    return ChatJudge(chat, AnswerCache(cache) if cache is not None else None)
