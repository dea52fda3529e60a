from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.tokens.vocabulary.pieces import Vocabulary
from neo_assets.tokens.vocabulary.report import REPORT_SCHEMA, measure, tally_batch
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SMALL


def tokenizer_report(documents: pa.Table | Iterable[pa.RecordBatch], tokenizer: Tokenizer) -> pa.Table:
    return measure(documents.to_batches() if isinstance(documents, pa.Table) else documents, tokenizer).report()


HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
TEXTS = (
    "the  cat's\nhat",
    "三國\u3000ab 。",
    "\U0001f600\n",
    "",
    "def f(x):\n    \treturn 2024\n\n  y",
    "\n\n  ",
    "𠀀三",
)


def naive(text: str, tokenizer: Tokenizer) -> dict[str, int]:
    """The counts by their definition, one piece after another."""
    pieces = [tokenizer.piece(int(i)) for i in tokenizer.encode(text)]
    is_byte = [re.fullmatch("<0x..>", piece) is not None for piece in pieces]
    blank = [p in {f"<0x{b:02X}>" for b in b"\t\n\v\f\r "} or not p.replace("\u2581", "").strip() for p in pieces]
    indentation, at_start = 0, True
    for piece, white in zip(pieces, blank, strict=True):
        if piece == "<0x0A>":
            at_start = True
        elif not white:
            at_start = False
        elif at_start:
            indentation += 1
    return {
        "documents": 1,
        "characters": len(text),
        "bytes": len(text.encode()),
        "tokens": len(pieces),
        "byte_tokens": sum(is_byte) - pieces.count("<0x0A>"),
        "newline_tokens": pieces.count("<0x0A>"),
        "unk_tokens": 0,
        "lossy_documents": 0,
        "whitespace_tokens": sum(blank),
        "indentation_characters": sum(len(run) for run in re.findall(r"(?m)^[ \t]+", text)),
        "indentation_tokens": indentation,
        "digit_tokens": sum(c in "0123456789" for c in text),
        "joined_digit_tokens": 0,
        "cjk_characters": len(HAN.findall(text)),
        "cjk_types": len(set(HAN.findall(text))),
        "cjk_tokens": sum(HAN.search(piece) is not None for piece in pieces),
        "pieces_used": len(set(pieces)),
    }


def check(texts: list[str], tokenizer: Tokenizer) -> None:
    """Each text as a subset of its own."""
    batch = pa.RecordBatch.from_pydict({"subset": [f"{i:02}" for i in range(len(texts))], "text": texts})
    *rows, total = tokenizer_report([batch], tokenizer).to_pylist()
    expected = [naive(text, tokenizer) for text in texts]
    assert [{name: row[name] for name in expected[0]} for row in rows] == expected
    assert total["tokens"] == sum(row["tokens"] for row in rows)


def test_counts_are_the_definition(tokenizer: Tokenizer) -> None:
    check(list(TEXTS), tokenizer)


SPOILT = "\n\n\t   ab1三國\u3000\u2581𠀀é"
LETTERS = st.text(st.sampled_from(SPOILT)) | st.text(st.characters(exclude_categories=("Cs",)))


@settings(max_examples=25, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=8))
def test_counts_of_any_text_are_the_definition(tokenizer: Tokenizer, texts: list[str]) -> None:
    # Without the line ends that the regular expressions of Arrow and of Python take differently.
    check([re.sub("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "", text) for text in texts], tokenizer)


def test_words(tokenizer: Tokenizer) -> None:
    batch = pa.RecordBatch.from_pydict({"subset": ["a", "b", "c", "d"], "text": list(TEXTS[:4])})
    # the, cat's, hat; 三, 國, ab, 。; the emoji; none.
    assert tokenizer_report([batch], tokenizer)["words"].to_pylist() == [3, 4, 1, 0, 8]


def test_report_on_real_text(documents: pa.Table, tokenizer: Tokenizer) -> None:
    small = documents.take(list(range(0, documents.num_rows, 12)))
    *rows, total = tokenizer_report(small, tokenizer).to_pylist()
    encoded = tokenizer.encode_batch(small["text"].to_pylist())
    assert (total["subset"], total["documents"], total["lossy_documents"]) == ("all", small.num_rows, 0)
    assert total["tokens"] == sum(len(ids) for ids in encoded)
    _, counts = np.unique(np.concatenate(encoded), return_counts=True)
    shares = counts / counts.sum()
    assert total["entropy_nats"] == pytest.approx(-(shares * np.log(shares)).sum())
    by_name = {row["subset"]: row for row in rows}
    assert by_name["novel_en"]["characters_per_token"] > 2 > by_name["novel_zh"]["characters_per_token"] > 0.5
    assert by_name["novel_en"]["cjk_coverage"] is None
    for row in rows:
        if row["cjk_tokens"]:
            assert sum(row[f"cjk_{n}_share"] for n in (1, 2, 3, "longer")) == pytest.approx(1)
            assert 0 < row["cjk_type_coverage"] <= row["cjk_coverage"] <= 1


def test_coverage_of_chinese_is_the_share_with_own_pieces(tokenizer: Tokenizer) -> None:
    # 的 is in every Chinese vocabulary; 龘 and 𠀀 are not in the sample.
    batch = pa.RecordBatch.from_pydict({"subset": ["x"], "text": ["的的龘的𠀀 a"]})
    row = tokenizer_report([batch], tokenizer).to_pylist()[0]
    assert (row["cjk_characters"], row["cjk_types"]) == (5, 3)
    assert row["cjk_coverage"] == pytest.approx(3 / 5)
    assert row["cjk_type_coverage"] == pytest.approx(1 / 3)


def test_tallies_of_parts_add_up_in_any_order(documents: pa.Table, tokenizer: Tokenizer) -> None:
    small = documents.slice(0, 90)
    parts = [batch for part in (small.slice(50), small.slice(0, 50)) for batch in part.to_batches(max_chunksize=7)]
    assert tokenizer_report(iter(parts), tokenizer).equals(tokenizer_report(small, tokenizer))
    assert tokenizer_report(small.slice(0, 0), tokenizer).schema == REPORT_SCHEMA
    uses = measure(parts, tokenizer).uses
    assert uses.sum() == tokenizer_report(small, tokenizer)["tokens"][-1].as_py()


def test_a_lossy_setting_is_seen(small_sample: pa.Table) -> None:
    chosen = SMALL.model_copy(update={"remove_extra_whitespaces": True})
    lossy = Tokenizer(train_tokenizer(small_sample, chosen, 1), chosen)
    batch = pa.RecordBatch.from_pydict({"subset": ["x", "y"], "text": ["if a:\n    b", "a b"]})
    tallies = tally_batch(batch, Vocabulary(lossy))
    assert [tallies[name].sums["lossy_documents"] for name in ("x", "y")] == [1, 0]
    assert tokenizer_report([batch], lossy)["unk_token_share"][0].as_py() == pytest.approx(0.0)
