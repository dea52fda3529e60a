"""Whether a tokenizer loses any of Unicode: every scalar value, alone and between other text, block by block."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.tokens.vocabulary.pieces import Vocabulary
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

SURROGATES = range(0xD800, 0xE000)
N_CODE_POINTS = 0x110000
N_SCALARS = N_CODE_POINTS - len(SURROGATES)
CONTEXT = "a{0}b {0} \u4e2d{0}{0}\u3002\n{0}\t{0}"
"""What a character is put between: letters, spaces, Chinese, itself, a line's start, a tab, the end."""
AT_ONCE = 4096
IN_ONE_TEXT = 64

UNICODE_SCHEMA = pa.schema(
    [
        pa.field("plane", pa.int64()),
        pa.field("block", pa.string()),
        pa.field("first", pa.string()),
        pa.field("last", pa.string()),
        pa.field("scalars", pa.int64()),
        pa.field("assigned", pa.int64()),
        pa.field("own_pieces", pa.int64()),
        pa.field("with_unk", pa.int64()),
        pa.field("lossy_alone", pa.int64()),
        pa.field("lossy_in_context", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("first_lossy", pa.string()),
    ]
)
"""`assigned` by this Python's Unicode data. `own_pieces`: characters that are a piece. `with_unk`: those encoded with
the unknown token. `tokens`: of all characters alone. `first_lossy`: the first character that came back changed."""


def unicode_blocks() -> Iterator[tuple[str, int, int]]:
    """Name, first and last code point of each block, without surrogates, planes apart; together all of Unicode."""
    from fontTools.unicodedata import Blocks

    ends = [*Blocks.RANGES[1:], N_CODE_POINTS]
    for start, end, name in zip(Blocks.RANGES, ends, Blocks.VALUES, strict=True):
        label = name.replace("_", " ") if name != "No_Block" else "(no block)"
        while start < end:
            stop = min(end, (start | 0xFFFF) + 1)
            if start not in SURROGATES:
                yield label, start, stop - 1
            start = stop


def unicode_table(tokenizer: Tokenizer) -> pa.Table:
    """`UNICODE_SCHEMA`: a row per block over all 1,112,064 scalar values. A few seconds of one core."""
    own = Vocabulary(tokenizer).own_characters
    rows = [_block_row(tokenizer, own, *block) for block in unicode_blocks()]
    return pa.Table.from_pylist(rows, schema=UNICODE_SCHEMA)


def _block_row(tokenizer: Tokenizer, own: frozenset[str], name: str, first: int, last: int) -> dict[str, object]:
    characters = [chr(code_point) for code_point in range(first, last + 1)]
    tokens = with_unk = 0
    alone: list[str] = []
    surrounded: list[str] = []
    for start in range(0, len(characters), AT_ONCE):
        some = characters[start : start + AT_ONCE]
        encoded = tokenizer.encode_batch(some)
        tokens += sum(map(len, encoded))
        numbers = np.repeat(np.arange(len(some)), [len(ids) for ids in encoded])
        with_unk += len(np.unique(numbers[np.concatenate(encoded) == tokenizer.settings.unk_id]))
        alone += lossy_texts(tokenizer, some, encoded)
        surrounded += lossy_in_context(tokenizer, some)
    lossy = sorted({*alone, *surrounded})
    return {
        "plane": first >> 16,
        "block": name,
        "first": f"U+{first:04X}",
        "last": f"U+{last:04X}",
        "scalars": len(characters),
        "assigned": sum(unicodedata.category(character) != "Cn" for character in characters),
        "own_pieces": sum(character in own for character in characters),
        "with_unk": with_unk,
        "lossy_alone": len(alone),
        "lossy_in_context": len(surrounded),
        "tokens": tokens,
        "first_lossy": f"U+{ord(lossy[0]):04X}" if lossy else None,
    }


def lossy_in_context(tokenizer: Tokenizer, characters: Sequence[str]) -> list[str]:
    """The characters that change, or change their surroundings, in `CONTEXT`."""
    texts = [CONTEXT.format(character) for character in characters]
    places = range(0, len(texts), IN_ONE_TEXT)
    joined = ["".join(texts[start : start + IN_ONE_TEXT]) for start in places]
    if not lossy_texts(tokenizer, joined, tokenizer.encode_batch(joined)):
        return []
    lossy = set(lossy_texts(tokenizer, texts, tokenizer.encode_batch(texts)))
    return [character for character, text in zip(characters, texts, strict=True) if text in lossy]


def lossy_texts(tokenizer: Tokenizer, texts: Sequence[str], encoded: Sequence[npt.NDArray[np.int32]]) -> list[str]:
    """The texts that do not decode to themselves, in order."""
    return [text for text, back in zip(texts, tokenizer.decode_batch(encoded), strict=True) if back != text]
