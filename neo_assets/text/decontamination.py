"""Training text kept clear of evaluation items: documents that hold one are rejected, or lose the passage.

A document holds an item if it has at least `least_share` of the windows of one of the item's forms (see
`neo_assets.text.item_index`). Every item found is recorded with its places, whatever is done about it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.records import KEPT, REJECTED, with_verdicts
from neo_assets.recipe.corpus import DecontaminationSettings
from neo_assets.text.item_index import DOCUMENT, END, START, WINDOW, ItemIndex, build_index

RULE, REMAINDER_RULE = "decontamination", "decontaminated_remainder"
CUTS_TYPE = pa.list_(pa.struct([pa.field("start", pa.int32()), pa.field("end", pa.int32())]))
HITS_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("doc_id", "url", "subset", "task", "item")),
        pa.field("share", pa.float64()),
        *(pa.field(name, pa.int32()) for name in ("start", "end", "matched_chars")),
    ]
)
"""One row per stretch of a document that an item has too; places are characters of the text before it is cut."""

_SENTENCE_END = re.compile(r"\n|[。！？…]+[”’」』）)\"']*|[.!?]+[\"'”’)\]]*(?=\s|$)|(?<=[^\x00-\x7f])[.!?]+[\"')\]]*")


class Hit(NamedTuple):
    """An item in a document: the share of its windows that are there, and the stretches that they cover."""

    task: str
    item: str
    share: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Items:
    """Evaluation items in files `<task>.jsonl` below a folder, an object with an `id` a line."""

    folder: str
    tasks: tuple[str, ...]


@lru_cache(maxsize=2)
def load_index(items: Items, settings: DecontaminationSettings) -> ItemIndex:
    """The index of the items, built once a process."""
    return build_index(
        {task: list(_json_lines(Path(items.folder) / f"{task}.jsonl")) for task in items.tasks}, settings
    )


@dataclass(frozen=True)
class Decontaminate:
    """Kernel: judges documents, and cuts passages if that is the action; `cuts` says where, in the text as it came.

    The value of a decision is the largest share of an item's windows that the document has.
    """

    items: Items
    settings: DecontaminationSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        hits = find_hits(load_index(self.items, self.settings), texts, self.settings.least_share)
        columns: dict[str, list[Any]] = {name: [None] * len(texts) for name in ("rule", "value", "threshold", "reason")}
        columns["verdict"] = [KEPT] * len(texts)
        cuts: list[list[tuple[int, int]]] = [[] for _ in texts]
        for row, found in hits.items():
            if self.settings.action == "passage":
                cuts[row] = passages(texts[row], (span for hit in found for span in hit.spans))
                texts[row] = without(texts[row], cuts[row])
                left = len("".join(texts[row].split()))
                if left >= self.settings.least_characters:
                    continue
                judgement: tuple[str, float, float] = REMAINDER_RULE, left, self.settings.least_characters
            else:
                judgement = RULE, found[0].share, self.settings.least_share
            for name, value in zip(columns, (*judgement, _reason(found), REJECTED), strict=True):
                columns[name][row] = value
        if hits:
            place = batch.schema.get_field_index("text")
            field = batch.schema.field(place)
            batch = batch.set_column(place, field, pa.array(texts, field.type))
        column = pa.array([[{"start": a, "end": b} for a, b in row] for row in cuts], CUTS_TYPE)
        return with_verdicts(batch.append_column("cuts", column), **columns)


@dataclass(frozen=True)
class ListHits:
    """Kernel: documents to a row (`HITS_SCHEMA`) per stretch that an evaluation item has too."""

    items: Items
    settings: DecontaminationSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        hits = find_hits(
            load_index(self.items, self.settings), batch.column("text").to_pylist(), self.settings.least_share
        )
        rows = [
            {name: batch.column(name)[row].as_py() for name in ("doc_id", "url", "subset")}
            | {"task": hit.task, "item": hit.item, "share": hit.share, "start": a, "end": b, "matched_chars": b - a}
            for row in sorted(hits)
            for hit in hits[row]
            for a, b in hit.spans
        ]
        return pa.RecordBatch.from_pylist(rows, schema=HITS_SCHEMA)


def find_hits(index: ItemIndex, texts: Sequence[str | None], least_share: float) -> dict[int, list[Hit]]:
    """The items that each text holds, the surest first; texts without any are left out."""
    found = index.scan([text or "" for text in texts])
    bounds = np.flatnonzero(np.diff(found[:, DOCUMENT], prepend=-1, append=-1))
    hits = {}
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if of_text := _hits_of(index, found[first:last], least_share):
            hits[int(found[first, DOCUMENT])] = of_text
    return hits


def _hits_of(index: ItemIndex, found: npt.NDArray[np.int64], least_share: float) -> list[Hit]:
    """The items of one text by its windows: the form of which most is there counts."""
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    windows: dict[int, set[int]] = defaultdict(set)
    for window, start, end in found[:, [WINDOW, START, END]].tolist():
        for form in index.owners[index.owner_offsets[window] : index.owner_offsets[window + 1]].tolist():
            places[form].append((start, end))
            windows[form].add(window)
    best: dict[int, tuple[float, int]] = {}
    for form in places:
        share = len(windows[form]) / int(index.form_windows[form])
        if share >= least_share:
            item = int(index.form_item[form])
            best[item] = max(best.get(item, (0.0, -1)), (share, form))
    hits = [Hit(*index.items[item], share, tuple(_joined(places[form]))) for item, (share, form) in best.items()]
    return sorted(hits, key=lambda hit: (-hit.share, hit.task, hit.item))


def passages(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The sentences and lines that the spans touch, joined where they meet; a line cut whole goes with its end."""
    cuts = []
    for start, end in spans:
        line = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", end)
        stop = len(text) if stop < 0 else stop
        ends = [match.end() for match in _SENTENCE_END.finditer(text, line, stop)]
        first = max((place for place in ends if place <= start), default=line)
        last = min((place for place in ends if place >= end), default=stop)
        cuts.append((first, last))
    return [_with_line_end(text, first, last) for first, last in _joined(cuts)]


def without(text: str, cuts: Iterable[tuple[int, int]]) -> str:
    """The text without these stretches, which are in order and apart."""
    pieces, last = [], 0
    for start, end in cuts:
        pieces.append(text[last:start])
        last = end
    return "".join([*pieces, text[last:]])


def _with_line_end(text: str, first: int, last: int) -> tuple[int, int]:
    whole = (first == 0 or text[first - 1] == "\n") and text[last : last + 1] == "\n"
    return first, last + whole


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that overlap or meet, made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _reason(hits: Sequence[Hit]) -> str:
    shown = [f"{hit.task} {hit.item} ({hit.share:.0%})" for hit in hits[:3]]
    more = f" and {len(hits) - 3} more" if len(hits) > 3 else ""
    return f"holds {', '.join(shown)}{more}"


def _json_lines(path: Path) -> Iterable[dict[str, object]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
