from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neo_assets.recipe.tokenizer import TokenizerSection
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, TokenizerError, train_tokenizer
from neo_assets.tokens.vocabulary.training import sample_lines, training_lines
from neo_assets_tests.tokens.helpers import SAMPLING, SMALL

HARD = "\x00\t\r\n\x0b \x85\xa0\u2028\u2581\u2585\u3000\ufeff\ufffd\ufffe\U0010ffff"
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(HARD + "the 中国。0123<0x41>"))
) | st.text(st.sampled_from(HARD + " the法"))


@settings(max_examples=300)
@given(TEXT)
@example("\u2581")
@example(" \u2581 the\u2581\u2581\n")
@example("<s></s><unk><0x0A><EOD>")
@example(" 2024  年\t")
def test_any_text_survives(tokenizer: Tokenizer, prefixed_tokenizer: Tokenizer, text: str) -> None:
    for each in (tokenizer, prefixed_tokenizer):
        ids = each.encode(text)
        assert ids.size == 0 or (ids.min() >= 0 and ids.max() < each.vocab_size)
        assert each.settings.bos_id not in ids
        assert each.settings.unk_id not in ids
        assert each.decode(ids) == text


@given(st.lists(TEXT, max_size=5))
def test_documents_in_one_stream_stay_apart(prefixed_tokenizer: Tokenizer, texts: list[str]) -> None:
    end = prefixed_tokenizer.end_of_document_id
    stream = np.concatenate(
        [np.append(ids, end) for ids in prefixed_tokenizer.encode_batch(texts)] or [np.empty(0, int)]
    )
    assert prefixed_tokenizer.decode(stream) == "".join(texts)
    assert prefixed_tokenizer.decode(stream, appended=True) == "".join(text + "<EOD>" for text in texts)


@given(st.lists(st.lists(st.integers(0, 2399), max_size=6), max_size=5))
@example([[], [], [5]])
def test_many_are_decoded_at_once_as_one_by_one(prefixed_tokenizer: Tokenizer, ids: list[list[int]]) -> None:
    encoded = [np.array(some, np.int32) for some in ids]
    assert prefixed_tokenizer.decode_batch(encoded) == [prefixed_tokenizer.decode(some) for some in encoded]


def test_ids_without_text_are_not_decoded_at_once(tokenizer: Tokenizer) -> None:
    for bad in (-1, tokenizer.vocab_size, tokenizer.end_of_document_id):
        with pytest.raises(TokenizerError, match=rf"ids must be 0 to {tokenizer.vocab_size - 1}, found .*{bad}"):
            tokenizer.decode_batch([np.array([5], np.int32), np.array([bad], np.int32)])


@given(TEXT)
def test_without_special_characters_the_ids_are_sentencepieces_own(prefixed_tokenizer: Tokenizer, text: str) -> None:
    text = text.replace("\u2581", "")
    assert prefixed_tokenizer.encode(text).tolist() == prefixed_tokenizer._model.encode(text)


def test_figures_of_the_published_model(tokenizer: Tokenizer) -> None:
    # Source: MAP-Neo's tokenizer.model as decoded (3 special, 256 byte pieces, digits split, no newline piece).
    assert [tokenizer.piece(i) for i in (0, 1, 2, 3, 258)] == ["<unk>", "<s>", "</s>", "<0x00>", "<0xFF>"]
    assert [tokenizer.piece(i) for i in tokenizer.encode("2024")] == ["2", "0", "2", "4"]
    assert [tokenizer.piece(i) for i in tokenizer.encode("\n")] == ["<0x0A>"]
    pieces = [tokenizer.piece(i) for i in range(259, tokenizer.vocab_size)]
    assert max(map(len, pieces)) <= 16
    assert all(piece in "0123456789" for piece in pieces if any("0" <= c <= "9" for c in piece))
    assert [p for p in pieces if not p.strip("\u2581")] == ["\u2581"]
    assert tokenizer.piece(tokenizer.end_of_document_id) == "<EOD>"


def test_published_ids_and_rows() -> None:
    # Source: MAP-Neo §8.3, §15.
    published = TokenizerSection(sampling=SAMPLING)
    assert (published.n_ids, published.end_of_document_id) == (64_005, 64_002)
    assert (published.vocab_rows(), published.vocab_rows(tensor_parallel=2)) == (64_128, 64_256)


@settings(max_examples=300)
@given(TEXT, st.integers(16, 40))
def test_training_lines_lose_only_reserved_characters(text: str, max_bytes: int) -> None:
    lines = list(training_lines(text, max_bytes))
    assert "".join(lines) == "".join(c for c in text if c not in "\n\x00\u2581\u2585")
    assert all(0 < len(line.encode()) <= max_bytes for line in lines)


def test_nothing_is_dropped_from_training_by_length_or_reserved_marks() -> None:
    text = "\n".join(["xyzzy" * 40, "plugh\u2585plugh", "frotz\tfrotz"] * 30)
    sample = pa.table({"doc_id": ["d"], "text": [text], "copies": pa.array([1], pa.int32())})
    chosen = SMALL.model_copy(update={"vocab_size": 275, "max_sentence_bytes": 64, "character_coverage": 1.0})
    trained = Tokenizer(train_tokenizer(sample, chosen, 1), chosen)
    letters = {trained.piece(i) for i in range(259, 275)}
    assert set("xyzplughfrot\t") <= letters


def test_model_bytes_depend_neither_on_place_process_row_order_nor_hash_seed(
    small_sample: pa.Table, model: bytes, tmp_path: Path
) -> None:
    shuffled = small_sample.take(list(range(small_sample.num_rows))[::-1])
    assert train_tokenizer(shuffled, SMALL, seed=42) == model
    pq.write_table(shuffled, tmp_path / "sample.parquet")
    code = (
        "import hashlib, pyarrow.parquet as pq; from neo_assets_tests.tokens.helpers import SMALL;"
        "from neo_assets.tokens.vocabulary.tokenizer import train_tokenizer;"
        "print(hashlib.sha256(train_tokenizer(pq.read_table('sample.parquet'), SMALL, 42)).hexdigest())"
    )
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert done.stdout.decode().split()[-1] == hashlib.sha256(model).hexdigest()


def test_copies_repeat_and_a_surplus_of_lines_is_cut_by_hash(small_sample: pa.Table) -> None:
    lines = list(sample_lines(small_sample, SMALL, 42))
    doubled = small_sample.set_column(4, "copies", pa.array([2] * small_sample.num_rows, pa.int32()))
    assert sorted(sample_lines(doubled, SMALL, 42)) == sorted(lines * 2)
    few = SMALL.model_copy(update={"max_sentences": 50})
    assert len(list(sample_lines(small_sample, few, 42))) == 50
    first, again, other = (list(sample_lines(small_sample, few, seed)) for seed in (42, 42, 43))
    assert first == again != other


def test_lines_and_which_are_cut_do_not_depend_on_row_order(small_sample: pa.Table) -> None:
    shuffled = small_sample.take(list(range(small_sample.num_rows))[::-1])
    for settings_ in (SMALL, SMALL.model_copy(update={"max_sentences": 50})):
        assert list(sample_lines(shuffled, settings_, 42)) == list(sample_lines(small_sample, settings_, 42))


def test_impossible_training_says_what_to_change(small_sample: pa.Table) -> None:
    chosen = SMALL.model_copy(update={"vocab_size": 300, "character_coverage": 1.0})
    with pytest.raises(TokenizerError, match=r"change tokenizer\.vocab_size or character_coverage"):
        train_tokenizer(small_sample, chosen, 1)
    with pytest.raises(TokenizerError, match="holds no text"):
        train_tokenizer(small_sample.slice(0, 0), SMALL, 1)


def test_wrong_model_and_wrong_ids_are_refused(model: bytes, tokenizer: Tokenizer) -> None:
    with pytest.raises(TokenizerError, match="2400 pieces, the recipe 1300"):
        Tokenizer(model, SMALL.model_copy(update={"vocab_size": 1300}))
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        Tokenizer(b"rubbish", SMALL)
    with pytest.raises(TokenizerError, match="ids must be 0 to 2404"):
        tokenizer.decode([2405])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vocab_size": 259}, "must exceed the 259"),
        ({"end_of_document": "<END>"}, "hold end_of_document"),
        ({"appended_tokens": ("<EOD>", "<EOD>")}, "must be distinct"),
        ({"unk_id": 5}, "without gaps"),
        ({"vocab_size": "64k"}, "valid integer"),
        ({"no_such_key": 1}, "no_such_key"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        TokenizerSection.model_validate({"sampling": {"total_characters": 1}, **change})
