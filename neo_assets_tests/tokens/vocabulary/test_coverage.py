from __future__ import annotations

import sys

import pyarrow as pa
import pytest

from neo_assets.tokens.vocabulary import coverage
from neo_assets.tokens.vocabulary.coverage import (
    N_SCALARS,
    lossy_in_context,
    lossy_texts,
    unicode_blocks,
    unicode_table,
)
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SMALL


def test_blocks_are_all_of_unicode_but_surrogates() -> None:
    seen = [code_point for _, first, last in unicode_blocks() for code_point in range(first, last + 1)]
    assert seen == [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]
    assert len(seen) == N_SCALARS == 1_112_064
    named = {name: (first, last) for name, first, last in unicode_blocks()}
    assert named["CJK Unified Ideographs"] == (0x4E00, 0x9FFF)
    assert named["Supplementary Private Use Area-B"] == (0x100000, 0x10FFFF)


def test_losses_are_found_one_by_one(small_sample: pa.Table) -> None:
    chosen = SMALL.model_copy(update={"normalization": "nfkc"})
    lossy = Tokenizer(train_tokenizer(small_sample, chosen, 1), chosen)
    texts = ["a", "ﬁ", "中", "①", "Ａ"]
    assert lossy_texts(lossy, texts, lossy.encode_batch(texts)) == ["ﬁ", "①", "Ａ"]
    assert lossy_in_context(lossy, texts) == ["ﬁ", "①", "Ａ"]


def test_rows_of_a_block(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [("Basic Latin", 0, 0x7F), ("Plane 16", 0x10FF80, 0x10FFFF), ("CJK", 0x4E00, 0x4EFF)]
    monkeypatch.setattr(coverage, "unicode_blocks", lambda: iter(blocks))
    latin, last, cjk = unicode_table(tokenizer).to_pylist()
    assert (latin["scalars"], latin["assigned"], latin["tokens"], latin["plane"]) == (128, 128, 128, 0)
    assert latin["own_pieces"] == sum(len(tokenizer.piece(int(tokenizer.encode(chr(c))[0]))) == 1 for c in range(128))
    assert (last["plane"], last["own_pieces"], last["tokens"], last["last"]) == (16, 0, 4 * 128, "U+10FFFF")
    assert last["assigned"] == 126  # private use, less the two non-characters
    assert 0 < cjk["own_pieces"] < 256
    assert cjk["tokens"] == cjk["own_pieces"] + 3 * (256 - cjk["own_pieces"])
    for row in (latin, last, cjk):
        assert (row["lossy_alone"], row["lossy_in_context"], row["with_unk"], row["first_lossy"]) == (0, 0, 0, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tokenizer", "prefixed_tokenizer"])
def test_nothing_of_unicode_is_lost(name: str, request: pytest.FixtureRequest) -> None:
    table = unicode_table(request.getfixturevalue(name)).to_pydict()
    assert sum(table["scalars"]) == N_SCALARS
    assert sum(table["lossy_alone"]) == sum(table["lossy_in_context"]) == sum(table["with_unk"]) == 0
