"""fastText's prediction written out plainly from its source: features of a line one by one, then vectors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from neo_assets.retrieval.fasttext_file import Model

EOS = b"</s>"


def fnv(word: bytes) -> int:
    """32-bit FNV-1a with signed bytes (Dictionary::hash)."""
    h = 2166136261
    for byte in word:
        signed = byte - 256 if byte >= 128 else byte
        h = ((h ^ (signed % 2**32)) * 16777619) % 2**32
    return h


def tokens(line: bytes) -> Iterator[bytes]:
    """The words of a line up to and with its end (Dictionary::readWord and getLine)."""
    for word in re.split(rb"[ \r\t\v\f\0]+", line.split(b"\n")[0]):
        if word == EOS:
            break
        if word:
            yield word
    yield EOS


def features(line: bytes, model: Model) -> list[int]:
    """The input rows of a line (Dictionary::getLine, addWordNgrams and pushHash)."""
    numbers = {word: number for number, word in enumerate(model.words)}
    kept = None if model.pruned is None else {int(bucket): int(row) for bucket, row in model.pruned}
    rows, hashes = [], []
    for word in tokens(line):
        if word not in numbers and word.startswith(b"__label__"):
            continue
        if word in numbers:
            rows.append(numbers[word])
        h = fnv(word)
        hashes.append(h - 2**32 if h >= 2**31 else h)
    for first in range(len(hashes)):
        h = hashes[first] % 2**64
        for other in hashes[first + 1 : first + model.args.word_ngrams]:
            h = (h * 116049371 + other) % 2**64
            bucket = h % model.args.buckets
            if kept is None:
                rows.append(len(numbers) + bucket)
            elif bucket in kept:
                rows.append(len(numbers) + kept[bucket])
    return rows


def probabilities(line: str, model: Model) -> dict[str, float]:
    """The softmax over all labels; none for a line without features."""
    found = features(line.encode(), model)
    if not found:
        return {}
    mean = np.mean([model.input.rows(row, row + 1)[0].astype(np.float64) for row in found], axis=0)
    logits = model.output.rows(0, len(model.labels)).astype(np.float64) @ mean
    odds = [math.exp(logit - max(logits)) for logit in logits]
    return {label.decode(): one / sum(odds) for label, one in zip(model.labels, odds, strict=True)}
