"""How large a unit of a page is: most files count in points, drawings of large formats in multiples of it (UserUnit).

PDFium neither uses nor tells it; but it copies it with a page. So a page is copied into a file of its own, where its
dictionary is not packed, and read there; and that only of files in which the word occurs at all.
"""

from __future__ import annotations

import ctypes
import mmap
import re
import zlib
from pathlib import Path
from typing import Any

WORD = b"/UserUnit"
MAX_UNIT = 1000.0
MAX_PACKED_BYTES, MAX_UNPACKED_BYTES = 1 << 18, 1 << 26
"""Of one stream of objects, and of all of a file, that are looked through."""
_PACKED = re.compile(rb"/ObjStm\b[^\x00]{0,2000}?stream\r?\n", re.DOTALL)
_UNIT = re.compile(rb"/UserUnit\s*(\d{0,6}(?:\.\d{0,6})?)")


def tells_units(path: Path) -> bool:
    """Whether a PDF may hold pages with a unit of their own. O(bytes)."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(WORD) >= 0:
            return True
        left = MAX_UNPACKED_BYTES
        for found in _PACKED.finditer(data):
            text = _unpacked(data[found.end() : found.end() + MAX_PACKED_BYTES], left)
            if WORD in text:
                return True
            left -= len(text)
            if left <= 0:
                return False
    return False


def unit_of(raw: Any, document: Any, number: int) -> float:
    """Points a unit of a page; 1 where it tells none, or none that can be."""
    one = raw.FPDF_CreateNewDocument()
    try:
        index = ctypes.c_int(number - 1)
        if not raw.FPDF_ImportPagesByIndex(one, document, index, 1, 0):
            return 1.0
        parts: list[bytes] = []

        def take(_: Any, data: Any, size: int) -> int:
            parts.append(ctypes.string_at(data, size))
            return 1

        writer = raw.FPDF_FILEWRITE(version=1)
        writer.WriteBlock = type(writer.WriteBlock)(take)
        raw.FPDF_SaveAsCopy(one, writer, raw.FPDF_NO_INCREMENTAL)
    finally:
        raw.FPDF_CloseDocument(one)
    found = _UNIT.search(b"".join(parts))
    unit = float(found.group(1)) if found and found.group(1).strip(b".") else 1.0
    return unit if 0 < unit <= MAX_UNIT else 1.0


def _unpacked(data: bytes, limit: int) -> bytes:
    """What a stream holds, up to a limit; nothing if it is packed otherwise or damaged."""
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:
        return b""
