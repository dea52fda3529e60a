"""Documents out of data sets of rows (JSON lines, Parquet, RedPajama-V2) as rows of an import."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.redpajama import DOCUMENTS_END, SHIPPED, SIGNALS_END, redpajama_records, shipped_value
from neo_assets.text.source_files import Record, UnusableFileError, checked
from neo_assets.text.source_rows import json_records, parquet_records
from neo_assets.web.archive.members import DamageError, members
from neo_assets.web.archive.warcrecords import Fault
from neo_assets.web.archive.window import Window
from neo_assets.web.imports.dumps import PLACE, Dump, Row, Tally
from neo_assets.web.imports.remote import RemoteError, is_local, local_path, opened, stamp

SIGNALS = "signals"
"""Key of a row: the annotations that the data set ships."""
PACKED = (".gz", ".zst")
NAME_PARTS = 3
"""So many parts of a RedPajama file's path are in its documents' ids."""


def data_rows(dump: Dump, path: str, scratch: Path, tally: Tally) -> Iterator[Row]:
    """A row for each record of one file. `scratch` takes a copy of a file that is not on disk.

    A compressed file that is cut off or damaged gives the lines before that; `tally` tells.

    Raises:
        RemoteError: the file cannot be had.
        UnusableFileError: it is not what the recipe says.
        OSError, pyarrow.ArrowException: it cannot be read.
    """
    file = _staged(dump, path, scratch)
    records = _records(dump, file)
    n_given = 0
    try:
        for record in records:
            n_given += 1
            yield _row(dump, path, record, tally)
    except (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException, OSError):
        if file.suffix not in PACKED:
            raise
        saved = _saved(dump, file, scratch / "saved", tally)
        for record in itertools.islice(_records(dump, saved), n_given, None):
            yield _row(dump, path, record, tally)


def _records(dump: Dump, file: Path) -> Iterator[Record]:
    settings = dump.settings
    source = SourceSettings(
        kind=settings.kind,
        path=file.name,
        fields=settings.fields,
        max_record_bytes=settings.max_record_bytes,
        licence=settings.licence,
    )
    match settings.kind:
        case "redpajama":
            return redpajama_records(file, source)
        case "parquet":
            names = pq.read_schema(file).names
            return parquet_records(file, source, {name: SHIPPED[name] for name in SHIPPED if name in names})
        case _:
            return json_records(file, source)


def _row(dump: Dump, path: str, record: Record, tally: Tally) -> Row:
    tally.n_records += 1
    record = checked(record, dump.settings.max_record_bytes)
    if record.fault is not None or record.text is None:
        fault = record.fault
        found = Fault(fault.rule, fault.reason, fault.value, fault.threshold) if fault else Fault("text", "no text")
        return dump.quarantined(path, record.place, found)
    row = dump.kept_or_short(
        path,
        record.place,
        record.url or f"{path}#{record.identity}",
        {
            "title": record.title,
            "text": record.text,
            "date": record.day,
            "declared_language": record.language,
            "charset": "utf-8",
            "extractor": dump.settings.kind,
            "payload_digest": hashlib.sha256(record.text.encode()).hexdigest(),
        },
    )
    if record.language_score is not None:
        row |= {"language": record.language, "language_score": record.language_score}
    if record.shipped:
        row[SIGNALS] = {name: shipped_value(name, value) for name, value in record.shipped.items()}
    return row | {PLACE: record.place}


def _staged(dump: Dump, path: str, scratch: Path) -> Path:
    """The file on disk; of RedPajama's, the signals lie beside it."""
    if is_local(path):
        return local_path(path)
    file = scratch / Path(*path.split("/")[-NAME_PARTS:])
    _copied(path, file)
    if dump.settings.kind == "redpajama":
        _copied(_signals_of(path), file.with_name(file.name.removesuffix(DOCUMENTS_END) + SIGNALS_END))
    return file


def _copied(path: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with opened(path) as stream, file.open("wb") as target:
        shutil.copyfileobj(stream, target, 1 << 20)


def _signals_of(path: str) -> str:
    """Where a store has the quality signals of a documents file: below `quality_signals`, or beside it."""
    beside = path.removesuffix(DOCUMENTS_END) + SIGNALS_END
    moved = "/quality_signals/".join(beside.rsplit("/documents/", 1))
    try:
        stamp(moved)
    except RemoteError:
        return beside
    return moved


def _saved(dump: Dump, file: Path, folder: Path, tally: Tally) -> Path:
    """What can be unpacked of a damaged file, and of its signals, under the same names."""
    if dump.settings.kind != "redpajama":
        return _rescued(file, folder / file.stem, tally)
    target = folder / Path(*file.parts[-NAME_PARTS:])
    signals = file.name.removesuffix(DOCUMENTS_END) + SIGNALS_END
    beside = file.with_name(signals)
    other = beside if beside.exists() else Path("/quality_signals/".join(str(beside).rsplit("/documents/", 1)))
    if not other.exists():
        raise UnusableFileError(f"has no signals file {signals} beside it or below quality_signals")
    _rescued(other, target.with_name(signals), tally)
    return _rescued(file, target, tally)


def _rescued(file: Path, target: Path, tally: Tally) -> Path:
    """Copy a file up to its damage, compressed if the target's name says so."""
    target.parent.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with (
        file.open("rb") as stream,
        gzip.open(target, "wb", 1) if target.suffix == ".gz" else target.open("wb") as saved,
    ):
        for member in members(Window(stream, 0), faults):
            if member.plain:
                faults.append("it is not compressed, as its name says")
            try:
                while piece := member.read():
                    saved.write(piece)
            except DamageError as error:
                tally.faults.append(f"{file.name}: the member at offset {member.offset} {error}")
    tally.faults += [f"{file.name}: {fault}" for fault in faults]
    return target
