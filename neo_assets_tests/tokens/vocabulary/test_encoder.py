"""The integer tables give SentencePiece's own ids: SentencePiece is the reference of every test here."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neo_assets.tokens.vocabulary import bpe, segments
from neo_assets.tokens.vocabulary.encoder import Encoder, unsupported
from neo_assets.tokens.vocabulary.model_file import PieceType, TokenizerError, read_model_file
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SMALL, seed_documents
from neo_assets_tests.tokens.model_files import RESERVED, Piece, model_bytes

CODE = (
    """def main(argv):
    if argv[0] == "x":\t# comment 12345
        return {'key': [1, 2.5e10], "other": None}    \n\n\n
class A_b1(Base):  pass  \r\n"""
    * 5
)
HARD = "\x00\t\r\n\x0b \x85\xa0\u2028\u2585\u3000\ufeff\ufffd\ufffe\u0301\u200d\U0001f600\U0010ffff"
PLANES = st.integers(0, 16).flatmap(
    lambda plane: st.integers(plane << 16, (plane << 16) + 0xFFFF).filter(lambda c: not 0xD800 <= c < 0xE000).map(chr)
)
WORDS = (
    "the",
    " and",
    "    ",
    "return",
    "中国",
    "人民法院",
    "2024",
    "don't",
    "<0x41>",
    "<s>",
    "<unk>",
    "\u2581",
    "ab" * 30,
)
TEXT = st.lists(
    PLANES | st.sampled_from(WORDS) | st.sampled_from(HARD) | st.characters(exclude_categories=["Cs"]), max_size=40
).map("".join)

CHANGES: dict[str, dict[str, Any]] = {
    "published": {"add_dummy_prefix": True},
    "no prefix": {},
    "runs of spaces": {"allow_whitespace_only_pieces": True},
    "runs of spaces, prefix": {"allow_whitespace_only_pieces": True, "add_dummy_prefix": True},
    "across spaces": {"split_by_whitespace": False, "split_by_unicode_script": False, "add_dummy_prefix": True},
    "digits together": {"split_digits": False, "split_by_number": False, "max_piece_characters": 40},
    "few characters": {"vocab_size": 1450},
}  # fmt: skip


@cache
def trained(name: str) -> Tokenizer:
    texts = seed_documents()["text"].to_pylist()
    texts = [*random.Random(1).sample(texts, 40), CODE]
    sample = pa.table({"doc_id": [f"{i:03}" for i in range(len(texts))], "text": texts, "copies": [1] * len(texts)})
    chosen = SMALL.model_copy(update=CHANGES[name])
    return Tokenizer(train_tokenizer(sample, chosen, 1), chosen)


def own(tokenizer: Tokenizer, text: str) -> list[int]:
    """SentencePiece's ids; what the wrapper makes of U+2581 is tested by itself."""
    ids: list[int] = tokenizer._encode_with_model([text])[0].tolist()
    return ids


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=150)
@given(TEXT)
@example("")
@example(" ")
@example("\u2581")
@example("\u2581the\u2581\u2581 the")
@example("  a  " * 20)
@example("\x00")
def test_any_text_gets_sentencepieces_ids(name: str, text: str) -> None:
    tokenizer = trained(name)
    assert tokenizer._encoder is not None
    assert tokenizer.encode(text).tolist() == own(tokenizer, text)


@pytest.mark.parametrize("name", CHANGES)
def test_real_texts_get_sentencepieces_ids(name: str) -> None:
    tokenizer = trained(name)
    texts = [*seed_documents()["text"].to_pylist()[::9], CODE, "ab" * 5000, " " * 5000, "的" * 3000, "x" * 3000]
    ours = tokenizer.encode_batch(texts)
    for text, ids in zip(texts, ours, strict=True):
        assert ids.tolist() == own(tokenizer, text)


def test_every_code_point_gets_its_ids_alone_and_beside_others() -> None:
    tokenizer = trained("published")
    points = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and code != 0x2581]
    texts = ["".join(points[i : i + 500]) for i in range(0, len(points), 500)] + [f"a {c}\n" for c in points[::101]]
    for ids, theirs in zip(tokenizer.encode_batch(texts), tokenizer._model.encode_as_numpy(texts), strict=True):
        assert np.array_equal(ids, theirs)


PIECES = st.lists(
    st.tuples(st.text("ab\u2581中\U0001f600", min_size=1, max_size=6), st.integers(-4, 0)),
    min_size=1, max_size=25, unique_by=lambda piece: piece[0],
)  # fmt: skip


@settings(max_examples=300)
@given(PIECES, st.lists(st.text("ab 中\U0001f600x", max_size=100), max_size=4), st.booleans())
def test_any_pieces_with_equal_scores_and_characters_that_are_no_pieces(
    pieces: list[tuple[str, int]], texts: list[str], dummy_prefix: bool
) -> None:
    chosen = [(name, float(score), int(PieceType.NORMAL)) for name, score in pieces if name != "\u2581"]
    data = model_bytes([*RESERVED, *chosen, ("\u2581", -9.0, PieceType.NORMAL)], dummy_prefix=dummy_prefix)
    reference = sentencepiece.SentencePieceProcessor(model_proto=data)
    encoder = Encoder(read_model_file(data))
    for _ in range(2):  # the second time from the memo
        assert [ids.tolist() for ids in encoder.encode(texts)] == [reference.encode(text) for text in texts]


def test_both_ways_to_merge_agree() -> None:
    tokenizer = trained("across spaces")
    assert tokenizer._encoder is not None
    tables = tokenizer._encoder._tables
    draw = random.Random(2)
    for _ in range(200):
        text = "".join(
            draw.choice(("the ", "and", " of", "的", "国人", "一", "s")) for _ in range(draw.randrange(1, 150))
        )
        symbols = tables.symbol_of[[ord(c) for c in text]].astype(np.int32)
        assert (symbols >= 0).all()
        scanned, heaped, pairs = symbols.copy(), symbols.copy(), np.empty(len(symbols), np.int32)
        n_scanned = bpe._merge_scanning(scanned, len(symbols), tables.merges, tables.ranks, pairs)
        n_heaped = bpe._merge_with_heap(heaped, len(symbols), tables.merges, tables.ranks, pairs)
        assert scanned[:n_scanned].tolist() == heaped[:n_heaped].tolist()
        assert n_scanned < len(symbols) or len(symbols) < 9


def test_a_full_memo_is_emptied_and_forgets_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = trained("published")
    encoder = Encoder(tokenizer._file)
    encoder._own.memo = segments.new_memo(n_slots=16, n_numbers=400)
    for text in [*seed_documents()["text"].to_pylist()[:20], CODE]:
        assert encoder.encode([text])[0].tolist() == own(tokenizer, text)
    assert encoder._own.memo.used[1] <= 9


def test_threads_share_an_encoder() -> None:
    tokenizer = trained("published")
    texts = seed_documents()["text"].to_pylist()[:200]
    expected = [ids.tolist() for ids in tokenizer.encode_batch(texts)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: tokenizer.encode(text).tolist(), texts))
    assert found == expected


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string()])
def test_arrow_arrays_slices_and_ends(type_: pa.DataType) -> None:
    tokenizer = trained("published")
    texts = ["skip", "the end", "", "中国", "\u2581", "last"]
    array = pa.array(texts, type_).slice(1, 4)
    expected = [tokenizer.encode(text).tolist() for text in texts[1:5]]
    ids, offsets = tokenizer.encode_arrow(array)
    assert [ids[a:b].tolist() for a, b in pairwise(offsets)] == expected
    ids, offsets = tokenizer.encode_arrow(array, end=7)
    assert [ids[a:b].tolist() for a, b in pairwise(offsets)] == [[*e, 7] for e in expected]
    ids, offsets = tokenizer.encode_arrow(array.slice(0, 0))
    assert (ids.tolist(), offsets.tolist()) == ([], [0])
    with pytest.raises(TokenizerError, match="1 of 2 texts are null"):
        tokenizer.encode_arrow(pa.array(["a", None], type_))


NORMAL = [*RESERVED, ("\u2581", -1.0, PieceType.NORMAL), ("a", -2.0, PieceType.NORMAL)]
INEXPRESSIBLE: dict[str, tuple[list[Piece], dict[str, Any]]] = {
    "not BPE": (NORMAL, {"model_type": 1}),
    "no byte fallback": (NORMAL, {"byte_fallback": False}),
    "user-defined": ([*NORMAL, ("<x>", 0.0, PieceType.USER_DEFINED)], {}),
    "unused": ([*NORMAL, ("aa", 0.0, PieceType.UNUSED)], {}),
    "strips spaces": (NORMAL, {"strips_spaces": True}),
    "rewrites text": (NORMAL, {"charsmap": b"x"}),
    "leaves spaces": (NORMAL, {"escapes_spaces": False}),
    "space as suffix": (NORMAL, {"space_as_suffix": True}),
    "no space piece": ([*RESERVED, ("a", -2.0, PieceType.NORMAL)], {}),
    "reserved character": ([*NORMAL, ("b", 0.0, PieceType.CONTROL)], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", INEXPRESSIBLE)
def test_what_tables_cannot_express_is_named(name: str) -> None:
    pieces, changes = INEXPRESSIBLE[name]
    model = read_model_file(model_bytes(pieces, **changes))
    assert unsupported(read_model_file(model_bytes(NORMAL))) is None
    with pytest.raises(ValueError, match=unsupported(model) or "no reason"):
        Encoder(model)


@pytest.mark.parametrize(
    "changes",
    [{"byte_fallback": False, "vocab_size": 1200}, {"remove_extra_whitespaces": True}, {"normalization": "nfkc"}],
)
def test_what_tables_cannot_express_is_left_to_sentencepiece(changes: dict[str, object]) -> None:
    texts = [*seed_documents()["text"].to_pylist()[:60:3], CODE]
    sample = pa.table({"doc_id": [f"{i:03}" for i in range(len(texts))], "text": texts, "copies": [1] * len(texts)})
    chosen = SMALL.model_copy(update={"vocab_size": 1500, **changes})
    tokenizer = Tokenizer(train_tokenizer(sample, chosen, 1), chosen)
    assert tokenizer._encoder is None
    assert tokenizer.encode("  the\ufb01  中").tolist() == tokenizer._model.encode("  the\ufb01  中")
    ids, offsets = tokenizer.encode_arrow(pa.array(["the", "", "中"]), end=3)
    expected = [[*tokenizer._model.encode(text), 3] for text in ("the", "", "中")]
    assert [ids[a:b].tolist() for a, b in pairwise(offsets)] == expected


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_rubbish_and_damaged_files_are_no_model_or_another(rubbish: bytes, cut: int) -> None:
    whole = model_bytes(NORMAL)
    for data in (rubbish, whole[: cut % len(whole)], whole[: cut % len(whole)] + rubbish):
        with suppress(TokenizerError):
            read_model_file(data)
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        read_model_file(whole[:-1])
