"""The lines of a sample on disk, in the order in which a classifier reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from neo_assets.retrieval.model import TRAIN, sample_key
from neo_assets.text.quality import LABEL_PREFIX


class HeldOut(NamedTuple):
    """A document that only measures."""

    doc_id: str
    url: str
    label: int
    line: str


class TrainingSet(NamedTuple):
    """What is trained on, as a file, and what is not, by split."""

    file: Path
    n_pairs: int
    """Lines of label 1, each followed by one of label 0 unless that was left out as doubtful."""
    n_cut: int
    """Lines of the larger class that found no partner."""
    n_empty: int
    """Documents without a word, left out."""
    n_found: tuple[int, int]
    """Documents with words to train on, of label 0 and of label 1."""
    held_out: dict[str, list[HeldOut]]
    n_doubtful: int = 0
    """Lines of label 0 that were left out, see `doubtful`."""

    def documents(self) -> Iterator[tuple[int, str]]:
        """(label, line) of every document that is trained on."""
        with self.file.open(encoding="utf-8", newline="\n") as stream:
            for row in stream:
                label, _, line = row.rstrip("\n").partition(" ")
                yield int(label.removeprefix(LABEL_PREFIX)), line


def training_set(sample: Iterable[pa.RecordBatch], folder: Path, seed: int) -> TrainingSet:
    """Writes the lines of a sample (`SAMPLE_SCHEMA`) for fastText: label 1 and label 0 in turn, else in an order that
    the seed gives, until the smaller class ends.

    Memory: the held-out documents and some 100 bytes for each other one; the lines themselves go through a file.
    """
    spool = folder / "lines"
    places: tuple[list[tuple[float, str, int, int]], ...] = ([], [])
    held_out: dict[str, list[HeldOut]] = {}
    n_empty = end = 0
    with spool.open("wb") as stream:
        for batch in sample:
            columns = (batch.column(name).to_pylist() for name in ("doc_id", "url", "label", "split", "line"))
            for doc_id, url, label, split, line in zip(*columns, strict=True):
                if not line:
                    n_empty += 1
                elif split != TRAIN:
                    held_out.setdefault(split, []).append(HeldOut(doc_id, url, label, line))
                else:
                    data = line.encode()
                    places[label].append((sample_key(seed, "classifier", doc_id), doc_id, end, len(data)))
                    end += stream.write(data)
    negatives, positives = (sorted(found) for found in places)
    file = folder / "train.txt"
    with spool.open("rb") as source, file.open("wb") as stream:
        for pair in zip(positives, negatives, strict=False):
            for label, (_, _, start, size) in zip((1, 0), pair, strict=True):
                source.seek(start)
                stream.write(f"{LABEL_PREFIX}{label} ".encode() + source.read(size) + b"\n")
    spool.unlink()
    n_found = len(negatives), len(positives)
    return TrainingSet(file, min(n_found), max(n_found) - min(n_found), n_empty, n_found, held_out)
