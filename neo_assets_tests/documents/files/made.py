"""PDFs and pictures made for tests, byte by byte: good ones, and those that nobody should be able to make."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

LETTER = (300, 400)
FONTS = (
    b"<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> "
    b"/F2 << /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold /Encoding /WinAnsiEncoding >> "
    b"/F3 << /Type /Font /Subtype /Type1 /BaseFont /Times-Italic /Encoding /WinAnsiEncoding >> >>"
)


def pdf(objects: Iterable[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """Objects numbered from 1, with a table of where they are."""
    data, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, trailer, start)
    return bytes(data)


def stream(content: bytes, extra: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), extra, content)


def pages(
    *contents: bytes,
    size: tuple[float, float] = LETTER,
    page: bytes = b"",
    resources: bytes = b"",
    more: Iterable[bytes] = (),
    catalog: bytes = b"",
    trailer: bytes = b"/Root 1 0 R",
    fonts: bytes = FONTS,
) -> bytes:
    """A file with these pages' contents. Objects that `more` adds follow: the first is 3 + twice the pages."""
    n = len(contents)
    kids = b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(n))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (n, kids),
    ]
    for index, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Contents %d 0 R %s /Resources << /Font %s %s >> >>"
            % (*size, 4 + 2 * index, page, fonts, resources)
        )
        objects.append(stream(content))
    return pdf([*objects, *more], trailer)


def text(words: str, x: float = 30, y: float = 350, size: float = 12, font: str = "F1", matrix: str = "") -> bytes:
    """Operators that show a line."""
    shown = words.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
    place = matrix or f"1 0 0 1 {x} {y}"
    return b"BT /%s %g Tf %s Tm (%s) Tj ET\n" % (font.encode(), size, place.encode(), shown)


def prose(n_lines: int = 20, words: str = "The quick brown fox jumps over the lazy dog again") -> bytes:
    """A page's worth of lines."""
    return b"".join(text(words, y=370 - 16 * number, size=10) for number in range(n_lines))


def image_object(width: int, height: int, data: bytes | None = None, extra: bytes = b"/Filter /FlateDecode") -> bytes:
    """A grey bitmap."""
    packed = zlib.compress(bytes(range(256)) * (width * height // 256 + 1), 1) if data is None else data
    return stream(
        packed,
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 %s"
        % (width, height, extra),
    )


def scan(overlay: bytes = b"", image: bytes | None = None, box: str = "300 0 0 400 0 0") -> bytes:
    """A page that is a bitmap, with something over it."""
    content = b"q %s cm /Im Do Q\n" % box.encode() + overlay
    return pages(content, resources=b"/XObject << /Im 5 0 R >>", more=[image or image_object(64, 64)])


def mapped_font(mapping: Mapping[int, str], first: int) -> list[bytes]:
    """A font, and its map to Unicode as objects `first` and `first` + 1: Helvetica's glyphs with any meaning."""
    lines = "".join(
        f"<{code:02x}> <{meaning.encode('utf-16-be').hex()}>\n" for code, meaning in sorted(mapping.items())
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(mapping)} beginbfchar\n{lines}endbfchar\n"
        "endcmap end end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode %d 0 R >>" % (first + 1)
    return [font, stream(cmap.encode())]


def with_meaning(words: str, mapping: Mapping[int, str], n_lines: int = 10) -> bytes:
    """A page whose characters mean what the mapping says."""
    return pages(
        b"".join(text(words, y=350 - 16 * number, font="F9") for number in range(n_lines)),
        fonts=b"<< /F9 5 0 R >>",
        more=mapped_font(mapping, 5),
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zlib_stream(block: bytes, times: int) -> bytes:
    """The block so many times over, packed as zlib does: but the work of packing it is done once."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # ends at a byte, and refers to nothing before it
    checksum = 1
    for _ in range(times):
        checksum = zlib.adler32(block, checksum)
    return b"\x78\xda" + piece * times + packer.flush() + struct.pack(">I", checksum)


def png_bomb(width: int, height: int) -> bytes:
    """A few kilobytes that say they are so many pixels; the height is a multiple of 100."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib_stream(bytes(100 * (width + 1)), height // 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 80), mode: str = "L", **how: Any) -> bytes:
    """A picture with a dark bar in its upper left corner."""
    from PIL import Image, ImageDraw

    image = Image.new(mode, size, "white" if mode not in ("1", "I;16") else 1)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 8), fill=0 if mode != "RGB" else (200, 0, 0))
    target = io.BytesIO()
    image.save(target, kind, **how)
    return target.getvalue()


def circular_tree() -> bytes:
    """A tree of pages that is its own branch."""
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>"])


def deep_tree(depth: int) -> bytes:
    """A page at the end of a long branch."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    objects += [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (number + 3) for number in range(depth)]
    return pdf([*objects, b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 9 9] >>" % (depth + 1)])


def xref_loop() -> bytes:
    """Two tables of objects, each of which names the other as the one before it."""
    data = bytearray(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n")
    first = len(data)
    size = len(b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 3 /Root 1 0 R /Prev 0000000000 >>\n")
    for other in (first + size, first):
        data += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 3 /Root 1 0 R /Prev %010d >>\n" % other
    return bytes(data + b"startxref\n%d\n%%%%EOF\n" % first)


def flate_bomb(n_bytes: int, times: int = 2) -> bytes:
    """A page whose contents are blanks, packed several times over."""
    data = zlib_stream(b" " * (1 << 20), n_bytes >> 20)
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    filters = b"/Filter [%s]" % (b" /FlateDecode" * times)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 4 0 R >>",
        stream(data, filters),
    ]
    return pdf(objects)


def encrypted(user: str, owner: str) -> bytes:
    """A file that is encrypted with RC4 and 40 bits; with an empty user password it opens for everyone."""
    import hashlib

    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")

    def padded(password: str) -> bytes:
        return (password.encode() + padding)[:32]

    key_of_owner = hashlib.md5(padded(owner), usedforsecurity=False).digest()[:5]
    owner_entry = _rc4(key_of_owner, padded(user))
    name = b"0123456789abcdef"
    key = hashlib.md5(padded(user) + owner_entry + struct.pack("<i", -4) + name, usedforsecurity=False).digest()[:5]
    content = text("Open to all who read")
    own_key = hashlib.md5(key + struct.pack("<I", 4)[:3] + bytes(2), usedforsecurity=False).digest()[:10]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 4 0 R /Resources << /Font %s >> >>" % FONTS,
        stream(_rc4(own_key, content)),
        b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>"
        % (owner_entry.hex().encode(), _rc4(key, padding).hex().encode()),
    ]
    identity = name.hex().encode()
    return pdf(objects, b"/Root 1 0 R /Encrypt 5 0 R /ID [<%s> <%s>]" % (identity, identity))


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
