"""What a file is, by its first bytes: names lie."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from neo_assets.documents.files.faults import DocumentError

HEAD_BYTES = 1024
"""A PDF may begin with this many bytes of something else."""


class Media(NamedTuple):
    """The medium, the decoder that it needs, and the ending of a name for it."""

    media: Literal["pdf", "image", "tiff"]
    decoder: str
    ending: str


PDF = Media("pdf", "PDF", "pdf")
_TIFF = Media("tiff", "TIFF", "tif")
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", Media("image", "PNG", "png")),
    (b"\xff\xd8\xff", Media("image", "JPEG", "jpg")),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),
    (b"MM\x00+", _TIFF),
    (b"GIF87a", Media("image", "GIF", "gif")),
    (b"GIF89a", Media("image", "GIF", "gif")),
)


def media_of(path: Path) -> Media:
    """What the file is.

    Raises:
        DocumentError: `empty`, or `media` if it is nothing that can be converted.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise DocumentError("empty", "the file has no bytes; fetch it again")
    for signature, media in _SIGNATURES:
        if head.startswith(signature):
            return media
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Media("image", "WEBP", "webp")
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Media("image", "BMP", "bmp")
    if b"%PDF-" in head:
        return PDF
    raise DocumentError("media", "the file is no PDF, PNG, JPEG, TIFF, GIF, BMP or WebP; convert it to one of them")
