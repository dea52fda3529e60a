"""Windows of evaluation items in a hash table, and a compiled scan that finds them in documents.

An item may have several forms (question alone, question with its options, with its answer). A form has a window at
every token that is followed by enough text; one that is shorter than a window is one window, if it is long enough to
mean something. A document is hashed once: at every token over the shortest length that a window can have (the
anchor); only where an anchor is in the table, whole windows are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, EMPTY, key64, slot_of, table_of
from neo_assets.recipe.corpus import DecontaminationSettings
from neo_assets.text.item_tokens import characters, tokenise
from neo_assets.text.units import code_points

UInt64s = npt.NDArray[np.uint64]
UInt32s = npt.NDArray[np.uint32]
UInt8s = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
OPTION_KEYS = "ABCDEFGH"
DOCUMENT, WINDOW, START, END = range(4)
_FILTER_BITS = 16


class Weights(NamedTuple):
    """How much text a token is, and how much a window and its anchor need at least."""

    character: int
    word: int
    window: int
    anchor: int

    @classmethod
    def of(cls, settings: DecontaminationSettings) -> Weights:
        """`window_words` words weigh as much as `window_characters` characters."""
        window = settings.window_words * settings.window_characters
        return cls(
            settings.window_words, settings.window_characters, window, -int(-settings.shortest_item * window // 1)
        )


class Table(NamedTuple):
    """Windows by anchor: those of `anchors[slot]` are first[slot] … last[slot] - 1, of lengths and hashes given."""

    anchors: UInt64s
    first: Int64s
    last: Int64s
    lengths: Int64s
    hashes: UInt64s
    seldom: UInt8s  # a bit per low bits of an anchor: most misses end here, in cache


@dataclass(frozen=True)
class ItemIndex:
    """The windows of all items.

    Window w is one of forms `owners[owner_offsets[w]:owner_offsets[w + 1]]`; form f is of item `form_item[f]` and has
    `form_windows[f]` distinct windows. Items are (task, id); `too_short` have none.
    """

    items: tuple[tuple[str, str], ...]
    form_item: Int64s
    form_windows: Int64s
    owners: Int64s
    owner_offsets: Int64s
    table: Table
    weights: Weights
    too_short: tuple[tuple[str, str], ...]

    def scan(self, texts: Sequence[str]) -> Int64s:
        """Every window in every text: int64[n, 4] of text, window, first and one past the last character."""
        points, offsets = code_points(texts)
        return _scan(points, offsets, *characters(), self.table, self.weights)


def item_forms(item: Mapping[str, Any]) -> list[str]:
    """The forms in which an item may stand in a document.

    An item has `texts`, or any of: `text`; `probe`; `context` or `question`, alone or with options in `choices` or by
    letter, of which `answer` names the right one by place or letter.
    """
    if "texts" in item:
        return list(dict.fromkeys(item["texts"]))
    lettered = {key: item[key] for key in OPTION_KEYS if key in item}
    options = [*item.get("choices", ()), *lettered.values()]
    question, answer = item.get("context") or item.get("question"), item.get("answer")
    right = options[answer] if isinstance(answer, int) and answer < len(options) else lettered.get(str(answer))
    forms = [item.get("text"), item.get("probe")]
    if question:
        forms += ["\n".join([question, *options]), f"{question} {right}" if right else None]
    return list(dict.fromkeys(form for form in forms if form))


def build_index(tasks: Mapping[str, Iterable[Mapping[str, Any]]], settings: DecontaminationSettings) -> ItemIndex:
    """The index of the items of every task; each item has an `id`."""
    weights = Weights.of(settings)
    items: list[tuple[str, str]] = []
    form_item: list[int] = []
    texts: list[str] = []
    for task in sorted(tasks):
        for item in tasks[task]:
            forms = item_forms(item)
            texts += forms
            form_item += [len(items)] * len(forms)
            items.append((task, str(item["id"])))
    points, offsets = code_points(texts)
    rows, hashes = _windows(points, offsets, *characters(), weights)
    # Distinct windows, ordered by anchor; and of each, the distinct forms that have it.
    keyed = np.zeros(len(rows), [("anchor", "u8"), ("length", "i8"), ("hash", "u8"), ("form", "i8")])
    keyed["anchor"], keyed["hash"] = hashes[:, 0], hashes[:, 1]
    keyed["form"], keyed["length"] = rows[:, 0], rows[:, 1]
    keyed = np.unique(keyed)
    windows, owner_offsets = np.unique(keyed[["anchor", "length", "hash"]], return_index=True)
    form_windows = np.bincount(keyed["form"], minlength=len(texts)).astype(np.int64)
    has_windows = {form_item[form] for form in np.flatnonzero(form_windows).tolist()}
    return ItemIndex(
        items=tuple(items),
        form_item=np.array(form_item, np.int64),
        form_windows=form_windows,
        owners=keyed["form"].copy(),
        owner_offsets=np.append(owner_offsets, len(keyed)).astype(np.int64),
        table=_table(windows),
        weights=weights,
        too_short=tuple(item for place, item in enumerate(items) if place not in has_windows),
    )


def _table(windows: npt.NDArray[np.void]) -> Table:
    anchors, first = np.unique(windows["anchor"], return_index=True)
    table = table_of(anchors.astype(np.uint64))
    slots = np.array([slot_of(table, anchor) for anchor in anchors], np.int64)
    starts, ends = np.zeros(table.size, np.int64), np.zeros(table.size, np.int64)
    starts[slots], ends[slots] = first, np.append(first[1:], len(windows))
    bits = max(_FILTER_BITS, int(table.size - 1).bit_length() + 3)
    seldom = np.zeros(1 << (bits - 3), np.uint8)
    low = anchors & np.uint64((1 << bits) - 1)
    np.bitwise_or.at(
        seldom, (low >> np.uint64(3)).astype(np.int64), np.uint8(1) << (low & np.uint64(7)).astype(np.uint8)
    )
    return Table(table, starts, ends, windows["length"].copy(), windows["hash"].copy(), seldom)


@compiled()
def _windows(
    points: UInt32s, offsets: Int64s, folded: UInt32s, role: UInt8s, weights: Weights
) -> tuple[Int64s, UInt64s]:
    """The windows of every form: (form, tokens), and (hash of the anchor, hash)."""
    room = points.size + 1
    hashes, spans, alone = np.empty(room, np.uint64), np.empty((room, 2), np.int64), np.empty(room, np.uint8)
    rows, keys = np.empty((room, 2), np.int64), np.empty((room, 2), np.uint64)
    found = 0
    for form in range(offsets.size - 1):
        n = tokenise(points, offsets[form], offsets[form + 1], folded, role, hashes, spans, alone)
        for start in range(n):
            anchor = _reach(alone, start, n, weights.anchor, weights)
            end = _reach(alone, start, n, weights.window, weights)
            whole = end < 0 and start == 0
            if anchor < 0 or (end < 0 and not whole):
                break
            end = n if whole else end
            rows[found] = form, end - start
            keys[found, 0], keys[found, 1] = _hash(hashes, start, anchor), _hash(hashes, start, end)
            found += 1
    return rows[:found].copy(), keys[:found].copy()


@compiled()
def _reach(alone: UInt8s, start: int, n: int, enough: int, weights: Weights) -> int:
    """One past the token at which text from `start` is heavy enough; -1 if it never is."""
    weight = 0
    for i in range(start, n):
        weight += weights.character if alone[i] else weights.word
        if weight >= enough:
            return i + 1
    return -1


@compiled()
def _hash(hashes: UInt64s, start: int, end: int) -> np.uint64:
    h = np.uint64(0)
    for i in range(start, end):
        h = h * BASE + hashes[i]
    return key64(h)


@compiled()
def _scan(points: UInt32s, offsets: Int64s, folded: UInt32s, role: UInt8s, table: Table, weights: Weights) -> Int64s:
    room = 1
    for text in range(offsets.size - 1):
        room = max(room, offsets[text + 1] - offsets[text])
    hashes, spans, alone = np.empty(room, np.uint64), np.empty((room, 2), np.int64), np.empty(room, np.uint8)
    powers = np.ones(weights.anchor // min(weights.character, weights.word) + 2, np.uint64)
    for i in range(1, powers.size):
        powers[i] = powers[i - 1] * BASE
    mask = np.uint64(table.seldom.size * 8 - 1)
    three, seven = np.uint64(3), np.uint64(7)
    found, n_found = np.empty((64, 4), np.int64), 0
    for text in range(offsets.size - 1):
        n = tokenise(points, offsets[text], offsets[text + 1], folded, role, hashes, spans, alone)
        # The anchor at a token is hashes[start:end], kept as a rolling hash.
        end, weight, h = 0, 0, np.uint64(0)
        for start in range(n):
            while end < n and weight < weights.anchor:
                weight += weights.character if alone[end] else weights.word
                h = h * BASE + hashes[end]
                end += 1
            if weight < weights.anchor:
                break
            anchor = key64(h)
            low = anchor & mask
            if table.seldom[low >> three] >> (low & seven) & 1:
                slot = slot_of(table.anchors, anchor)
                if table.anchors[slot] != EMPTY:
                    length, full = -1, np.uint64(0)
                    for window in range(table.first[slot], table.last[slot]):
                        if start + table.lengths[window] > n:
                            continue
                        if table.lengths[window] != length:
                            length = table.lengths[window]
                            full = _hash(hashes, start, start + length)
                        if full == table.hashes[window]:
                            if n_found == len(found):
                                found = np.concatenate((found, np.empty_like(found)))
                            found[n_found, DOCUMENT], found[n_found, WINDOW] = text, window
                            found[n_found, START] = spans[start, 0] - offsets[text]
                            found[n_found, END] = spans[start + length - 1, 1] - offsets[text]
                            n_found += 1
            h -= hashes[start] * powers[end - start - 1]
            weight -= weights.character if alone[start] else weights.word
    return found[:n_found].copy()
