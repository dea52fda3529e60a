"""What a tokenizer's vocabulary is made of: its pieces by kind, script and length, and the figures it must have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.tokenizer import N_BYTES
from neo_assets.tokens.vocabulary.model_file import SPACE_MARK
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

CJK_RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x3FFFE))
"""Blocks of Chinese characters, ends exclusive: unified ideographs, their extensions, compatibility ideographs."""

WHITESPACE_BYTES = frozenset(b"\t\n\v\f\r ")
DIGITS = frozenset("0123456789")
COMMON_SCRIPTS = frozenset({"Zyyy", "Zinh", "Zzzz"})
N_EXAMPLES = 6

VOCABULARY_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("script", pa.string()),
        pa.field("characters", pa.int64()),
        pa.field("spaced", pa.bool_()),
        pa.field("pieces", pa.int64()),
        pa.field("pieces_used", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("examples", pa.list_(pa.string())),
    ]
)

FIGURES_SCHEMA = pa.schema(
    [("figure", pa.string()), ("expected", pa.string()), ("found", pa.string()), ("holds", pa.bool_())]
)


def is_cjk(code_points: npt.NDArray[np.integer]) -> Flags:
    """Which code points are Chinese characters."""
    flags = np.zeros(code_points.shape, np.bool_)
    for start, end in CJK_RANGES:
        flags |= (code_points >= start) & (code_points < end)
    return flags


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The pieces of a tokenizer by id, and arrays over all ids that say what each piece is.

    A piece's characters are counted without space marks. Byte, special and appended pieces hold no characters.
    """

    tokenizer: Tokenizer

    @cached_property
    def kinds(self) -> list[str]:
        """`special`, `byte`, `normal` or `appended`, per id."""
        settings, bytes_ = self.tokenizer.settings, self.tokenizer.byte_ids
        special = {settings.unk_id, settings.bos_id, settings.eos_id, settings.pad_id}
        kinds = ["normal"] * settings.vocab_size + ["appended"] * len(settings.appended_tokens)
        for id_ in range(settings.vocab_size):
            if id_ in special:
                kinds[id_] = "special"
            elif id_ in bytes_:
                kinds[id_] = "byte"
        return kinds

    @cached_property
    def pieces(self) -> list[str]:
        """Each piece as SentencePiece writes it, with space marks."""
        return [self.tokenizer.piece(id_) for id_ in range(len(self.kinds))]

    @cached_property
    def texts(self) -> list[str]:
        """Each normal piece without space marks; all others empty."""
        pairs = zip(self.pieces, self.kinds, strict=True)
        return [piece.replace(SPACE_MARK, "") if kind == "normal" else "" for piece, kind in pairs]

    @cached_property
    def characters(self) -> Counts:
        """Characters of each piece."""
        return np.array([len(text) for text in self.texts], np.int64)

    @cached_property
    def cjk_characters(self) -> Counts:
        """Chinese characters of each piece."""
        return np.array([int(is_cjk(np.array([ord(c) for c in text], np.int64)).sum()) for text in self.texts])

    @cached_property
    def blank(self) -> Flags:
        """Pieces of spaces, tabs and line ends only, the byte pieces of such characters included."""
        pairs = zip(self.kinds, self.texts, strict=True)
        flags = np.array([kind == "normal" and not text.strip() for kind, text in pairs])
        if self.tokenizer.byte_ids:
            flags[[self.tokenizer.byte_ids[byte] for byte in sorted(WHITESPACE_BYTES)]] = True
        return flags

    @cached_property
    def line_ends(self) -> Flags:
        """The byte piece of a line end (no other piece holds one, as training lines hold none)."""
        flags = np.zeros(len(self.kinds), np.bool_)
        if self.tokenizer.byte_ids:
            flags[self.tokenizer.byte_ids[0x0A]] = True
        return flags

    @cached_property
    def digits(self) -> Flags:
        """Pieces that hold an ASCII digit."""
        return np.array([not DIGITS.isdisjoint(text) for text in self.texts])

    @cached_property
    def joined_digits(self) -> Flags:
        """Pieces that hold an ASCII digit and something else, be it a space mark."""
        long: Flags = np.array([len(piece) > 1 for piece in self.pieces])
        return np.logical_and(self.digits, long)

    @cached_property
    def own_characters(self) -> frozenset[str]:
        """Characters that are a piece, the space by its mark."""
        pairs = zip(self.pieces, self.kinds, strict=True)
        single = (piece for piece, kind in pairs if kind == "normal" and len(piece) == 1)
        return frozenset(" " if piece == SPACE_MARK else piece for piece in single)


def script_of(text: str) -> str:
    """The script of a text by its ISO 15924 code ("Hani", "Latn"); "Zyyy": common to all; "mixed": several."""
    from fontTools.unicodedata import script

    scripts = {script(character) for character in text} - COMMON_SCRIPTS
    return "Zyyy" if not scripts else scripts.pop() if len(scripts) == 1 else "mixed"


def vocabulary_table(vocabulary: Vocabulary, uses: Counts | None = None) -> pa.Table:
    """Pieces by kind, script, length and whether they hold a space mark: `VOCABULARY_SCHEMA`.

    `uses`: how often each id was used (`Measurement.uses`), for `pieces_used` and `tokens`; null without it.
    `examples` are the first pieces by id, that is the earliest learnt.
    """
    groups: dict[tuple[str, str, int, bool], list[int]] = {}
    for id_, (kind, text) in enumerate(zip(vocabulary.kinds, vocabulary.texts, strict=True)):
        script = script_of(text) if kind == "normal" else ""
        spaced = kind == "normal" and SPACE_MARK in vocabulary.pieces[id_]
        groups.setdefault((kind, script, len(text), spaced), []).append(id_)
    rows = [
        {
            **dict(zip(("kind", "script", "characters", "spaced"), group, strict=True)),
            "pieces": len(ids),
            "pieces_used": None if uses is None else int(np.count_nonzero(uses[ids])),
            "tokens": None if uses is None else int(uses[ids].sum()),
            "examples": [vocabulary.pieces[id_] for id_ in ids[:N_EXAMPLES]],
        }
        for group, ids in sorted(groups.items())
    ]
    return pa.Table.from_pylist(rows, schema=VOCABULARY_SCHEMA)


def vocabulary_figures(vocabulary: Vocabulary) -> pa.Table:
    """What the vocabulary must be by its settings, and whether it is: `FIGURES_SCHEMA`. Source: MAP-Neo §8, §15."""
    tokenizer, settings = vocabulary.tokenizer, vocabulary.tokenizer.settings
    kinds = Counter(vocabulary.kinds)
    n_special = sum(id_ >= 0 for id_ in (settings.unk_id, settings.bos_id, settings.eos_id, settings.pad_id))
    n_bytes = N_BYTES if settings.byte_fallback else 0
    normal = [piece for piece, kind in zip(vocabulary.pieces, vocabulary.kinds, strict=True) if kind == "normal"]
    longest, most = max(map(len, normal)), settings.max_piece_characters
    end_of_document = vocabulary.pieces.index(settings.end_of_document)
    rows: list[tuple[str, object, object, bool]] = [
        _equal("special pieces", n_special, kinds["special"]),
        _equal("byte pieces", n_bytes, kinds["byte"]),
        _equal("normal pieces", settings.vocab_size - n_special - n_bytes, kinds["normal"]),
        _equal("ids with the appended tokens", settings.n_ids, len(vocabulary.pieces)),
        _equal("id of the end of document", settings.end_of_document_id, end_of_document),
        ("characters of the longest piece", f"at most {most}", longest, longest <= most),
    ]
    if settings.split_digits:
        year = [tokenizer.piece(int(id_)) for id_ in tokenizer.encode("2024")]
        rows.append(_equal("pieces of 2024", "2 0 2 4", " ".join(year).replace(SPACE_MARK, "").strip()))
        rows.append(_equal("pieces that join a digit", 0, int(vocabulary.joined_digits.sum())))
    if settings.byte_fallback:
        line_end = [tokenizer.piece(int(id_)) for id_ in tokenizer.encode("\n")]
        rows.append(_equal("pieces of a line end", "<0x0A>", " ".join(line_end).replace(SPACE_MARK, "").strip()))
    if not settings.allow_whitespace_only_pieces:
        blank = [piece for piece in normal if not piece.strip(SPACE_MARK)]
        rows.append(_equal("pieces of spaces only", SPACE_MARK, " ".join(blank)))
    table = [(figure, str(expected), str(found), holds) for figure, expected, found, holds in rows]
    return pa.Table.from_pylist([dict(zip(FIGURES_SCHEMA.names, row, strict=True)) for row in table], FIGURES_SCHEMA)


def _equal(figure: str, expected: object, found: object) -> tuple[str, object, object, bool]:
    return figure, expected, found, expected == found
