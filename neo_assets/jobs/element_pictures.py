"""The table of the pictures of a batch's figures, tables and formulas: one row each, parts bounded by bytes.

A table and not files of the version: a batch has tens of thousands of pictures, and so many small objects make a
bucket slow and dear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.documents.model import PICTURE_SCHEMA
from neo_assets.lake.writer import VersionWriter, write_part

PICTURES = "pictures"
"""Name of the table."""
PART_ROWS, PART_BYTES = 5000, 1 << 26
"""A part is closed at either; pictures are compressed already, so memory and file are about as large."""


@dataclass
class PictureTable:
    """Takes pictures as a job's workers gave them, and writes them in the order of the elements that name them."""

    writer: VersionWriter
    part_rows: int = PART_ROWS
    part_bytes: int = PART_BYTES
    _found: dict[str, Path] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _bytes: int = 0
    _parts: int = 0

    def take(self, name: str, path: Path) -> None:
        """Remember where a picture lies, until the row that names it is put."""
        self._found[name] = path

    def put(self, row: dict[str, Any]) -> None:
        """Add the pictures of a row of elements. Memory: one part.

        Raises:
            KeyError: an element names a picture that was not taken.
        """
        for element in row["elements"] or ():
            if name := element["image"]:
                data = self._found.pop(name).read_bytes()
                self._rows.append({**{key: row[key] for key in ("doc_id", "url", "page")}, "name": name, "data": data})
                self._bytes += len(data)
                if len(self._rows) >= self.part_rows or self._bytes >= self.part_bytes:
                    self._close()

    def finish(self) -> None:
        """Write what is left; at least one part, be it empty.

        Raises:
            ValueError: pictures were taken that no element names.
        """
        if self._found:
            raise ValueError(f"no element names the pictures {sorted(self._found)[:3]}; build the elements again")
        if self._rows or not self._parts:
            self._close()

    def _close(self) -> None:
        table = pa.Table.from_pylist(self._rows, PICTURE_SCHEMA)
        self.writer.add(write_part(self.writer.store, self.writer.folder, PICTURES, self._parts, table))
        self._rows, self._bytes, self._parts = [], 0, self._parts + 1
