"""How well a tokenizer fits each subset: compression, fertility, Chinese, digits, white space, fallback, losses.

Documents are read once, batch by batch. What is kept per subset is a few sums, how often each id was used and how often
each Chinese character occurred; the rest follows from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.entropy import unigram_entropy
from neo_assets.tokens.vocabulary.pieces import CJK_RANGES, Counts, Flags, Vocabulary, is_cjk
from neo_assets.tokens.vocabulary.public import PublicTokenizer, comparison_table
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

WORD = r"\p{Han}|[^\s\p{Z}\p{Han}]+"
"""A word, for fertility: a run of characters between spaces, or one Chinese character."""
INDENTATION = r"(?m)^[ \t]+"
"""Spaces and tabs at the start of a line."""
BATCH_DOCUMENTS = 512
ALL = "all"

SUMS = ("documents", "characters", "bytes", "words", "indentation_characters", "indentation_tokens", "lossy_documents")
COUNTS = (
    *("documents", "characters", "bytes", "words", "tokens"),
    *("byte_tokens", "newline_tokens", "unk_tokens", "lossy_documents"),
    *("whitespace_tokens", "indentation_characters", "indentation_tokens", "digit_tokens", "joined_digit_tokens"),
    *("cjk_characters", "cjk_types", "cjk_tokens", "pieces_used"),
)
RATIOS = (
    *("characters_per_token", "bytes_per_token", "tokens_per_word", "byte_token_share", "unk_token_share"),
    *("whitespace_token_share", "cjk_coverage", "cjk_type_coverage"),
    *("cjk_1_share", "cjk_2_share", "cjk_3_share", "cjk_longer_share", "entropy_nats"),
)
REPORT_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        *(pa.field(name, pa.int64()) for name in COUNTS),
        *(pa.field(name, pa.float64()) for name in RATIOS),
    ]
)
"""`byte_tokens` are byte-fallback pieces but for line ends (`newline_tokens`), which have no other piece.
`whitespace_tokens`: pieces of white space only, line ends included; `indentation_tokens`: those at the start of a line.
`joined_digit_tokens`: pieces that hold a digit and more, none where digits are split.
`cjk_coverage`: share of the Chinese characters that are a piece of their own, by frequency and by type;
`cjk_n_share`: share of the pieces that hold a Chinese character which have n characters.
`entropy_nats`: entropy of the distribution of ids, the loss of a model that knows nothing else, in nats per token."""


def _n_cjk() -> int:
    return sum(end - start for start, end in CJK_RANGES)


@dataclass(frozen=True)
class Tally:
    """What was counted over some documents; tallies of parts add up to that of the whole."""

    sums: dict[str, int]  # of `SUMS`
    ids: Counts  # how often each id occurred
    cjk: Counts  # how often each character of CJK_RANGES occurred
    public: dict[str, int] = field(default_factory=dict)  # tokens of other tokenizers, by name

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            {name: value + other.sums[name] for name, value in self.sums.items()},
            self.ids + other.ids,
            self.cjk + other.cjk,
            {name: value + other.public[name] for name, value in self.public.items()},
        )


@dataclass(frozen=True)
class Measurement:
    """Tallies per subset of a tokenizer, and of public ones on the same texts."""

    tallies: Mapping[str, Tally]
    vocabulary: Vocabulary
    compared: Sequence[PublicTokenizer] = ()

    @property
    def uses(self) -> Counts:
        """How often each id occurred."""
        total = np.zeros(len(self.vocabulary.kinds), np.int64)
        for tally in self.tallies.values():
            total += tally.ids
        return total

    def report(self) -> pa.Table:
        """`REPORT_SCHEMA`: a row per subset by name, one for all. Source: MAP-Neo §3 (characters per token)."""
        rows = [_row(name, tally, self.vocabulary, own_cjk(self.vocabulary)) for name, tally in self._with_all()]
        return pa.Table.from_pylist(rows, schema=REPORT_SCHEMA)

    def comparison(self) -> pa.Table:
        """`public.COMPARISON_SCHEMA`: this tokenizer and the public ones, per subset and for all."""
        rows = [(name, tally.sums, int(tally.ids.sum()), tally.public) for name, tally in self._with_all()]
        return comparison_table(rows, self.compared, self.vocabulary.tokenizer.settings.n_ids)

    def _with_all(self) -> list[tuple[str, Tally]]:
        named = sorted(self.tallies.items())
        if not named:
            return []
        total = named[0][1]
        for _, tally in named[1:]:
            total = total + tally
        return [*named, (ALL, total)]


def measure(
    batches: Iterable[pa.RecordBatch], tokenizer: Tokenizer, compared: Sequence[PublicTokenizer] = ()
) -> Measurement:
    """Count over batches of documents (`subset`, `text`), in one pass and in bounded memory.

    Every text is encoded, decoded again and compared. End-of-document tokens are not counted.
    """
    tallies: dict[str, Tally] = {}
    vocabulary = Vocabulary(tokenizer)
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_DOCUMENTS):
            for name, tally in tally_batch(batch.slice(start, BATCH_DOCUMENTS), vocabulary, compared).items():
                tallies[name] = tallies[name] + tally if name in tallies else tally
    return Measurement(tallies, vocabulary, compared)


def tally_batch(
    batch: pa.RecordBatch, vocabulary: Vocabulary, compared: Sequence[PublicTokenizer] = ()
) -> dict[str, Tally]:
    """The tally of each subset in a batch of documents (`subset`, `text`)."""
    subsets = batch.column("subset").cast(pa.string())
    return {
        name: _tally(batch.filter(pc.equal(subsets, name)).column("text"), vocabulary, compared)
        for name in sorted(pc.unique(subsets).to_pylist())
    }


def _tally(column: pa.Array, vocabulary: Vocabulary, compared: Sequence[PublicTokenizer]) -> Tally:
    column, tokenizer = column.cast(pa.large_string()), vocabulary.tokenizer
    texts = column.to_pylist()
    encoded = tokenizer.encode_batch(texts)
    lossy = sum(tokenizer.decode(ids) != text for ids, text in zip(encoded, texts, strict=True))
    indents = pc.replace_substring_regex(column, INDENTATION, "")
    lengths = int(pc.sum(pc.utf8_length(column)).as_py() or 0)
    sums = {
        "documents": len(texts),
        "characters": lengths,
        "bytes": int(pc.sum(pc.binary_length(column)).as_py() or 0),
        "words": int(pc.sum(pc.count_substring_regex(column, WORD)).as_py() or 0),
        "indentation_characters": lengths - int(pc.sum(pc.utf8_length(indents)).as_py() or 0),
        "indentation_tokens": _indentation_tokens(encoded, vocabulary),
        "lossy_documents": lossy,
    }
    code_points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    ids = np.concatenate([np.empty(0, np.int32), *encoded])
    return Tally(
        sums,
        np.bincount(ids, minlength=len(vocabulary.kinds)).astype(np.int64),
        np.bincount(_cjk_places(code_points), minlength=_n_cjk()).astype(np.int64),
        {other.name: int(other.encode_lengths(texts).sum()) for other in compared},
    )


def _cjk_places(code_points: npt.NDArray[np.uint32]) -> Counts:
    """The place within `CJK_RANGES` of each Chinese character."""
    found = code_points[is_cjk(code_points)].astype(np.int64)
    places, before = found.copy(), 0
    for start, end in CJK_RANGES:
        inside = (found >= start) & (found < end)
        places[inside] = found[inside] - start + before
        before += end - start
    return places


def own_cjk(vocabulary: Vocabulary) -> Flags:
    """Which characters of `CJK_RANGES` are a piece."""
    own = vocabulary.own_characters
    return np.array([chr(code_point) in own for start, end in CJK_RANGES for code_point in range(start, end)])


def _indentation_tokens(encoded: Sequence[npt.NDArray[np.int32]], vocabulary: Vocabulary) -> int:
    """Blank tokens between a line's start and its first other token. A last space joined to a word is not one."""
    ends = np.cumsum([len(ids) + 1 for ids in encoded])
    line_start = np.ones(int(ends[-1]) if len(ends) else 0, np.bool_)  # one place more per document: its start
    blank = np.zeros(line_start.shape, np.bool_)
    for ids, end in zip(encoded, ends.tolist(), strict=True):
        line_start[end - len(ids) : end] = vocabulary.line_ends[ids]
        blank[end - len(ids) : end] = (vocabulary.blank & ~vocabulary.line_ends)[ids]
    last_other = np.maximum.accumulate(np.where(blank, 0, np.arange(blank.size)))
    return int(np.count_nonzero(blank & line_start[last_other]))


def _row(subset: str, tally: Tally, vocabulary: Vocabulary, own: Flags) -> dict[str, object]:
    tokenizer, ids, sums = vocabulary.tokenizer, tally.ids, tally.sums
    tokens, byte_ids = int(ids.sum()), tokenizer.byte_ids
    newlines = int(ids[vocabulary.line_ends].sum())
    with_cjk = vocabulary.cjk_characters > 0
    cjk_tokens, cjk_total = int(ids[with_cjk].sum()), int(tally.cjk.sum())
    seen = tally.cjk > 0
    whitespace = int(ids[vocabulary.blank].sum())
    length = np.where(with_cjk, np.minimum(vocabulary.characters, 4), 0)
    shares = [_ratio(int(ids[length == n].sum()), cjk_tokens) for n in (1, 2, 3, 4)]
    return {
        "subset": subset,
        **{name: value for name, value in sums.items() if name in COUNTS},
        "tokens": tokens,
        "byte_tokens": int(ids[byte_ids.start : byte_ids.stop].sum()) - newlines,
        "newline_tokens": newlines,
        "unk_tokens": int(ids[tokenizer.settings.unk_id]),
        "whitespace_tokens": whitespace,
        "digit_tokens": int(ids[vocabulary.digits].sum()),
        "joined_digit_tokens": int(ids[vocabulary.joined_digits].sum()),
        "cjk_characters": cjk_total,
        "cjk_types": int(np.count_nonzero(seen)),
        "cjk_tokens": cjk_tokens,
        "pieces_used": int(np.count_nonzero(ids)),
        "characters_per_token": _ratio(sums["characters"], tokens),
        "bytes_per_token": _ratio(sums["bytes"], tokens),
        "tokens_per_word": _ratio(tokens, sums["words"]),
        "byte_token_share": _ratio(int(ids[byte_ids.start : byte_ids.stop].sum()) - newlines, tokens),
        "unk_token_share": _ratio(int(ids[tokenizer.settings.unk_id]), tokens),
        "whitespace_token_share": _ratio(whitespace, tokens),
        "cjk_coverage": _ratio(int(tally.cjk[own].sum()), cjk_total),
        "cjk_type_coverage": _ratio(int(np.count_nonzero(seen & own)), int(np.count_nonzero(seen))),
        **dict(zip(("cjk_1_share", "cjk_2_share", "cjk_3_share", "cjk_longer_share"), shares, strict=True)),
        "entropy_nats": unigram_entropy(ids) if tokens else None,
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
