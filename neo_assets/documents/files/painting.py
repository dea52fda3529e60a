"""Pages as pictures with their text layer; runs in a child process (`sandbox`)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neo_assets.documents.files.characters import characters
from neo_assets.documents.files.drawing import check_pictures, drawing_of
from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.geometry import Frame
from neo_assets.documents.files.inspection import opened_image, opened_pdf, too_large
from neo_assets.documents.files.judgement import judged
from neo_assets.documents.files.layer import Layer, layer_of
from neo_assets.documents.files.media import PDF, media_of
from neo_assets.documents.files.pixels import encoded, frame_image
from neo_assets.documents.files.units import tells_units, unit_of
from neo_assets.documents.model import Box, Run
from neo_assets.recipe.documents import FileLimits, RenderSettings

if TYPE_CHECKING:
    from neo_assets.documents.files.child import Teller

POINTS_PER_INCH = 72.0
_GREY, _BGR = 1, 2
_ANNOTATIONS, _RGB_ORDER = 0x01, 0x10
MAX_ANNOTATIONS = 5000
"""That are looked at for form fields, of a page."""
FLAT = 8
"""Levels of grey between which nothing is seen."""
_UNREADABLE = "the page is damaged; repair the file or leave it out"


def paint(path: Path, request: dict[str, Any], limits: FileLimits, tell: Teller) -> None:
    """Tell the pages of these numbers one by one, or what is wrong with them.

    Raises:
        DocumentError: the whole file cannot be read.
    """
    settings = RenderSettings.model_validate(request["settings"])
    media = media_of(path)
    if media == PDF:
        has_units = tells_units(path)
        with opened_pdf(path) as (raw, document):
            for number in request["numbers"]:
                with _told(number, limits, tell) as told:
                    unit = unit_of(raw, document, number) if has_units else 1.0
                    told += _page(raw, document, number, settings, limits, request["max_strange_share"], unit)
        return
    with opened_image(path, media) as image:
        for number in request["numbers"]:
            with _told(number, limits, tell) as told:
                told += _image_page(image, number, settings, limits)


@contextmanager
def _told(number: int, limits: FileLimits, tell: Teller) -> Iterator[list[Any]]:
    """Takes a page and its picture, and tells them with the CPU seconds that they took; or tells the fault."""
    tell.allow(limits.page_seconds)
    before = time.process_time()
    found: list[Any] = []
    try:
        yield found
        page, picture = found
        tell({"number": number, "seconds": time.process_time() - before, "page": page}, picture)
    except DocumentError as error:
        tell({"number": number, "fault": [error.rule, error.reason]})
    except MemoryError:
        found.clear()
        tell({"number": number, "fault": ["memory", ""]})
    except Exception as error:
        if isinstance(error, BrokenPipeError):
            raise
        tell({"number": number, "fault": ["damaged", f"{_UNREADABLE} ({type(error).__name__})"]})


def _page(
    raw: Any,
    document: Any,
    number: int,
    settings: RenderSettings,
    limits: FileLimits,
    max_strange_share: float,
    unit: float,
) -> tuple[dict[str, Any], bytes]:
    """A page of a PDF whose coordinates count in units of so many points."""
    page = _loaded(raw, document, number)
    try:
        frame = _frame(raw, page, limits, unit)
        drawing = drawing_of(raw, page, frame)
        layer = _layer(raw, page, frame)
        is_empty = not drawing.n_paths and not drawing.pictures
        kind, state = judged(layer.visible, layer.invisible, drawing.pictures, frame.size, max_strange_share, is_empty)
        wanted = settings.dpi if state == "good" or kind == "blank" else settings.scan_dpi
        dpi = min(wanted, settings.max_side_pixels * POINTS_PER_INCH / (unit * max(frame.size)))
        pixels = _rendered(raw, page, frame, unit * dpi)
        is_flat = int(pixels.max()) - int(pixels.min()) < FLAT
        if kind == "scanned" and is_flat:
            check_pictures(raw, page, limits)
    finally:
        raw.FPDF_ClosePage(page)
    if state == "missing" and is_flat:
        kind = "blank"
    runs = layer.visible or (layer.invisible if state == "hidden" else ())
    told = {
        "width": round(unit * frame.size[0], 2), "height": round(unit * frame.size[1], 2), "kind": kind,
        "layer": state, "dpi": round(dpi, 4), "runs": _plain(runs, unit),
        "pictures": _scaled(drawing.pictures, unit), "rules": _scaled(drawing.rules, unit),
    }  # fmt: skip
    return told, encoded(pixels, photographic=kind in ("scanned", "mixed"))


def _loaded(raw: Any, document: Any, number: int) -> Any:
    """A page. The looks of form fields become part of it, so that what was filled in is seen and read.

    Raises:
        DocumentError: there is none.
    """
    page = raw.FPDF_LoadPage(document, number - 1)
    if page and _has_fields(raw, page):
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        raw.FPDF_ClosePage(page)
        page = raw.FPDF_LoadPage(document, number - 1)
    if not page:
        raise DocumentError("damaged", _UNREADABLE)
    return page


def _has_fields(raw: Any, page: Any) -> bool:
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if annotation:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFPage_CloseAnnot(annotation)
            if kind == raw.FPDF_ANNOT_WIDGET:
                return True
    return False


def _frame(raw: Any, page: Any, limits: FileLimits, unit: float) -> Frame:
    box = raw.FS_RECTF()
    if not raw.FPDF_GetPageBoundingBox(page, box):
        raise DocumentError("damaged", _UNREADABLE)
    frame = Frame((box.left, box.bottom, box.right, box.top), raw.FPDFPage_GetRotation(page) % 4)
    width, height = (unit * side for side in frame.size)
    if not max(width, height) <= limits.max_side_points:
        raise too_large(f"the page has {width:g} x {height:g} points", "max_side_points", limits.max_side_points)
    if min(width, height) < 1:
        raise DocumentError("damaged", "the page has no size; repair the file or leave it out")
    return frame


def _layer(raw: Any, page: Any, frame: Frame) -> Layer:
    text_page = raw.FPDFText_LoadPage(page)
    if not text_page:
        return Layer((), ())
    try:
        return layer_of(characters(raw, text_page), frame)
    finally:
        raw.FPDFText_ClosePage(text_page)


def _rendered(raw: Any, page: Any, frame: Frame, dpi: float) -> Any:
    """The page as an array of shape (height, width, 3), RGB, or (height, width) where it has no colour.

    Raises:
        MemoryError: there is not enough for the pixels.
    """
    import ctypes

    import numpy as np

    width, height = (max(1, round(side * dpi / POINTS_PER_INCH)) for side in frame.size)
    bitmap = raw.FPDFBitmap_CreateEx(width, height, _BGR, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        raw.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, _ANNOTATIONS | _RGB_ORDER)
        stride = raw.FPDFBitmap_GetStride(bitmap)
        address = ctypes.cast(raw.FPDFBitmap_GetBuffer(bitmap), ctypes.POINTER(ctypes.c_ubyte * (stride * height)))
        rows = np.frombuffer(address.contents, np.uint8).reshape(height, stride)[:, : 3 * width]
        red, green, blue = (rows[:, channel::3] for channel in range(3))
        is_grey = np.array_equal(red, green) and np.array_equal(green, blue)
        return red.copy() if is_grey else rows.reshape(height, width, 3).copy()
    finally:
        raw.FPDFBitmap_Destroy(bitmap)


def _image_page(image: Any, number: int, settings: RenderSettings, limits: FileLimits) -> tuple[dict[str, Any], bytes]:
    """An image file, or a frame of a TIFF."""
    pixels, size, dpi = frame_image(image, number, settings, limits)
    width, height = size
    is_blank = int(pixels.max()) - int(pixels.min()) < FLAT
    told = {
        "width": width, "height": height, "kind": "blank" if is_blank else "scanned", "layer": "missing", "dpi": dpi,
        "runs": [], "pictures": [] if is_blank else [[0.0, 0.0, width, height]], "rules": [],
    }  # fmt: skip
    return told, encoded(pixels, photographic=True)


def _plain(runs: Sequence[Run], unit: float) -> list[list[Any]]:
    boxes = _scaled([run.box for run in runs], unit)
    return [
        [run.text, box, round(unit * run.size, 2) if unit != 1 else run.size, run.font, run.bold, run.italic, run.mono]
        for run, box in zip(runs, boxes, strict=True)
    ]


def _scaled(boxes: Sequence[Box], unit: float) -> list[Box]:
    return list(boxes) if unit == 1 else [box.scaled(unit).rounded() for box in boxes]
