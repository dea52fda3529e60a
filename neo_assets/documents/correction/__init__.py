"""Errors of recognition corrected by a language model: checked, and stored as differences."""

from neo_assets.documents.correction.correct import CHANGE_SCHEMA, Change, Corrected, correct
from neo_assets.documents.correction.judge import chat_judge
from neo_assets.documents.correction.rows import corrected_row

__all__ = ["CHANGE_SCHEMA", "Change", "Corrected", "chat_judge", "correct", "corrected_row"]
