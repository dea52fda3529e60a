"""What a page of a PDF draws beside text: bitmaps, and straight horizontal and vertical lines."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.geometry import Frame
from neo_assets.documents.files.inspection import check_pixels
from neo_assets.documents.model import Box
from neo_assets.recipe.documents import FileLimits

MAX_OBJECTS, MAX_DEPTH, MAX_SEGMENTS = 20_000, 6, 400
MAX_THICKNESS, MIN_LENGTH = 2.5, 8.0
"""Points: what is thicker or shorter is no line."""
MIN_PICTURE = 4.0
"""Points: smaller bitmaps are not told."""
MAX_TOLD = 4000
MAX_FLAT_BYTES = 8192
"""A bitmap of one colour is packed into less, also that of a large page."""
_PATH, _IMAGE, _FORM = 2, 3, 5
_LINE_TO, _BEZIER_TO, _MOVE_TO = 0, 1, 2


class Matrix(NamedTuple):
    """An affine map: x' = ax + cy + e, y' = bx + dy + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def after(self, first: Matrix) -> Matrix:
        """This map after another."""
        a, b, c, d, e, f = first
        return Matrix(
            a * self.a + b * self.c, a * self.b + b * self.d, c * self.a + d * self.c, c * self.b + d * self.d,
            e * self.a + f * self.c + self.e, e * self.b + f * self.d + self.f,
        )  # fmt: skip

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point's image."""
        return x * self.a + y * self.c + self.e, x * self.b + y * self.d + self.f


IDENTITY = Matrix(1, 0, 0, 1, 0, 0)


class Drawing(NamedTuple):
    """Boxes on the page as it is seen, in the order of the file. `n_paths` counts all paths, lines or not."""

    pictures: tuple[Box, ...]
    rules: tuple[Box, ...]
    n_paths: int


def drawing_of(raw: Any, page: Any, frame: Frame) -> Drawing:
    """The bitmaps and lines of a page; of a page with very many objects only the first ones."""
    pictures: list[Box] = []
    rules: list[Box] = []
    n_paths = 0
    for kind, item, matrix in _objects(raw, page):
        if kind == _IMAGE:
            box = _bounds(raw, item, matrix, frame)
            if box is not None and min(box.width, box.height) >= MIN_PICTURE and len(pictures) < MAX_TOLD:
                pictures.append(box.rounded())
        else:
            n_paths += 1
            if len(rules) < MAX_TOLD:
                rules += _lines(raw, item, matrix, frame)
    return Drawing(tuple(pictures), tuple(rules[:MAX_TOLD]), n_paths)


def _objects(raw: Any, page: Any) -> Iterator[tuple[int, Any, Matrix]]:
    """Paths and images with the map to the page, those inside forms included."""
    left = MAX_OBJECTS
    waiting: list[tuple[Any, Any, int, int, Matrix, int]] = [
        (raw.FPDFPage_GetObject, page, 0, raw.FPDFPage_CountObjects(page), IDENTITY, 0)
    ]
    while waiting and left:
        get, holder, index, n, matrix, depth = waiting.pop()
        while index < n and left:
            item = get(holder, index)
            index, left = index + 1, left - 1
            kind = raw.FPDFPageObj_GetType(item)
            if kind in (_PATH, _IMAGE):
                yield kind, item, matrix
            elif kind == _FORM and depth < MAX_DEPTH:
                waiting.append((get, holder, index, n, matrix, depth))
                inner = _matrix(raw, item)
                n_inner = raw.FPDFFormObj_CountObjects(item)
                waiting.append((raw.FPDFFormObj_GetObject, item, 0, n_inner, matrix.after(inner), depth + 1))
                break


def check_pictures(raw: Any, page: Any, limits: FileLimits) -> None:
    """For a page that shows pictures, but nothing is seen of them.

    Raises:
        DocumentError: one is too large, or cannot be decoded, or has too many bytes for a picture of one colour.
    """
    width, height = ctypes.c_uint(), ctypes.c_uint()
    for kind, item, _ in _objects(raw, page):
        if kind != _IMAGE or not raw.FPDFImageObj_GetImagePixelSize(item, width, height):
            continue
        check_pixels((width.value, height.value), limits)
        bitmap = raw.FPDFImageObj_GetBitmap(item)
        if not bitmap:
            raise DocumentError("damaged", "the picture of the page cannot be decoded; repair the file or leave it out")
        raw.FPDFBitmap_Destroy(bitmap)
        size = raw.FPDFImageObj_GetImageDataRaw(item, None, 0)
        if size > MAX_FLAT_BYTES and not _is_jpeg(raw, item):
            raise DocumentError(
                "damaged", "the picture of the page decodes to nothing; repair the file or leave it out"
            )


def _is_jpeg(raw: Any, item: Any) -> bool:
    """JPEG packs even a white page into many bytes."""
    name = ctypes.create_string_buffer(40)
    raw.FPDFImageObj_GetImageFilter(item, 0, name, len(name))
    return name.value in (b"DCTDecode", b"JPXDecode")


def _matrix(raw: Any, item: Any) -> Matrix:
    found = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, found):
        return IDENTITY
    return Matrix(found.a, found.b, found.c, found.d, found.e, found.f)


def _bounds(raw: Any, item: Any, matrix: Matrix, frame: Frame) -> Box | None:
    """What of an object is on the page; null for nothing."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return None
    corners = [matrix.point(x, y) for x in (left.value, right.value) for y in (bottom.value, top.value)]
    return _on_page(frame, corners)


def _on_page(frame: Frame, points: list[tuple[float, float]]) -> Box | None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    try:
        box = frame.clipped(frame.seen(min(xs), max(ys), max(xs), min(ys)))
        box.rounded()
    except (ValueError, OverflowError):
        return None
    return box if box.x0 <= box.x1 and box.y0 <= box.y1 else None


def _lines(raw: Any, item: Any, matrix: Matrix, frame: Frame) -> Iterator[Box]:
    """The lines of a path: itself if it is thin, the thin rectangles that it fills, or the segments that it strokes."""
    box = _bounds(raw, item, matrix, frame)
    if box is None or max(box.width, box.height) < MIN_LENGTH:
        return
    if min(box.width, box.height) <= MAX_THICKNESS:
        yield box.rounded()
        return
    n = raw.FPDFPath_CountSegments(item)
    if not 2 <= n <= MAX_SEGMENTS:
        return
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(item, fill, stroke)
    whole = matrix.after(_matrix(raw, item))
    for points in _subpaths(raw, item, n, whole):
        found = [points] if fill.value and not stroke.value else [[a, b] for a, b in itertools.pairwise(points)]
        for part in found:
            line = _on_page(frame, part)
            if line is None or min(line.width, line.height) > MAX_THICKNESS:
                continue
            if max(line.width, line.height) >= MIN_LENGTH:
                yield line.rounded()


def _subpaths(raw: Any, item: Any, n: int, matrix: Matrix) -> Iterator[list[tuple[float, float]]]:
    """The parts of a path that consist of straight segments, closed where the path closes them."""
    points: list[tuple[float, float]] = []
    straight = True
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(n):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if kind == _MOVE_TO:
            if straight and len(points) > 1:
                yield points
            points, straight = [], True
        straight &= kind != _BEZIER_TO
        points.append(matrix.point(x.value, y.value))
        if raw.FPDFPathSegment_GetClose(segment):
            points.append(points[0])
    if straight and len(points) > 1:
        yield points
