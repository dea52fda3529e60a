"""Header fields and digests as WARC records and the HTTP messages in them have them."""

from __future__ import annotations

import base64
import hashlib
import re

HEX_CHARS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
"""Length of a hexadecimal digest, by algorithm."""


def parsed_fields(block: bytes) -> dict[str, str]:
    """Header fields by lower-case name, the first of equal ones; folded lines are joined, lines without a colon left
    out. UTF-8, or else Latin-1.
    """
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("latin-1")
    fields: dict[str, str] = {}
    for line in re.sub(r"\r?\n[ \t]+", " ", text).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def digest_differs(declared: str | None, *candidates: bytes) -> bool:
    """Whether a digest as WARC files give it ('sha1:' and base 32 or hexadecimal) is that of none of the candidates.

    False where none is declared, or one of an unknown kind.
    """
    name, _, value = (declared or "").strip().partition(":")
    name, value = name.lower().replace("-", ""), value.strip()
    if name not in HEX_CHARS or not value:
        return False
    for candidate in candidates:
        digest = hashlib.new(name, candidate, usedforsecurity=False).digest()
        if len(value) == HEX_CHARS[name]:
            same = value.lower() == digest.hex()
        else:
            same = value.upper().rstrip("=") == base64.b32encode(digest).decode().rstrip("=")
        if same:
            return False
    return True
