"""Appending signals to documents: batches cut into stretches of bounded memory, measured, and put together again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.text.signals import QUALITY_SIGNAL, Measured, Signal

if TYPE_CHECKING:
    from neo_assets.text.units import Units

CHARS_AT_ONCE = 1_000_000
"""Texts measured together have about so many characters: 30 bytes of memory each, and what fits a cache well."""


class Models(Protocol):
    """What gives `MODEL_SIGNALS` of texts, from code points and words."""

    def measure(
        self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], words: Units
    ) -> dict[str, npt.NDArray[Any]]: ...


class UrlCategories(Protocol):
    """What names the category of a listed address."""

    def categories(self, urls: Sequence[str | None]) -> list[int | None]: ...


class Quality(Protocol):
    """What scores texts."""

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]: ...


@dataclass(frozen=True)
class Annotate(ABC):
    """What the annotating kernels of both languages share.

    Signals of models and URL lists that are not given are null.
    """

    SIGNALS: ClassVar[tuple[Signal, ...]]
    stop_words: tuple[str, ...]
    bad_words: tuple[str, ...]
    urls: UrlCategories | None = None
    models: Models | None = None
    quality: Quality | None = None

    @abstractmethod
    def measure_texts(self, texts: Sequence[str]) -> tuple[Measured, Units]:
        """The signals of texts that need no model, and their words."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        signals = self.SIGNALS if self.quality is None else (*self.SIGNALS, QUALITY_SIGNAL)
        return append_signals(batch, signals, self._measure)

    def _measure(self, batch: pa.RecordBatch, texts: list[str]) -> Measured:
        from neo_assets.text.units import code_points

        measured, words = self.measure_texts(texts)
        measured["ccnet_language_score"] = batch.column("language_score")
        if self.models is not None:
            measured |= self.models.measure(*code_points(texts), words)
        if self.urls is not None:
            measured["rps_doc_ut1_blacklist"] = pa.array(self.urls.categories(batch.column("url").to_pylist()))
        if self.quality is not None:
            measured["quality_score"] = self.quality.scores(texts)
        return measured


def append_signals(
    batch: pa.RecordBatch, signals: Sequence[Signal], measure: Callable[[pa.RecordBatch, list[str]], Measured]
) -> pa.RecordBatch:
    """The batch with one column per signal, each null where the text is null or the signal was not measured.

    A column that already has a signal's name, such as the length of a page as extracted, gives way to it. `measure` is
    called with a few rows and their texts at a time, a null text as an empty one.
    """
    names = {signal.name for signal in signals}
    texts = batch.column("text").to_pylist()
    missing = pc.is_null(batch.column("text"))
    found: dict[str, list[pa.Array]] = {signal.name: [] for signal in signals}
    for start, end in _stretches(texts):
        measured = measure(batch.slice(start, end - start), [text or "" for text in texts[start:end]])
        for signal in signals:
            found[signal.name].append(_column(measured.get(signal.name), signal, end - start))
    batch = batch.select([name for name in batch.schema.names if name not in names])
    for signal in signals:
        column = pa.concat_arrays(found[signal.name]) if found[signal.name] else pa.array([], signal.type)
        column = pc.if_else(missing, pa.scalar(None, signal.type), column) if missing.true_count else column
        field = pa.field(signal.name, signal.type, metadata={b"meaning": signal.meaning.encode()})
        batch = batch.append_column(field, column)
    return batch


def _stretches(texts: Sequence[str | None]) -> Iterator[tuple[int, int]]:
    """(start, end) of stretches of texts of about `CHARS_AT_ONCE`."""
    start, n_chars = 0, 0
    for i, text in enumerate(texts):
        n_chars += len(text or "")
        if n_chars >= CHARS_AT_ONCE or i == len(texts) - 1:
            yield start, i + 1
            start, n_chars = i + 1, 0


def _column(values: Any, signal: Signal, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, signal.type)
    if isinstance(values, pa.Array):
        return values.cast(signal.type)
    if isinstance(values, np.ndarray):
        return pa.array(values, signal.type, from_pandas=True)  # NaN, such as the perplexity of nothing, is null
    return pa.array(values, signal.type)
