"""Recognised blocks of low confidence, corrected by a judge: each change checked, and kept as a difference."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from neo_assets.documents.correction.limits import refusal
from neo_assets.documents.correction.prompt import SYSTEM, VERSION, answered, prompt
from neo_assets.documents.correction.shift import Shift
from neo_assets.documents.model import Block
from neo_assets.judges.model import Judge, Judgement, JudgeRequest
from neo_assets.recipe.documents import CorrectionSettings

KINDS = frozenset(
    ("text", "title", "list_item", "footnote", "side_note", "figure_caption", "table_caption", "reference")
)
"""Kinds of running text; tables, formulas, code and figures are never sent."""
MAX_CHARACTERS = 6000
"""Of a block that is sent; a longer one is kept as it is, and said so."""

CHANGE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()), ("block", pa.int32()), ("score", pa.float64()), ("before", pa.string()),
        ("after", pa.string()), ("diff", pa.string()), ("accepted", pa.bool_()), ("reason", pa.string()),
        ("judge", pa.string()), ("model", pa.string()), ("version", pa.string()), ("digest", pa.string()),
    ]
)  # fmt: skip
"""A question to the judge. `after` is what it answered, `reason` why that was not taken; both null where not so."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `CHANGE_SCHEMA`."""

    doc_id: str
    block: int
    """Its place among the document's blocks, from 0."""
    score: float
    before: str
    after: str | None
    diff: str
    """Unified, of the answer against the recognised text; empty where they are equal or there is no answer."""
    accepted: bool
    reason: str | None
    judge: str
    model: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """A document after correction, and every question that was asked about it, in the order of the blocks."""

    markdown: str
    blocks: tuple[Block, ...]
    changes: tuple[Change, ...]


def correct(
    doc_id: str, markdown: str, blocks: Sequence[Block], judge: Judge, settings: CorrectionSettings
) -> Corrected:
    """Asks about every recognised block whose score is below `settings.max_score`.

    The blocks' `start` and `end` and the places in them fit the new Markdown; what is refused, fails or exceeds the
    judge's budget stays as it was, with its reason.

    Raises:
        ValueError: the blocks overlap or lie outside the text.
    """
    _check(markdown, blocks)
    asked = [number for number, block in enumerate(blocks) if _doubtful(block, markdown, settings.max_score)]
    short = [number for number in asked if blocks[number].end - blocks[number].start <= MAX_CHARACTERS]
    answers = judge.ask(_requests(doc_id, markdown, blocks, short))
    found = dict(zip(short, answers, strict=True))
    changes = []
    for number in asked:
        text = markdown[blocks[number].start : blocks[number].end]
        if number in found:
            changes.append(_change(doc_id, number, blocks[number], text, found[number], settings.max_change))
        else:
            changes.append(_unasked(doc_id, number, blocks[number], text, judge))
    taken = {change.block: change.after for change in changes if change.accepted and change.after is not None}
    return _applied(markdown, blocks, taken, tuple(changes))


def rows(changes: Sequence[Change]) -> pa.Table:
    """Changes as a table of `CHANGE_SCHEMA`."""
    names = CHANGE_SCHEMA.names
    plain: list[dict[str, Any]] = [{name: getattr(change, name) for name in names} for change in changes]
    return pa.Table.from_pylist(plain, schema=CHANGE_SCHEMA)


def _doubtful(block: Block, markdown: str, max_score: float) -> bool:
    return (
        block.source == "ocr" and block.kind in KINDS and block.score < max_score
        and bool(markdown[block.start : block.end].strip())
    )  # fmt: skip


def _requests(doc_id: str, markdown: str, blocks: Sequence[Block], numbers: Sequence[int]) -> Iterator[JudgeRequest]:
    for number in numbers:
        text = markdown[blocks[number].start : blocks[number].end]
        yield JudgeRequest(f"{doc_id}#{number}", prompt(text), SYSTEM, VERSION)


def _change(doc_id: str, number: int, block: Block, before: str, found: Judgement, max_change: float) -> Change:
    after = None if found.text is None else answered(found.text)
    reason = found.error if after is None else None
    if after is not None and after != before:
        reason = refusal(before, after, max_change)
    accepted = reason is None and after is not None and after != before
    return Change(
        doc_id, number, block.score, before, after, "" if after is None else _diff(before, after), accepted, reason,
        found.judge, found.model, found.version, found.digest,
    )  # fmt: skip


def _unasked(doc_id: str, number: int, block: Block, before: str, judge: Judge) -> Change:
    reason = f"the block has more than {MAX_CHARACTERS} characters"
    return Change(doc_id, number, block.score, before, None, "", False, reason, judge.name, judge.model, VERSION, "")


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), "recognised", "corrected", lineterm="")
    return "\n".join(lines)


def _applied(markdown: str, blocks: Sequence[Block], taken: dict[int, str], changes: tuple[Change, ...]) -> Corrected:
    parts: list[str] = []
    moved: dict[int, Block] = {}
    at = length = 0
    for number in sorted(range(len(blocks)), key=lambda one: (blocks[one].start, blocks[one].end)):
        block = blocks[number]
        before = markdown[block.start : block.end]
        after = taken.get(number, before)
        parts += [markdown[at : block.start], after]
        start = length + block.start - at
        length, at = start + len(after), block.end
        places = Shift.between(before, after).places(block.places) if number in taken else block.places
        moved[number] = replace(block, start=start, end=length, places=places)
    parts.append(markdown[at:])
    return Corrected("".join(parts), tuple(moved[number] for number in range(len(blocks))), changes)


def _check(markdown: str, blocks: Sequence[Block]) -> None:
    at = 0
    for block in sorted(blocks, key=lambda one: (one.start, one.end)):
        if not at <= block.start <= block.end <= len(markdown):
            raise ValueError(f"blocks must lie in the text and apart: {block.start} to {block.end}")
        at = block.end
