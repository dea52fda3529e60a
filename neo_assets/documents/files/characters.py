"""The characters of a page of a PDF as arrays, in the order of the file.

PDFium is asked once for each character and property; the calls go through bare function pointers that write into
arrays, several times as fast as through the wrappers' structures. O(characters), about 2 microseconds each.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_SUBSET = re.compile(r"^[A-Z]{6}\+")
_BOLD = re.compile(r"bold|black|heavy|semibold|demi(?!c)|cmbx|cmb\d|sfbx|-medi|ptmb", re.IGNORECASE)
_ITALIC = re.compile(r"italic|oblique|slanted|cmti|cmsl|sfti|-ital|regularital", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt|sftt|lmtt|fixed|nimbusmon|hack|code", re.IGNORECASE)
_FIXED_PITCH, _ITALIC_FLAG, _FORCE_BOLD = 1, 1 << 6, 1 << 18
_BOLD_WEIGHT = 600
_STROKED, _INVISIBLE = 2, 3
"""Ways of drawing text; with its outline drawn too it looks bold."""
MAX_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class Style:
    """How the characters of a text object look. `direction` is that of the base line, a unit vector."""

    font: str
    size: float
    bold: bool
    italic: bool
    mono: bool
    is_visible: bool
    direction: tuple[float, float]


@dataclass(frozen=True)
class Characters:
    """Arrays of one entry a character, in the coordinates of the file (points, upwards).

    `loose` is left, top, right, bottom of the advance and the font's height; `tight` the same of the ink; `styles`
    is indexed by `style`. `generated`: blanks and line ends that PDFium infers.
    """

    codes: Array
    generated: Array
    style: Array
    loose: Array
    tight: Array
    origins: Array
    styles: list[Style]


def characters(raw: Any, text_page: Any) -> Characters:
    """All characters of a page.

    Args:
        raw: the module with PDFium's functions.
    """
    n = min(raw.FPDFText_CountChars(text_page), MAX_CHARACTERS)
    page = ctypes.cast(text_page, ctypes.c_void_p).value
    ask = _functions(raw)
    if n < 1:
        return Characters(*(np.zeros(0, np.int32),) * 3, *(np.zeros((0, 4)),) * 2, np.zeros((0, 2)), [])
    numbers = range(n)
    loose, tight, origins = np.zeros((n, 4), np.float32), np.zeros((n, 4)), np.zeros((n, 2))
    codes = np.fromiter(map(ask["unicode"], repeat(page), numbers), np.uint32, n)
    generated = np.fromiter(map(ask["generated"], repeat(page), numbers), np.int32, n) == 1
    objects = np.fromiter((one or 0 for one in map(ask["object"], repeat(page), numbers)), np.uint64, n)
    _drain(map(ask["loose"], repeat(page), numbers, _rows(loose)))
    # GetCharBox wants left, right, bottom, top: put into the order of the loose boxes.
    _drain(map(ask["tight"], repeat(page), numbers, *(_rows(tight, column) for column in (0, 2, 3, 1))))
    _drain(map(ask["origin"], repeat(page), numbers, _rows(origins), _rows(origins, 1)))
    first, style_of = np.unique(objects, return_index=True, return_inverse=True)[1:]
    looks, which = _looks(ask, page, objects[first], first)
    fonts: dict[int, tuple[str, bool, bool, bool]] = {}
    styles = [_style(raw, look, fonts) for look in looks]
    style = np.asarray(which, np.int32)[style_of]
    return Characters(codes, generated, style, loose.astype(np.float64), tight, origins, styles)


def _looks(
    ask: Mapping[str, Callable[..., Any]], page: int | None, objects: Array, first: Array
) -> tuple[list[tuple[Any, ...]], list[int]]:
    """The different looks of text objects (font, way of drawing, size, matrix), and which each object has.

    Some programs make an object of every character.
    """
    sizes, matrices = np.zeros((len(objects), 1), np.float32), np.zeros((len(objects), 6), np.float32)
    there = [int(one) for one in objects]
    fonts = [ask["font"](one) or 0 if one else 0 for one in there]
    modes = [ask["mode"](one) if one else 0 for one in there]
    for one, target in zip(there, _rows(sizes), strict=True):
        if one:
            ask["size"](one, target)
    _drain(map(ask["matrix"], repeat(page), first.tolist(), _rows(matrices)))
    keys = list(zip(fonts, modes, sizes[:, 0].tolist(), *matrices[:, :4].T.tolist(), strict=True))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return list(numbers), [numbers[key] for key in keys]


@lru_cache(maxsize=1)
def _functions(raw: Any) -> dict[str, Callable[..., Any]]:
    """PDFium's functions with bare addresses as arguments."""
    address, integer = ctypes.c_void_p, ctypes.c_int
    wanted = {
        "unicode": (ctypes.c_uint, "FPDFText_GetUnicode", ()),
        "generated": (integer, "FPDFText_IsGenerated", ()),
        "object": (address, "FPDFText_GetTextObject", ()),
        "loose": (integer, "FPDFText_GetLooseCharBox", (address,)),
        "tight": (integer, "FPDFText_GetCharBox", (address,) * 4),
        "origin": (integer, "FPDFText_GetCharOrigin", (address,) * 2),
        "matrix": (integer, "FPDFText_GetMatrix", (address,)),
    }
    found: dict[str, Callable[..., Any]] = {}
    for name, (result, function, more) in wanted.items():
        pointer = ctypes.cast(getattr(raw, function), ctypes.c_void_p).value or 0
        found[name] = ctypes.CFUNCTYPE(result, address, integer, *more)(pointer)
    for name, (result, function, more) in {
        "font": (address, "FPDFTextObj_GetFont", ()),
        "mode": (integer, "FPDFTextObj_GetTextRenderMode", ()),
        "size": (integer, "FPDFTextObj_GetFontSize", (address,)),
    }.items():
        pointer = ctypes.cast(getattr(raw, function), ctypes.c_void_p).value or 0
        found[name] = ctypes.CFUNCTYPE(result, address, *more)(pointer)
    return found


def _rows(array: Array, column: int = 0) -> range:
    """The addresses of a column's values."""
    first = array.ctypes.data + column * array.itemsize
    return range(first, first + len(array) * array.strides[0], array.strides[0])


def _drain(calls: map[Any]) -> None:
    for _ in calls:
        continue


def _style(raw: Any, look: tuple[Any, ...], fonts: dict[int, tuple[str, bool, bool, bool]]) -> Style:
    """The style of a look."""
    key, mode, size, a, b, c, d = look
    if key and key not in fonts:
        fonts[key] = _font(raw, ctypes.cast(key, raw.FPDF_FONT))
    name, bold, italic, mono = fonts.get(key, ("", False, False, False))
    along, up = math.hypot(a, b), math.hypot(c, d)
    direction = (a / along, b / along) if along > 0 and math.isfinite(along) else (1.0, 0.0)
    slanted = up > 0 and along > 0 and abs(a * c + b * d) > 0.1 * along * up
    scaled = round(abs(size) * up, 3)
    return Style(
        name, scaled if math.isfinite(scaled) else 0.0, bold or mode == _STROKED, italic or slanted, mono,
        mode != _INVISIBLE, direction,
    )  # fmt: skip


def _font(raw: Any, font: Any) -> tuple[str, bool, bool, bool]:
    """A font's name without the mark of a subset, and whether it is bold, italic and of one width."""
    length = raw.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(min(max(length, 1), 1000))
    raw.FPDFFont_GetBaseFontName(font, buffer, len(buffer))
    name = _SUBSET.sub("", buffer.value.decode("utf-8", "replace"))
    flags, angle = max(raw.FPDFFont_GetFlags(font), 0), ctypes.c_int()
    raw.FPDFFont_GetItalicAngle(font, angle)
    return (
        name,
        bool(flags & _FORCE_BOLD) or raw.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT or bool(_BOLD.search(name)),
        bool(flags & _ITALIC_FLAG) or angle.value != 0 or bool(_ITALIC.search(name)),
        bool(flags & _FIXED_PITCH) or bool(_MONO.search(name)),
    )
