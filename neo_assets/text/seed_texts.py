"""The texts at hand that a domain of the supplement starts from: files of the seed folder, cut into documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from neo_assets.recipe.supplement import SeedFiles
from neo_assets.text.references import chosen_records
from neo_assets.text.source_files import SourceError

SEED_TEXT_SCHEMA = pa.schema([(name, pa.string()) for name in ("doc_id", "url", "title", "text", "source", "licence")])
"""`source` is the file's path below the seed folder."""


def pieces(text: str, n_chars: int) -> Iterator[str]:
    """The text in pieces of whole lines, each ended by the line with which it reaches `n_chars` characters; the whole
    text if that is 0. Joined they are the text."""
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        piece.append(line)
        size += len(line)
        if n_chars and size >= n_chars:
            yield "".join(piece)
            piece, size = [], 0
    if piece or not text:
        yield "".join(piece)


def seed_texts(domain: str, files: Sequence[SeedFiles], folder: Path) -> pa.Table:
    """The documents of these files, by `SEED_TEXT_SCHEMA`, ordered by document id; in memory.

    A document's address is its own or `seed:path#heading`, so that a file counts as a site of its own. Where the
    settings name a site, the address is the site, `#`, and that: all files with that site are one site.

    Raises:
        SourceError: no file matches, a record is broken (seeds are chosen, so they are whole), or two have the same id.
    """
    what = f"seeds of {domain!r}"
    rows: dict[str, dict[str, str | None]] = {}
    for one in files:
        # The prefix keeps the ids apart from those of a source of the recipe that has the domain's name.
        for found in chosen_records(what, f"seed.{domain}", one, one.licence, folder):
            if found.doc_id in rows or f"{found.doc_id}.0" in rows:
                raise SourceError(
                    f"{what}: {found.path} holds two records of the same id, or two entries of "
                    f"supplement.domains.{domain}.seeds.files match it; number the records apart, or name it once"
                )
            url = f"{one.site}#{found.url}" if one.site else found.url
            for number, piece in enumerate(pieces(found.text, one.piece_chars)):
                doc_id = f"{found.doc_id}.{number}" if one.piece_chars else found.doc_id
                rows[doc_id] = {
                    "doc_id": doc_id, "url": url, "title": found.title, "text": piece, "source": found.path,
                    "licence": one.licence,
                }  # fmt: skip
    return pa.Table.from_pylist([rows[doc_id] for doc_id in sorted(rows)], SEED_TEXT_SCHEMA)
