"""Corrections carried into a document's row: its Markdown, its blocks, and the text that models learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neo_assets.documents.correction.correct import Change, correct
from neo_assets.documents.model import block_of, plain
from neo_assets.judges.model import Judge
from neo_assets.recipe.documents import CorrectionSettings


def corrected_row(
    row: Mapping[str, Any], judge: Judge, settings: CorrectionSettings
) -> tuple[dict[str, Any], tuple[Change, ...]]:
    """A row of `MARKDOWN_SCHEMA` after correction, and every question that was asked about it."""
    blocks = [block_of(block) for block in row["blocks"]]
    found = correct(row["doc_id"], row["markdown"], blocks, judge, settings)
    text = _replaced(row["text"], found.changes)
    corrected = {"markdown": found.markdown, "text": text, "blocks": [plain(block) for block in found.blocks]}
    return {**row, **corrected}, found.changes


def _replaced(text: str, changes: Sequence[Change]) -> str:
    """The text with what was accepted; blocks stand in it in their order, and read as in the Markdown."""
    parts, at = [], 0
    for change in changes:
        place = text.find(change.before, at)
        if place >= 0:
            taken = change.after if change.accepted and change.after is not None else change.before
            parts += [text[at:place], taken]
            at = place + len(change.before)
    return "".join([*parts, text[at:]])
