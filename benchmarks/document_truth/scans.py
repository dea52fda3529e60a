"""Simulated scans: a PDF's pages as turned, blurred, noisy and unevenly lit pictures, without text."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

DPI = 200
QUALITY = 55
"""Of JPEG."""
MOST_DEGREES = 0.5


def scan(file: Path, target: Path, seed: int) -> None:
    """Writes the pages of a PDF as a scanner might have seen them into an image-only PDF."""
    import pypdfium2

    document = pypdfium2.PdfDocument(file)
    try:
        pages = [
            _scanned(page.render(scale=DPI / 72).to_pil().convert("L"), random.Random(f"{seed} {file.stem} {number}"))
            for number, page in enumerate(document)
        ]
    finally:
        document.close()
    pages[0].save(target, "PDF", save_all=True, append_images=pages[1:], resolution=DPI, quality=QUALITY)


def _scanned(page: Any, chance: random.Random) -> Any:
    """A grey picture turned by up to half a degree, blurred, lit unevenly, with noise."""
    import cv2
    import numpy as np
    from PIL import Image

    image = np.asarray(page, dtype=np.uint8)
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), chance.uniform(-MOST_DEGREES, MOST_DEGREES), 1.0)
    image = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=255)
    image = cv2.GaussianBlur(image, (0, 0), chance.uniform(0.5, 0.9))
    across, down = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    light = 1 - chance.uniform(0.02, 0.08) * (across * chance.choice((-1, 1)) + 1) / 2
    light = light - chance.uniform(0.0, 0.06) * (down * chance.choice((-1, 1)) + 1) / 2
    noise = np.random.default_rng(chance.randrange(1 << 32)).normal(0, chance.uniform(4, 9), image.shape)
    lit = (image.astype(np.float32) * 0.88 + 22) * light + noise
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
