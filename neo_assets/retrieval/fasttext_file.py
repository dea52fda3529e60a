"""fastText's model files, read without fastText: `.bin`, and `.ftz` whose rows are product-quantised.

A file is foreign data. Every number in it is checked, and every length compared with what is left of the file, before
anything is allocated; large arrays stay in the file and are read as they are used. The layout is that of version 12,
which all releases since 2017 write: little-endian numbers, one section after the other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

UInt8s = npt.NDArray[np.uint8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]

MAGIC, VERSION = 793712314, 12
SUPERVISED, SOFTMAX = 3, 3
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
MAX_BUCKETS, MAX_DIM, MAX_WORD_NGRAMS = 100_000_000, 65_536, 64
CENTROIDS = 256
_CHUNK_BYTES = 32 << 20


class FastTextFileError(Exception):
    """The file is no model of fastText, is damaged, or is of a kind that is not read here."""


@dataclass(frozen=True)
class Args:
    """Those settings of a model that say how a line becomes features."""

    dim: int
    word_ngrams: int
    buckets: int
    """Hash buckets of the n-grams; 0 where the model has none."""


@dataclass(frozen=True)
class DenseRows:
    """A matrix in the file: float32[rows, dim], not aligned."""

    values: Float32s

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    def rows(self, start: int, stop: int) -> Float32s:
        """A copy of these rows."""
        return np.array(self.values[start:stop], np.float32)


@dataclass(frozen=True)
class QuantisedRows:
    """A matrix as codes of the centroids of each stretch of columns, and of a norm that multiplies the row."""

    codes: UInt8s
    """[rows, stretches]"""
    centroids: tuple[Float32s, ...]
    """For each stretch: [256, its columns]."""
    norm_codes: UInt8s | None
    norms: Float32s
    """[256]; all 1 where rows have no norm."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.codes.shape[0], sum(one.shape[1] for one in self.centroids)

    def norms_of(self, start: int, stop: int) -> Float32s:
        """What multiplies each of these rows."""
        if self.norm_codes is None:
            return np.ones(stop - start, np.float32)
        return self.norms[self.norm_codes[start:stop]]

    def rows(self, start: int, stop: int) -> Float32s:
        """These rows as they were quantised: float32[stop - start, dim]."""
        codes = self.codes[start:stop]
        parts = [one[codes[:, number]] for number, one in enumerate(self.centroids)]
        return np.concatenate(parts, axis=1) * self.norms_of(start, stop)[:, None]


Rows = DenseRows | QuantisedRows


@dataclass(frozen=True)
class Model:
    """A supervised model: the rows of `input` are those of its words, then those of the buckets of n-grams."""

    args: Args
    words: tuple[bytes, ...]
    labels: tuple[bytes, ...]
    counts: Int64s
    """How often each word and then each label stood in the training text."""
    pruned: Int32s | None
    """[kept buckets, 2]: bucket, and its row behind the words; None where every bucket has its row."""
    input: Rows
    output: Rows
    """A row per label."""


def read_model(path: Path | str) -> Model:
    """The model in a file. Words are read at once; matrices stay in the file, mapped into memory.

    Raises:
        FastTextFileError: there is no such file, it is foreign, cut off or damaged, or it is a model without the
            linear form that is needed here: one of word vectors, with subwords, or with another loss than softmax.
    """
    file = Path(path)
    try:
        content = np.memmap(file, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise FastTextFileError(f"{file}: not readable as a model of fastText: {error}") from error
    try:
        return _model(_Reader(content))
    except FastTextFileError as error:
        raise FastTextFileError(f"{file}: {error}") from error


def chunks(rows: Rows) -> Iterator[tuple[int, int]]:
    """Stretches of rows that together take a bounded memory."""
    n_rows, dim = rows.shape
    step = max(1, _CHUNK_BYTES // (4 * dim))
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)


class _Reader:
    """Takes numbers and arrays from the content, never beyond its end."""

    def __init__(self, content: UInt8s) -> None:
        self.content, self.at = content, 0

    def take(self, n_bytes: int) -> UInt8s:
        left = self.content.size - self.at
        _require(0 <= n_bytes <= left, f"is cut off or damaged: {n_bytes} bytes wanted at {self.at}, {left} left")
        self.at += n_bytes
        return self.content[self.at - n_bytes : self.at]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")).tobytes())

    def number(self, layout: str) -> int:
        return int(self.numbers(layout)[0])

    def flag(self, meaning: str) -> bool:
        value = self.number("B")
        _require(value in (0, 1), f"is damaged: {meaning} is {value}, neither 0 nor 1")
        return value == 1

    def floats(self, n: int) -> Float32s:
        return self.take(4 * n).view(np.dtype("<f4"))

    def word(self) -> bytes:
        # A word ends in a zero byte; looking for it in steps keeps a file without zeros from being copied whole.
        parts = []
        while True:
            part = self.content[self.at : self.at + 256].tobytes()
            _require(bool(part), "is cut off or damaged: a word of its dictionary has no end")
            end = part.find(b"\0")
            self.at += len(part) if end < 0 else end + 1
            parts.append(part if end < 0 else part[:end])
            if end >= 0:
                return b"".join(parts)


def _model(reader: _Reader) -> Model:
    magic, version = reader.numbers("2i") if reader.content.size >= 8 else (0, 0)
    _require(magic == MAGIC, "is no model of fastText")
    _require(version == VERSION, f"is of version {version} of fastText's format; {VERSION} is read")
    args = _args(reader)
    size, n_words, n_labels, _, n_pruned = reader.numbers("3i2q")
    _require(min(n_words, n_labels) >= 0 and size == n_words + n_labels, "is damaged: words and labels do not add up")
    words, counts = _dictionary(reader, n_words, n_labels)
    pruned = _pruned(reader, n_pruned, args.buckets)
    quantised = reader.flag("whether the input is quantised")
    _require(quantised or pruned is None, "is of an old release: it left out features and is not quantised")
    rows = _matrix(reader, quantised, args.dim, n_words + (args.buckets if pruned is None else len(pruned)), "input")
    both = reader.flag("whether the output is quantised") and quantised
    output = _matrix(reader, both, args.dim, n_labels, "output")
    _require(reader.at == reader.content.size, f"is damaged: {reader.content.size - reader.at} bytes behind its end")
    return Model(args, words[:n_words], words[n_words:], counts, pruned, rows, output)


def _args(reader: _Reader) -> Args:
    dim, _, _, _, _, ngrams, loss, kind, buckets, _, longest, _, _ = reader.numbers("12id")
    _require(kind == SUPERVISED, "is a model of word vectors: a supervised one is needed")
    _require(loss in LOSSES, f"is damaged: it has the unknown loss {loss}")
    _require(loss == SOFTMAX, f"was trained with the loss {LOSSES.get(loss)}: only softmax is read")
    _require(longest <= 0, f"has subwords of up to {longest} characters: train it with maxn=0")
    _require(1 <= dim <= MAX_DIM, f"has {dim} dimensions: 1 to {MAX_DIM} are read")
    _require(1 <= ngrams <= MAX_WORD_NGRAMS, f"has n-grams of {ngrams} words: 1 to {MAX_WORD_NGRAMS} are read")
    _require(0 <= buckets <= MAX_BUCKETS, f"has {buckets} buckets: at most {MAX_BUCKETS} are read")
    _require(ngrams == 1 or buckets > 0, "is damaged: it has n-grams of words and no buckets")
    return Args(dim, ngrams, buckets)


def _dictionary(reader: _Reader, n_words: int, n_labels: int) -> tuple[tuple[bytes, ...], Int64s]:
    n = n_words + n_labels
    left = reader.content.size - reader.at
    _require(10 * n <= left, f"is cut off or damaged: {n} words cannot stand in {left} bytes")
    words, counts = [], np.zeros(n, np.int64)
    for number in range(n):
        words.append(reader.word())
        counts[number], kind = reader.numbers("qb")
        _require(kind == (number >= n_words), "is damaged: its dictionary does not hold words and then labels")
    return tuple(words), counts


def _pruned(reader: _Reader, n: int, buckets: int) -> Int32s | None:
    if n < 0:
        return None
    _require(n <= buckets, f"is damaged: it keeps {n} of {buckets} buckets")
    pairs: Int32s = np.array(reader.take(8 * n).view(np.dtype("<i4")).reshape(n, 2), np.int32)
    for values, end, meaning in ((pairs[:, 0], buckets, "buckets"), (pairs[:, 1], n, "rows of buckets")):
        valid = n == 0 or (values.min() >= 0 and values.max() < end and np.unique(values).size == n)
        _require(bool(valid), f"is damaged: its {meaning} do not fit")
    return pairs


def _matrix(reader: _Reader, quantised: bool, dim: int, n_rows: int, name: str) -> Rows:
    normed = quantised and reader.flag("whether rows have norms")
    rows, columns = reader.numbers("2q")
    fits = f"is damaged: its {name} is {rows} x {columns}, not {n_rows} x {dim}"
    _require((rows, columns) == (n_rows, dim), fits)
    if not quantised:
        return DenseRows(reader.floats(rows * columns).reshape(rows, columns))
    n_codes = reader.number("i")
    codes = reader.take(n_codes)
    centroids = _centroids(reader, dim)
    _require(n_codes == rows * len(centroids), f"is damaged: its {name} has {n_codes} codes")
    codes = codes.reshape(rows, len(centroids))
    if not normed:
        return QuantisedRows(codes, centroids, None, np.ones(CENTROIDS, np.float32))
    norm_codes = reader.take(rows)
    return QuantisedRows(codes, centroids, norm_codes, _centroids(reader, 1)[0][:, 0])


def _centroids(reader: _Reader, dim: int) -> tuple[Float32s, ...]:
    columns, parts, size, last = reader.numbers("4i")
    sound = columns == dim and size >= 1 and 1 <= last <= size and parts >= 1 and (parts - 1) * size + last == dim
    _require(sound, "is damaged: its centroids do not fit its dimensions")
    values = np.array(reader.floats(dim * CENTROIDS), np.float32)
    whole = CENTROIDS * size
    return tuple(
        values[number * whole : (number + 1) * whole].reshape(CENTROIDS, size if number < parts - 1 else last)
        for number in range(parts)
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise FastTextFileError(message)
