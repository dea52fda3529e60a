"""Image files as pages: upright, in grey or RGB, at a resolution that recognition needs; and pictures as bytes."""

from __future__ import annotations

import io
from typing import Any

from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.inspection import DECODER_ERRORS, check_pixels
from neo_assets.recipe.documents import FileLimits, RenderSettings

JPEG_QUALITY = 92
PNG_LEVEL = 1
PAGE_INCHES = 11.69
"""The longer side of a page whose size is not told or cannot be: that of A4."""
MIN_DPI, MAX_DPI = 50.0, 1300.0
MIN_INCHES, MAX_INCHES = 2.0, 24.0
MAX_RATIO = 2.2
"""Of the resolutions in both directions; a fax has about 2."""
GREY_TOLERANCE = 6
ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
_HIGH = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


def encoded(pixels: Any, photographic: bool) -> bytes:
    """An array of shape (height, width) or (height, width, 3), RGB, as JPEG or PNG. The same pixels, the same bytes."""
    from PIL import Image

    stream, image = io.BytesIO(), Image.fromarray(pixels)
    if photographic:
        image.save(stream, "JPEG", quality=JPEG_QUALITY)
    else:
        image.save(stream, "PNG", compress_level=PNG_LEVEL)
    return stream.getvalue()


def frame_image(
    image: Any, number: int, settings: RenderSettings, limits: FileLimits
) -> tuple[Any, tuple[float, float], float]:
    """A frame's pixels, its width and height in points, and its resolution.

    Raises:
        DocumentError: the frame is missing, damaged or too large.
    """
    import numpy as np
    from PIL import ImageOps

    try:
        image.seek(number - 1)
        check_pixels(image.size, limits)
        resolution = _resolution(image)
        image.load()
    except DECODER_ERRORS as error:
        reason = f"the picture is damaged or breaks off; fetch it again ({type(error).__name__})"
        raise DocumentError("damaged", reason) from None
    turned = image.getexif().get(ORIENTATION) in _TURNED
    upright = _grey_or_rgb(ImageOps.exif_transpose(image))
    across, down = reversed(resolution) if turned else resolution
    inches = upright.width / across, upright.height / down
    dpi = min(max(across, down), settings.scan_dpi, settings.max_side_pixels / max(inches))
    wanted = max(1, round(inches[0] * dpi)), max(1, round(inches[1] * dpi))
    if wanted != upright.size:
        upright = upright.resize(wanted, resample=3, reducing_gap=3.0)  # bicubic
    return np.asarray(upright), (round(72 * inches[0], 2), round(72 * inches[1], 2)), round(dpi, 4)


def _resolution(image: Any) -> tuple[float, float]:
    """Pixels an inch across and down: what the file says if a page can have that size, else that of an A4 page."""
    try:
        across, down = (float(one) for one in image.info.get("dpi") or (0, 0))
    except (TypeError, ValueError, ZeroDivisionError):
        across = down = 0.0
    width, height = image.size
    if min(across, down) >= MIN_DPI and max(across, down) <= min(MAX_DPI, MAX_RATIO * min(across, down)):
        longer = max(width / across, height / down)
        if MIN_INCHES <= longer <= MAX_INCHES:
            return across, down
    guessed = max(width, height) / PAGE_INCHES
    return guessed, guessed


def _grey_or_rgb(image: Any) -> Any:
    """The image in mode L, or RGB if it has colour; what is transparent is white."""
    import numpy as np
    from PIL import Image

    if image.mode in _HIGH:
        values = np.asarray(image).astype(np.float64)
        most = 65535.0 if image.mode.startswith("I") and values.max(initial=0) > 255 else 255.0
        return Image.fromarray((np.clip(values / most, 0, 1) * 255).round().astype(np.uint8))
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    colours = image.convert("RGB")
    small = np.asarray(colours.reduce(max(1, max(colours.size) // 1000))).astype(np.int16)
    return colours.convert("L") if int(np.ptp(small, axis=2).max()) <= GREY_TOLERANCE else colours
