"""Personal data replaced by typed markers: e-mail addresses, public IP addresses, telephone and identity card numbers.

What was removed is recorded by kind and position in the text as it came; the removed characters themselves are kept
nowhere. Of overlapping finds the one of the kind first in `PRIORITY` stays, of one kind the one that begins first,
then the longer. The redacted text is searched again until nothing is found, so that redaction is idempotent.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.corpus import PiiSettings
from neo_assets.text.addresses import emails, ipv4_addresses, ipv6_addresses
from neo_assets.text.identity_card import identity_cards
from neo_assets.text.phones import phones
from neo_assets.text.pii_scan import AT, COLONS, NUMBER, candidates

PRIORITY = ("email", "id_card", "ip", "phone")
"""Kinds, the surer first: an address holds digits, a valid card number might hold a telephone number."""

SPANS_TYPE = pa.list_(
    pa.struct([pa.field("kind", pa.string()), pa.field("start", pa.int32()), pa.field("end", pa.int32())])
)
_MARGIN = 96
"""Characters around a candidate that the patterns see: more than any of them looks back or an address is long."""
FOLD = {point: point - 0xFEE0 for point in range(0xFF01, 0xFF5F)} | dict.fromkeys(range(0x2010, 0x2015), 0x2D)
FOLD |= {0xA0: 0x20, 0x3000: 0x20, 0x09: 0x20}
"""Full-width forms, dashes and spaces, each to one ASCII character, so that places stay."""

UInt8s = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.signedinteger[Any]]
Finder = Callable[[str], Iterator[tuple[int, int]]]
FINDERS: Mapping[int, tuple[tuple[str, Finder], ...]] = {  # what to look for at each kind of candidate
    AT: (("email", emails),),
    NUMBER: (("id_card", identity_cards), ("ip", ipv4_addresses), ("phone", phones)),
    COLONS: (("ip", ipv6_addresses),),
}


class Span(NamedTuple):
    """Personal data of one kind: `text[start:end]`."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class RedactPii:
    """Kernel: `text` with markers in place of personal data, and a column `pii` of what stood where."""

    settings: PiiSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text")
        data, offsets = _utf8(texts)
        spans: list[list[Span]] = [[] for _ in range(len(texts))]
        changed: dict[int, str] = {}
        markers: dict[str, str] = dict(self.settings.markers.items())
        for row in np.unique(candidates(data, offsets)[:, 0]).tolist():
            redacted, spans[row] = redact(texts[row].as_py(), markers)
            if spans[row]:
                changed[row] = redacted
        if changed:
            texts = pa.array([changed.get(row, value) for row, value in enumerate(texts.to_pylist())], texts.type)
        place = batch.schema.get_field_index("text")
        found = pa.array([[span._asdict() for span in row] for row in spans], SPANS_TYPE)
        return batch.set_column(place, batch.schema.field(place), texts).append_column("pii", found)


@dataclass(frozen=True)
class PiiPlaces:
    """Kernel: of rows with `subset`, `doc_id` and `pii` one for each place: the first two and its `kind`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        spans = batch.column("pii")
        rows = batch.select(["subset", "doc_id"]).take(pc.list_parent_indices(spans))
        return rows.append_column("kind", pc.struct_field(pc.list_flatten(spans), "kind"))


def redact(text: str, markers: Mapping[str, str]) -> tuple[str, list[Span]]:
    """The text with markers, and what they stand for, by position in the text as given.

    Args:
        markers: marker by kind; kinds without one are left alone.
    """
    spans: list[Span] = []
    redacted = text
    while found := find(redacted, markers):
        spans = sorted([*spans, *_original(found, spans, markers)], key=lambda span: span.start)
        redacted = _replaced(text, spans, markers)
    return redacted, spans


def find(text: str, kinds: Iterable[str]) -> list[Span]:
    """Personal data of these kinds, in order, without overlaps."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    wanted = set(kinds)
    found: set[Span] = set()
    for _, candidate, start, end in candidates(data, np.array([0, data.size])).tolist():
        first = max(0, start - _MARGIN)
        window = text[first : end + _MARGIN].translate(FOLD)
        for kind, finder in FINDERS[candidate]:
            spans = (Span(kind, first + a, first + b) for a, b in finder(window))
            found |= {span for span in spans if span.start < end and start < span.end}
    return [span for span in _without_overlaps(found) if span.kind in wanted]


def _without_overlaps(spans: Iterable[Span]) -> list[Span]:
    taken: list[Span] = []  # in order of their starts
    for span in sorted(spans, key=lambda s: (PRIORITY.index(s.kind), s.start, s.start - s.end)):
        place = bisect(taken, span.start, key=lambda other: other.start)
        if (place == 0 or taken[place - 1].end <= span.start) and (
            place == len(taken) or span.end <= taken[place].start
        ):
            taken.insert(place, span)
    return taken


def _replaced(text: str, spans: Iterable[Span], markers: Mapping[str, str]) -> str:
    pieces, last = [], 0
    for span in spans:
        pieces += [text[last : span.start], markers[span.kind]]
        last = span.end
    return "".join([*pieces, text[last:]])


def _original(found: Iterable[Span], spans: Iterable[Span], markers: Mapping[str, str]) -> Iterator[Span]:
    """Finds in a text in which `spans` were replaced, by their places before; none of them touches a marker."""
    for kind, start, end in found:
        shift = 0
        for span in spans:
            if start < span.start + shift + len(markers[span.kind]):
                break
            shift += len(markers[span.kind]) - (span.end - span.start)
        yield Span(kind, start - shift, end - shift)


def _utf8(texts: pa.Array) -> tuple[UInt8s, Offsets]:
    """The bytes of a string column and where each text starts and ends; nulls are empty."""
    if texts.null_count:
        texts = texts.fill_null("")
    wide = pa.types.is_large_string(texts.type)
    _, places, data = texts.buffers()
    offsets: Offsets = np.frombuffer(places, np.int64) if wide else np.frombuffer(places, np.int32)
    data = np.frombuffer(data if data is not None else b"", np.uint8)
    return data, offsets[texts.offset : texts.offset + len(texts) + 1]
