"""RedPajama-V2 as it is published: pairs of files, documents and quality signals, and judging by what they ship.

A document's id is the last three parts of its file's name and its line, counted from 0: the fourth line of
`documents/2023-06/0000/en_head.json.gz`, or of a file with `__` for the slashes, is `2023-06/0000/en_head.json.gz/3`.
Its signals are lists of (start, end, value) over the text; a document-wide one has a single entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.sources import FieldNames, SourceSettings
from neo_assets.text.source_files import Fault, Record, UnusableFileError
from neo_assets.text.source_rows import json_objects, record_of

DOCUMENTS_END, SIGNALS_END = ".json.gz", ".signals.json.gz"
PREFIX = "shipped_"
LINE_SIGNALS = (
    "ending_with_terminal_punctution_mark", "javascript_counts", "num_words", "numerical_chars_fraction",
    "start_with_bulletpoint", "uppercase_letter_fraction",
)  # fmt: skip
DOCUMENT_SIGNALS = (
    "books_importance", "openwebtext_importance", "wikipedia_importance", "ml_wikiref_score", "ml_palm_score",
    "ml_wikipedia_score", "curly_bracket", "frac_all_caps_words", "frac_lines_end_with_ellipsis", "frac_no_alph_words",
    "lorem_ipsum", "mean_word_length", "stop_word_fraction", "symbol_to_word_ratio", "frac_unique_words",
    "unigram_entropy", "word_count", "num_sentences", *(f"frac_chars_dupe_{n}grams" for n in range(5, 11)),
    *(f"frac_chars_top_{n}gram" for n in (2, 3, 4)), "ldnoobw_words", "ut1_blacklist",
)  # fmt: skip
CCNET_SIGNALS = (
    "bucket", "language_score", "length", "nlines", "original_length", "original_nlines", "perplexity",
)  # fmt: skip
SHIPPED: dict[str, pa.DataType] = {
    **{f"ccnet_{name}": pa.float64() for name in CCNET_SIGNALS},
    **{f"rps_doc_{name}": pa.float64() for name in DOCUMENT_SIGNALS},
    **{f"rps_lines_{name}": pa.list_(pa.float32()) for name in LINE_SIGNALS},
}
"""The 42 annotations of RedPajama-V2, by their published names."""
BUCKETS = {"head": 0.0, "middle": 1.0, "tail": 2.0}
_FIELDS = FieldNames(text="raw_content", date="date_download")


def redpajama_records(file: Path, settings: SourceSettings) -> Iterator[Record]:
    """The documents of one file with their signals; a document without signals is quarantined.

    Both files are read once, side by side, in memory of one record.

    Raises:
        UnusableFileError: it has no signals file, or that one is not in the documents' order.
    """
    name = _base_name(file)
    signals = _Signals(_signals_file(file), name, settings.max_record_bytes)
    for line, found in json_objects(file, settings.max_record_bytes):
        if isinstance(found, Fault):
            yield Record(line.place, fault=found)
            continue
        shipped = signals.of(line.number - 1)
        record = record_of(found, _FIELDS, line.place, line.number)
        if record.fault is None and shipped is None:
            record = Record(line.place, fault=Fault("signals", f"no signals with id {name}/{line.number - 1}"))
        if record.fault is None:
            language, score = found.get("language"), found.get("language_score")
            record = record._replace(
                identity=f"{name}/{line.number - 1}",
                shipped=shipped,
                language=language if isinstance(language, str) else None,
                language_score=_number(score),
            )
        yield record
    signals.finish()


def shipped_value(name: str, value: object) -> float | list[float | None] | None:
    """An annotation in the type of `SHIPPED`, from a plain value or from (start, end, value) triples; else null."""
    if name.startswith("rps_lines_"):
        return [_number(_last(entry)) for entry in value] if isinstance(value, list) else None
    if isinstance(value, list):
        value = _last(value[0]) if value else None
    return BUCKETS.get(value) if isinstance(value, str) else _number(value)


@dataclass(frozen=True)
class PreferShipped:
    """Kernel: where a data set ships an annotation, it takes the place of ours of the same name.

    Columns `shipped_<name>` disappear; the column `shipped` lists, per row, which signals were taken over. Without
    such columns it only adds the empty list, so that all sources have the same columns. Matrix's rule A3 divides
    the shipped bullet lines by the shipped number of lines, so `frac_lines_bullet` follows them.
    """

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = [name for name in SHIPPED if PREFIX + name in batch.schema.names]
        given = {name: batch.column(PREFIX + name) for name in names}
        if {"rps_lines_start_with_bulletpoint", "ccnet_nlines"} <= given.keys():
            lines = given["rps_lines_start_with_bulletpoint"], given["ccnet_nlines"]
            given["frac_lines_bullet"] = _share_of_lines(*lines)
        for name, values in given.items():
            batch = _replaced(batch, name, values)
        batch = batch.select([name for name in batch.schema.names if not name.startswith(PREFIX)])
        return batch.append_column("shipped", _names_of(given, batch.num_rows))


class _Signals:
    """The signals file beside a documents file, read forward only."""

    def __init__(self, file: Path, name: str, max_bytes: int) -> None:
        self._file, self._name = file, name
        self._rows = json_objects(file, max_bytes)
        self._next: tuple[int, Mapping[str, Any]] = (-1, {})

    def of(self, index: int) -> dict[str, Any] | None:
        """The annotations of the document with that index, or None; indices must ascend."""
        while self._next[0] < index and self._advance():
            pass
        signals = self._next[1].get("quality_signals")
        if self._next[0] != index or not isinstance(signals, dict):
            return None
        return {name: shipped_value(name, signals.get(name)) for name in SHIPPED}

    def finish(self) -> None:
        """Read the rest, so that damage and disorder show there too."""
        while self._advance():
            pass

    def _advance(self) -> bool:
        """Go to the next signals that can be read; those of a broken line are missed, and told, by their document."""
        found = next((row for _, row in self._rows if not isinstance(row, Fault)), None)
        if found is None:
            return False
        before, self._next = self._next[0], (self._index(found), found)
        if self._next[0] <= before:
            what = f"document {self._next[0]} after {before}"
            raise UnusableFileError(f"has signals ({self._file.name}) in another order: {what}; sort them by id")
        return True

    def _index(self, signals: Mapping[str, Any]) -> int:
        base, _, index = str(signals.get("id")).rpartition("/")
        if base != self._name or not index.isdecimal():
            raise UnusableFileError(
                f"has signals ({self._file.name}) for {signals.get('id')!r}, not for {self._name}/…; "
                "rename the files as they are published"
            )
        return int(index)


def _base_name(file: Path) -> str:
    """The document ids' first part: three parts of the name, or of the path where the name has fewer."""
    return "/".join(file.as_posix().replace("__", "/").split("/")[-3:])


def _signals_file(file: Path) -> Path:
    """Beside the documents, or in the folder `quality_signals` where those stand in `documents`."""
    beside = file.with_name(file.name.removesuffix(DOCUMENTS_END) + SIGNALS_END)
    moved = [
        Path(*beside.parts[:at], "quality_signals", *beside.parts[at + 1 :])
        for at, part in enumerate(beside.parts)
        if part == "documents"
    ]
    found = next((path for path in (beside, *reversed(moved)) if path.exists()), None)
    if found is None:
        raise UnusableFileError(f"has no signals file {beside.name} beside it or below quality_signals")
    return found


def _last(entry: object) -> object:
    return entry[-1] if isinstance(entry, list | tuple) and entry else entry


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None


def _share_of_lines(flags: pa.Array, n_lines: pa.Array) -> pa.Array:
    """Sum of a line-level signal over the number of lines; null where either is missing or there is no line."""
    sums = pa.array([None if row is None else float(np.nansum(row)) for row in flags.to_numpy(False)], pa.float64())
    return pc.divide(sums, pc.if_else(pc.greater(n_lines, 0), n_lines, pa.scalar(None, pa.float64())))


def _replaced(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    index = batch.schema.get_field_index(name)
    if index < 0:
        return batch.append_column(name, values)
    ours = batch.column(index)
    return batch.set_column(index, batch.schema.field(index), pc.coalesce(values.cast(ours.type, safe=False), ours))


def _names_of(given: Mapping[str, pa.Array], n_rows: int) -> pa.Array:
    """Per row, the names whose value is there."""
    names = pa.array(given, pa.string())
    there = np.zeros((len(given), n_rows), np.bool_)
    for row, values in enumerate(given.values()):
        there[row] = values.is_valid().to_numpy(False)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=0, dtype=np.int32))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(np.nonzero(there.T)[1])))
