"""What is in a file, found out by opening it; runs in a child process (`sandbox`)."""

from __future__ import annotations

import ctypes
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.media import PDF, Media, media_of
from neo_assets.recipe.documents import FileLimits

MAX_META_CHARS = 1000
_DATE = re.compile(r"^(?:D:)?(\d{4})(\d{2})?(\d{2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]+")
_PASSWORD, _SECURITY = 4, 5
DECODER_ERRORS = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, SyntaxError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What PIL's decoders raise over damaged files."""
_DAMAGED = "the file is damaged or breaks off; fetch it again or repair it"


def facts(path: Path, limits: FileLimits) -> dict[str, Any]:
    """Medium, ending, number of pages, and what the file says of itself, as plain JSON.

    Raises:
        DocumentError: it cannot be used.
    """
    size = path.stat().st_size
    if size > limits.max_file_bytes:
        raise too_large(f"it has {size} bytes", "max_file_bytes", limits.max_file_bytes)
    media = media_of(path)
    found = _pdf_facts(path, limits) if media == PDF else _image_facts(path, media, limits)
    return {"media": media.media, "ending": media.ending, **found}


def too_large(what: str, key: str, limit: float) -> DocumentError:
    """The fault of something that is beyond a limit."""
    return DocumentError("too_large", f"{what}, more than {limit:g}; raise documents.limits.{key} or leave it out")


@contextmanager
def opened_pdf(path: Path) -> Iterator[tuple[Any, Any]]:
    """PDFium's functions and the document.

    Raises:
        DocumentError: encrypted or damaged.
    """
    from pypdfium2 import raw  # type: ignore[import-untyped]

    document = raw.FPDF_LoadDocument(str(path).encode("utf-8", "surrogateescape"), None)
    if not document:
        code = raw.FPDF_GetLastError()
        if code in (_PASSWORD, _SECURITY):
            raise DocumentError("encrypted", "it opens with a password only; save it without one")
        raise DocumentError("damaged", _DAMAGED)
    try:
        yield raw, document
    finally:
        raw.FPDF_CloseDocument(document)


@contextmanager
def opened_image(path: Path, media: Media) -> Iterator[Any]:
    """An image of PIL; nothing is decoded yet.

    Raises:
        DocumentError: damaged.
    """
    import warnings

    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata, which are not needed
        try:
            with Image.open(path, formats=[media.decoder]) as image:
                yield image
        except DECODER_ERRORS as error:
            raise DocumentError("damaged", f"{_DAMAGED} ({type(error).__name__})") from None


def check_pixels(size: tuple[int, int], limits: FileLimits) -> None:
    """Before anything is decoded.

    Raises:
        DocumentError: too_large.
    """
    if max(size) > limits.max_side_pixels:
        raise too_large(f"it has {size[0]} x {size[1]} pixels", "max_side_pixels", limits.max_side_pixels)
    if size[0] * size[1] > limits.max_pixels:
        raise too_large(f"it has {size[0]} x {size[1]} pixels", "max_pixels", limits.max_pixels)
    if min(size) < 1:
        raise DocumentError("damaged", _DAMAGED)


def check_pages(n: int, limits: FileLimits) -> None:
    """How many pages a file may have.

    Raises:
        DocumentError: no_pages or too_many_pages.
    """
    if n < 1:
        raise DocumentError("no_pages", "it has no pages; fetch it again or leave it out")
    if n > limits.max_pages:
        raise DocumentError(
            "too_many_pages",
            f"it has more than {limits.max_pages} pages; split it or raise documents.limits.max_pages",
        )


def _pdf_facts(path: Path, limits: FileLimits) -> dict[str, Any]:
    with opened_pdf(path) as (raw, document):
        n_pages = raw.FPDF_GetPageCount(document)
        check_pages(n_pages, limits)
        _check_first_page(raw, document)
        given = {key: _meta(raw, document, key) for key in ("Title", "Author", "Producer", "CreationDate", "ModDate")}
    return {
        "n_pages": n_pages,
        "title": given["Title"],
        "author": given["Author"],
        "producer": given["Producer"],
        "date": day_of(given["CreationDate"]) or day_of(given["ModDate"]),
    }


def _check_first_page(raw: Any, document: Any) -> None:
    """A file whose count of pages is a claim only has none that can be loaded."""
    size = raw.FS_SIZEF()
    if not raw.FPDF_GetPageSizeByIndexF(document, 0, size):
        raise DocumentError("damaged", _DAMAGED)


def _meta(raw: Any, document: Any, key: str) -> str | None:
    length = raw.FPDF_GetMetaText(document, key.encode(), None, 0)
    if length <= 2:
        return None
    buffer = ctypes.create_string_buffer(length)
    raw.FPDF_GetMetaText(document, key.encode(), buffer, length)
    text = buffer.raw[:length].decode("utf-16-le", "replace")[:MAX_META_CHARS]
    return _CONTROL.sub(" ", text).strip() or None


def day_of(given: str | None) -> str | None:
    """The ISO day of a date as PDFs (D:20240131120000Z) or EXIF (2024:01:31 12:00:00) write it; null if it is none."""
    found = _DATE.match((given or "").strip().replace(":", "").replace("-", "").removeprefix("D"))
    if not found:
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _image_facts(path: Path, media: Media, limits: FileLimits) -> dict[str, Any]:
    with opened_image(path, media) as image:
        n_pages = 1
        if media.media == "tiff":
            n_pages = _frames(image, limits)
        check_pages(n_pages, limits)
        check_pixels(image.size, limits)
        exif = image.getexif() if media.decoder in ("JPEG", "TIFF", "PNG", "WEBP") else {}
        taken = day_of(_string(exif.get(0x0132)))
        title, author = _string(exif.get(0x010E)), _string(exif.get(0x013B))
    return {"n_pages": n_pages, "title": title, "author": author, "producer": _string(exif.get(0x0131)), "date": taken}


def _frames(image: Any, limits: FileLimits) -> int:
    """The frames of a TIFF, counted one by one up to the limit: the chain of a bad file may have no end."""
    for number in range(limits.max_pages + 1):
        try:
            image.seek(number)
        except EOFError:
            image.seek(0)
            return number
    return limits.max_pages + 1


def _string(value: Any) -> str | None:
    return (_CONTROL.sub(" ", value)[:MAX_META_CHARS].strip() or None) if isinstance(value, str) else None
