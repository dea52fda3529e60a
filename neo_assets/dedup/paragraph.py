"""Paragraphs that already stand elsewhere: over all documents the first occurrence of a paragraph stays.

A paragraph is what stands between line feeds (only U+000A splits), compared as it is, by its 128-bit BLAKE2b digest.
Occurrences are ordered by (precedence of the document, position in it). What is left of a document is its remaining
paragraphs, joined by line feeds. Source: MAP-Neo Matrix, English paragraph deduplication.

Empty and very short paragraphs are exempt (`exempt_chars`): they always stay and are not in the index. With
`exempt_chars` 0 every paragraph counts, so that of all blank lines of a corpus one stays, as released. Unlike the
released code all columns are kept, and the digest has 128 bits instead of 256: that any two different ones among 10^12
paragraphs share a digest has a probability of 1.5e-15.

Running the stage on its own result changes nothing, provided `min_document_chars` is at least 1: every paragraph left
is the only one. (A document of which nothing is left would count as one empty paragraph.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.compiled import compiled
from neo_assets.dedup.blake2b import DIGEST_BYTES, digests
from neo_assets.dedup.cuts import PARAGRAPH_CUTS, cuts_from, judged
from neo_assets.dedup.survivors import PRECEDENCE, ids_of
from neo_assets.recipe.dedup import ParagraphSettings

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
UInt8s = npt.NDArray[np.uint8]

PARAGRAPH_SCHEMA = pa.schema([(PRECEDENCE, pa.string()), ("position", pa.int32()), ("key", pa.binary())])
"""The index: each paragraph that is not exempt, with its document, its place there and its digest of 16 bytes."""

REPEATS = "repeats"
"""Column of `ParagraphCuts`: a list of "<position> <precedence of the first occurrence>" per document, in any order."""

_LINE_FEED = 10
_CONTINUATION, _IS_CONTINUATION = 0xC0, 0x80


@dataclass(frozen=True)
class ParagraphRows:
    """Kernel: (precedence, text, …) → `PARAGRAPH_SCHEMA`, in the order of documents and positions.

    Linear in the texts; nothing is made a Python object.
    """

    settings: ParagraphSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        data, offsets = utf8(batch.column("text"))
        owners, positions, starts, ends = _indexed(data, offsets, self.settings.exempt_chars)
        keys = np.ascontiguousarray(digests(data, starts, ends).astype("<u8", copy=False))
        bounds = np.arange(owners.size + 1, dtype=np.int32) * np.int32(DIGEST_BYTES)
        return pa.RecordBatch.from_arrays(
            [
                batch.column(PRECEDENCE).cast(pa.string()).take(pa.array(owners)),
                pa.array(positions, pa.int32()),
                pa.BinaryArray.from_buffers(pa.binary(), owners.size, [None, pa.py_buffer(bounds), pa.py_buffer(keys)]),
            ],
            schema=PARAGRAPH_SCHEMA,
        )


@dataclass(frozen=True)
class ParagraphCuts:
    """Kernel: documents with `repeats` → the same without it, cut and judged (see `cuts.judged`).

    A paragraph goes with the line feed before it or, where no paragraph stays before it, with the one after it.
    """

    settings: ParagraphSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        repeats = batch.column(REPEATS)
        data, offsets = utf8(batch.column("text"))
        counts = pc.fill_null(pc.list_value_length(repeats), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        owners = np.repeat(np.arange(batch.num_rows, dtype=np.int64), counts)
        positions, firsts = _parsed(repeats.flatten().cast(pa.string()))
        order = np.lexsort((positions, owners))
        ends_of_rows = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        starts, ends = _spans(data, offsets, ends_of_rows, positions[order])
        filled = ends > starts  # an empty text is one empty paragraph: nothing to cut
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(filled)])[ends_of_rows]
        survivors = ids_of(firsts.take(pa.array(order[filled])))
        cuts = cuts_from(bounds, starts[filled], ends[filled], survivors)
        documents = batch.drop_columns([REPEATS])
        return judged(documents, PARAGRAPH_CUTS, cuts, self.settings.min_document_chars)


def utf8(texts: pa.Array) -> tuple[UInt8s, Int64s]:
    """(bytes, offsets): text i is bytes[offsets[2 i]:offsets[2 i + 1]]; a null is as long as -1.

    No copy of the texts; they may be `string` or `large_string`, sliced or not.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    _, ends, content = texts.buffers()
    bounds = np.zeros(2 * len(texts), np.int64)
    if len(texts):
        width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        given = np.frombuffer(ends, width)[texts.offset : texts.offset + len(texts) + 1]
        bounds[0::2], bounds[1::2] = given[:-1], given[1:]
        missing = texts.is_null().to_numpy(zero_copy_only=False)
        bounds[1::2][missing] = bounds[0::2][missing] - 1
    return np.frombuffer(content or b"", np.uint8), bounds


def _parsed(repeats: pa.Array) -> tuple[Int64s, pa.Array]:
    """The positions and the precedences in "<position> <precedence>"."""
    position = pc.replace_substring_regex(repeats, " .*", "").cast(pa.int64())
    first = pc.replace_substring_regex(repeats, "^[0-9]+ ", "")
    return position.to_numpy(zero_copy_only=False), first


@compiled()
def _indexed(data: UInt8s, offsets: Int64s, exempt_chars: int) -> tuple[Int64s, Int32s, Int64s, Int64s]:
    """(document, position, start, end in bytes) of each paragraph that is not exempt."""
    n_documents = offsets.size // 2
    room = 0
    for document in range(n_documents):
        room += offsets[2 * document + 1] >= offsets[2 * document]
        for place in range(offsets[2 * document], offsets[2 * document + 1]):
            room += data[place] == _LINE_FEED
    owners, positions = np.empty(room, np.int64), np.empty(room, np.int32)
    starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
    n = 0
    for document in range(n_documents):
        start, stop = offsets[2 * document], offsets[2 * document + 1]
        position = 0
        for end in range(start, stop + 1):
            if end < stop and data[end] != _LINE_FEED:
                continue
            if exempt_chars == 0 or _long_enough(data, start, end, exempt_chars):
                owners[n], positions[n], starts[n], ends[n] = document, position, start, end
                n += 1
            position += 1
            start = end + 1
    return owners[:n].copy(), positions[:n].copy(), starts[:n].copy(), ends[:n].copy()


@compiled()
def _long_enough(data: UInt8s, start: int, end: int, n_chars: int) -> bool:
    """Whether so many characters are left without the whitespace (`str.isspace`) at both ends."""
    while start < end:
        width = _space_at(data, start, end)
        if width == 0:
            break
        start += width
    while start < end:
        last = end - 1
        while last > start and data[last] & _CONTINUATION == _IS_CONTINUATION:
            last -= 1
        if _space_at(data, last, end) == 0:
            break
        end = last
    for place in range(start, end):
        n_chars -= data[place] & _CONTINUATION != _IS_CONTINUATION
        if n_chars <= 0:
            return True
    return n_chars <= 0


@compiled()
def _space_at(data: UInt8s, place: int, end: int) -> int:
    """Bytes of the whitespace character that begins here, 0 if none does."""
    first = int(data[place])
    if first < 0x80:
        return 1 if is_space(first) else 0
    if first == 0xC2 and place + 1 < end:
        return 2 if is_space(int(data[place + 1])) else 0
    if first < 0xE1 or first > 0xE3 or place + 2 >= end:
        return 0
    point = (first & 15) << 12 | (int(data[place + 1]) & 63) << 6 | (int(data[place + 2]) & 63)
    return 3 if is_space(point) else 0


@compiled(inline="always")
def is_space(point: int) -> bool:
    """Whether `str.isspace` holds for the code point."""
    if point < 0x1680:
        return point == 32 or 9 <= point <= 13 or 28 <= point <= 31 or point == 0x85 or point == 0xA0
    if point <= 0x200A:
        return point == 0x1680 or point >= 0x2000
    return point == 0x2028 or point == 0x2029 or point == 0x202F or point == 0x205F or point == 0x3000


@compiled()
def _spans(data: UInt8s, offsets: Int64s, repeat_offsets: Int64s, positions: Int64s) -> tuple[Int32s, Int32s]:
    """(start, end) in characters of what to cut for each repeated paragraph; positions ascend within a document.

    Reads only documents with repeats, each once.
    """
    starts, ends = np.zeros(positions.size, np.int32), np.zeros(positions.size, np.int32)
    for document in range(repeat_offsets.size - 1):
        i, last = repeat_offsets[document], repeat_offsets[document + 1]
        stop = offsets[2 * document + 1]
        position, start, n_chars, stays = 0, 0, 0, False
        for place in range(offsets[2 * document], stop + 1):
            if i == last:
                break
            if place < stop and data[place] != _LINE_FEED:
                n_chars += data[place] & _CONTINUATION != _IS_CONTINUATION
                continue
            if positions[i] == position:
                starts[i] = start - stays
                ends[i] = n_chars + (not stays and place < stop)
                i += 1
            else:
                stays = True
            position += 1
            n_chars += 1
            start = n_chars
    return starts, ends
