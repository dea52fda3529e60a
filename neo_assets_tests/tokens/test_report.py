from __future__ import annotations

import pyarrow as pa
import pytest

from neo_assets.tokens.report import REPORT_SCHEMA, add_counts, count_batch, report_of_counts, tokenizer_report
from neo_assets.tokens.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SMALL


def test_counts_are_the_definition(tokenizer: Tokenizer) -> None:
    texts = ["the  cat's\nhat", "三國\u3000ab 。", "\U0001f600\n", ""]
    rows = count_batch(pa.RecordBatch.from_pydict({"subset": ["x"] * 4, "text": texts}), tokenizer).to_pylist()
    for row, text in zip(rows, texts, strict=True):
        pieces = [tokenizer.piece(i) for i in tokenizer.encode(text)]
        assert (row["characters"], row["bytes"], row["tokens"]) == (len(text), len(text.encode()), len(pieces))
        assert row["newline_tokens"] == pieces.count("<0x0A>")
        assert row["byte_tokens"] == sum(piece.startswith("<0x") for piece in pieces) - pieces.count("<0x0A>")
        assert (row["unk_tokens"], row["lossy_documents"], row["documents"]) == (0, 0, 1)
    # the, cat's, hat; 三, 國, ab, 。; the emoji; none.
    assert [row["words"] for row in rows] == [3, 4, 1, 0]
    assert rows[2]["byte_tokens"] == 4


def test_report_on_real_text(documents: pa.Table, tokenizer: Tokenizer) -> None:
    small = documents.take(list(range(0, documents.num_rows, 12)))
    *rows, total = tokenizer_report(small, tokenizer).to_pylist()
    assert total["subset"] == "all"
    assert total["documents"] == small.num_rows
    assert total["lossy_documents"] == 0
    assert total["tokens"] == sum(len(ids) for ids in tokenizer.encode_batch(small["text"].to_pylist()))
    by_name = {row["subset"]: row for row in rows}
    assert by_name["novel_en"]["characters_per_token"] > 2 > by_name["novel_zh"]["characters_per_token"] > 0.5


def test_parts_counted_apart_give_the_same_report(documents: pa.Table, tokenizer: Tokenizer) -> None:
    small = documents.slice(0, 90)
    halves = [
        add_counts(count_batch(b, tokenizer) for b in part.to_batches())
        for part in (small.slice(50), small.slice(0, 50))
    ]
    assert report_of_counts(add_counts(halves)).equals(tokenizer_report(small, tokenizer))
    assert tokenizer_report(small.slice(0, 0), tokenizer).schema == REPORT_SCHEMA


def test_a_lossy_setting_is_seen(small_sample: pa.Table) -> None:
    settings = SMALL.model_copy(update={"remove_extra_whitespaces": True})
    lossy = Tokenizer(train_tokenizer(small_sample, settings, 1), settings)
    batch = pa.RecordBatch.from_pydict({"subset": ["x", "x"], "text": ["if a:\n    b", "a b"]})
    assert count_batch(batch, lossy)["lossy_documents"].to_pylist() == [1, 0]
    assert pytest.approx(0.0) == report_of_counts(add_counts([count_batch(batch, lossy)]))["unk_token_share"][0].as_py()
