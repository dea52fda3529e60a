"""Ours: each method as the platform runs it, through the embedded engine into a lake in the work folder.

    python -m benchmarks.dedup_methods METHOD --input FILE.parquet --language english|chinese --work FOLDER [--cores N]

It takes the arguments of the other adapters and answers like them. Time of the work is what the engine records of each
stage, written tables with digests included. Before it a few documents go through the same stages, so that compiled
loops, DuckDB and worker processes are there; whole-process time has this warm-up and the copying of the input into the
lake in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers.dedup_protocol import Clock, Task, answer, best, task
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance, Resources
from neo_assets.lake.writer import write_part
from neo_assets.recipe.dedup import (
    ExactSettings,
    NearSettings,
    ParagraphSettings,
    SimilarLineSettings,
    SubstringSettings,
)

PARTITION = "all"
PART_ROWS = 2_500
MEMORY_LIMIT = "1GB"
WARM_UP_DOCUMENTS = 40


class Line(NamedTuple):
    """A lake, the engine and the documents: what a method starts from; `took` collects what each stage took."""

    lake: Lake
    engine: Engine
    documents: Dataset
    language: str
    took: dict[str, Resources]

    def stage(self, name: str, relation: Relation) -> Dataset:
        """The relation carried out and committed."""
        writer = self.lake.writer(f"bench/{name}", PARTITION)
        self.took[name] = self.engine.write(relation, writer, ROWS)
        return writer.commit(Provenance())

    def near(self, words: bool = False) -> NearSettings:
        """The settings of the language; with `words` the layout that other systems have as their default."""
        if words:
            layout = {"shingle_words": 5, "num_permutations": 112, "bands": 14, "rows": 8}
            return NearSettings(normalisation=self.language, **layout)
        return NearSettings(normalisation=self.language)


def near(line: Line, words: bool = False) -> Dataset:
    """Signatures, bands, compared pairs, judgement."""
    from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
    from neo_assets.dedup.minhash import Signatures

    settings = line.near(words)
    signatures = line.stage("signatures", line.engine.map(line.documents, Signatures(settings)))
    bands = line.stage("bands", band_index(line.engine, signatures, settings))
    pairs = line.stage("pairs", candidate_pairs(line.engine, line.documents, bands, PARTITION, settings))
    return line.stage("judged", judge_near(line.engine, line.documents, pairs, PARTITION, settings))


def near_words(line: Line) -> Dataset:
    """The same over 5-grams of words, 14 x 8."""
    return near(line, words=True)


def exact(line: Line) -> Dataset:
    """Digests, judgement."""
    from neo_assets.dedup.exact import TextDigests
    from neo_assets.dedup.judge_exact import judge_exact

    digests = TextDigests(ExactSettings(), line.near().normalisation)
    with_digests = line.stage("digests", line.engine.map(line.documents, digests))
    return line.stage("judged", judge_exact(line.engine, with_digests, PARTITION))


def paragraph(line: Line) -> Dataset:
    """Index, judgement."""
    from neo_assets.dedup.judge_paragraphs import judge_paragraphs, paragraph_index

    settings = ParagraphSettings()
    index = line.stage("index", paragraph_index(line.engine, line.documents, settings))
    return line.stage("judged", judge_paragraphs(line.engine, line.documents, index, PARTITION, settings))


def substring(line: Line) -> Dataset:
    """Anchors, windows, judgement."""
    from neo_assets.dedup.judge_substrings import anchor_index, judge_substrings, window_index

    settings = SubstringSettings()
    anchors = line.stage("anchors", anchor_index(line.engine, line.documents, settings))
    windows = line.stage("windows", window_index(line.engine, line.documents, anchors, PARTITION, settings))
    return line.stage("judged", judge_substrings(line.engine, line.documents, anchors, windows, settings))


def line(line: Line) -> Dataset:
    """Similar lines, in the profile `corrected`."""
    from neo_assets.dedup.similar_line import SimilarLines

    return line.stage("judged", line.engine.map(line.documents, SimilarLines(SimilarLineSettings())))


def line_faithful(line: Line) -> Dataset:
    """Similar lines, as released."""
    from neo_assets.dedup.similar_line import SimilarLines

    return line.stage("judged", line.engine.map(line.documents, SimilarLines(SimilarLineSettings(), "faithful")))


METHODS: dict[str, Callable[[Line], Dataset]] = {
    "near": near,
    "near-words": near_words,
    "exact": exact,
    "paragraph": paragraph,
    "substring": substring,
    "line": line,
    "line-faithful": line_faithful,
}


def run(asked: Task) -> None:
    """One method on all documents; signatures alone are measured without engine and lake."""
    shutil.rmtree(asked.work)
    if asked.part in ALONE:
        ALONE[asked.part](asked)
        return
    method = METHODS[asked.part]
    method(_line(asked, "warm-up", min(WARM_UP_DOCUMENTS, asked.documents or WARM_UP_DOCUMENTS), asked.cores))
    started = _line(asked, "lake", asked.documents, asked.cores)
    judged = method(started)
    took = started.took
    clock = Clock()
    clock.cpu = sum(one.cpu_seconds for one in took.values())
    clock.wall = sum(one.wall_seconds for one in took.values())
    characters = sum(pc.sum(pc.utf8_length(batch["text"])).as_py() or 0 for batch in judged.batches(["text"]))
    kept = (name for batch in judged.batches(["doc_id"]) for name in batch["doc_id"].to_pylist())
    stages = {name: round(one.wall_seconds, 3) for name, one in took.items()}
    answer(clock, asked.work, kept, characters_kept=characters, stages=stages)


def _signatures(asked: Task) -> None:
    from neo_assets.dedup.minhash import text_signatures

    texts = [text for batch in _batches(asked) for text in batch["text"].to_pylist()]
    settings = NearSettings(normalisation=asked.language)
    text_signatures(texts[:2], settings)  # compiles
    asked.work.mkdir(parents=True)
    starts = range(0, len(texts), 500)
    answer(best(lambda: [text_signatures(texts[start : start + 500], settings) for start in starts]), asked.work)


def _line_kernel(asked: Task) -> None:
    from neo_assets.dedup.similar_line import SimilarLines

    kernel = SimilarLines(SimilarLineSettings(), "faithful")
    batches = [
        batch.rename_columns(["doc_id", *batch.schema.names[1:]]).append_column("url", batch["id"])
        for batch in _batches(asked)
    ]
    kernel(batches[0].slice(0, 2))  # compiles
    asked.work.mkdir(parents=True)
    found: list[list[pa.RecordBatch]] = []
    clock = best(lambda: found.append([kernel(batch) for batch in batches]))
    characters = sum(pc.sum(pc.utf8_length(batch["text"])).as_py() for batch in found[-1])
    answer(clock, asked.work, characters_kept=characters)


ALONE = {"signatures": _signatures, "line-kernel": _line_kernel}
"""What is measured without engine and lake, from texts in memory."""


def documents_in(
    lake: Lake, asked: Task, n_documents: int | None, n_parts: int, more: Mapping[str, pa.Scalar]
) -> Dataset:
    """So many of the documents, in at least so many parts; `more` are columns of one value."""
    writer = lake.writer("bench/documents", PARTITION)
    rows = max(1, min(PART_ROWS, (n_documents or PART_ROWS) // n_parts))
    for index, batch in enumerate(_batches(asked, rows, n_documents)):
        ids = batch["id"]
        addresses = pc.binary_join_element_wise("https://example.org/", ids, "")
        columns = {"doc_id": ids, "precedence": ids, "url": addresses, "text": batch["text"]}
        columns |= {name: pa.repeat(value, batch.num_rows) for name, value in more.items()}
        writer.add(write_part(lake.store, writer.folder, ROWS, index, pa.table(columns)))
    return writer.commit(Provenance())


def _line(asked: Task, name: str, n_documents: int | None, n_parts: int) -> Line:
    """A lake with so many of the documents in it, in at least so many parts."""
    folder = asked.work / name
    lake = Lake(str(folder))
    engine = LocalEngine(asked.cores, MEMORY_LIMIT, scratch=str(folder / "scratch"))
    return Line(lake, engine, documents_in(lake, asked, n_documents, n_parts, {}), asked.language, {})


def _batches(asked: Task, rows: int = PART_ROWS, n_documents: int | None = None) -> Iterator[pa.RecordBatch]:
    left = n_documents or asked.documents
    for batch in pq.ParquetFile(asked.input).iter_batches(rows):
        if left is not None and left <= 0:
            return
        yield batch if left is None else batch.slice(0, left)
        left = None if left is None else left - batch.num_rows


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    run(task(__doc__))
