"""Training of the tokenizer's vocabulary: SentencePiece BPE on the lines of a sample.

SentencePiece 0.2.3 silently drops lines longer than its limit, and lines that hold U+2585 (its internal mark of unknown
characters): here lines are cut at the limit, and around U+2585 and U+2581, so that all other text is learnt from. They
are handed over one by one; SentencePiece itself holds all of them, and counts equal words before it learns.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.tokenizer import TokenizerSection
from neo_assets.tokens.keyed import counter_hashes, key
from neo_assets.tokens.vocabulary.model_file import TokenizerError

READ_DOCUMENTS = 1000
RESERVED = re.compile("[\n\x00\u2581\u2585]")
N_THREADS = 1  # recorded inside the model file, so a constant: other values give the same pieces but other bytes


def training_lines(text: str, max_bytes: int) -> Iterator[str]:
    """The lines of a text as the trainer gets them: none empty, none over `max_bytes` of UTF-8, none it would drop.

    Joined they give the text without line ends and reserved characters. A longer line is cut between characters.
    """
    for line in RESERVED.split(text):
        if len(line) * 4 <= max_bytes or len(data := line.encode()) <= max_bytes:
            if line:
                yield line
            continue
        start = 0
        while start < len(data):
            end = min(start + max_bytes, len(data))
            while end < len(data) and data[end] & 0xC0 == 0x80:
                end -= 1
            yield data[start:end].decode()
            start = end


def sample_lines(sample: pa.Table, settings: TokenizerSection, seed: int) -> Iterator[str]:
    """The training lines of a sample (columns doc_id, text, copies), in the order of document ids.

    Where there are more than `max_sentences`, those with the smallest keyed hashes of their number are taken. Memory:
    the texts of 1,000 documents; where there may be too many lines, which is then counted first, 30 bytes a line more.
    """
    most = settings.max_sentences
    if _most_lines(sample) <= most or (n_lines := sum(1 for _ in _all_lines(sample, settings))) <= most:
        return _all_lines(sample, settings)
    hashes = counter_hashes(key("tokenizer lines", seed), n_lines)
    chosen = np.zeros(n_lines, np.bool_)
    chosen[np.lexsort((hashes[:, 1], hashes[:, 0]))[:most]] = True
    return compress(_all_lines(sample, settings), chosen)


def _most_lines(sample: pa.Table) -> int:
    """No fewer than the lines of a sample: each has a byte."""
    bytes_ = pc.cast(pc.binary_length(sample.column("text")), pa.int64())
    return int(pc.sum(pc.multiply(bytes_, sample.column("copies"))).as_py() or 0)


def _all_lines(sample: pa.Table, settings: TokenizerSection) -> Iterator[str]:
    order = pc.sort_indices(sample.column("doc_id"))
    for start in range(0, len(order), READ_DOCUMENTS):
        rows = sample.select(["text", "copies"]).take(order[start : start + READ_DOCUMENTS])
        for text, copies in zip(rows["text"].to_pylist(), rows["copies"].to_pylist(), strict=True):
            for _ in range(copies):
                yield from training_lines(text, settings.max_sentence_bytes)


def train_tokenizer(sample: pa.Table, settings: TokenizerSection, seed: int) -> bytes:
    """The serialized SentencePiece model trained on a sample; equal bytes for equal samples, in any row order or place.

    Raises:
        TokenizerError: SentencePiece refuses the settings on this sample; its reason is passed on.
    """
    import sentencepiece

    lines = _Counted(sample_lines(sample, settings, seed))
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, **_options(settings))
    except RuntimeError as error:
        if not lines.n:
            raise TokenizerError(
                "the tokenizer's sample holds no text; enlarge tokenizer.sampling.total_characters"
            ) from error
        reason = str(error).strip().splitlines()[-1]
        raise TokenizerError(
            f"SentencePiece cannot train {settings.vocab_size} pieces on {lines.n} lines: {reason}"
            " (change tokenizer.vocab_size or character_coverage, or enlarge the sample)"
        ) from error
    return model.getvalue()


class _Counted:
    """An iterator that counts what it gave."""

    def __init__(self, items: Iterator[str]) -> None:
        self._items, self.n = items, 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        item = next(self._items)
        self.n += 1
        return item


def _options(settings: TokenizerSection) -> dict[str, Any]:
    return {
        "model_type": settings.model_type,
        "vocab_size": settings.vocab_size,
        "character_coverage": settings.character_coverage,
        "max_sentence_length": settings.max_sentence_bytes,
        "max_sentencepiece_length": settings.max_piece_characters,
        "split_digits": settings.split_digits,
        "byte_fallback": settings.byte_fallback,
        "normalization_rule_name": settings.normalization,
        "remove_extra_whitespaces": settings.remove_extra_whitespaces,
        "add_dummy_prefix": settings.add_dummy_prefix,
        "allow_whitespace_only_pieces": settings.allow_whitespace_only_pieces,
        "split_by_unicode_script": settings.split_by_unicode_script,
        "split_by_whitespace": settings.split_by_whitespace,
        "split_by_number": settings.split_by_number,
        "unk_id": settings.unk_id,
        "bos_id": settings.bos_id,
        "eos_id": settings.eos_id,
        "pad_id": settings.pad_id,
        # Sampling is done before, by document id.
        "input_sentence_size": 0,
        "shuffle_input_sentence": False,
        "num_threads": N_THREADS,
        "minloglevel": 2,
    }
