"""The whole loop over a lake of its own, stage by stage as the assets run it, on pages whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.recall_truth.sites import Pages
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Draft, Relation, rows_judged
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.supplement import DomainSettings, SupplementSection
from neo_assets.retrieval.classifier import train
from neo_assets.retrieval.model import base_url
from neo_assets.retrieval.stages.judgements import judge_review
from neo_assets.retrieval.stages.pool import Draw
from neo_assets.retrieval.stages.positives import Found, positives
from neo_assets.retrieval.stages.recalls import THRESHOLDS, domain_report, recalled, revisited
from neo_assets.retrieval.stages.reviews import review
from neo_assets.retrieval.stages.samples import sample
from neo_assets.retrieval.stages.scores import scored
from neo_assets.retrieval.stages.seeds import KNOWN_AT_FIRST, seeds

PART_ROWS = 2_000
NO_FILES = pa.schema([(name, pa.string()) for name in ("doc_id", "url", "title", "text", "source", "licence")])


class Round(NamedTuple):
    """What a round brought. Precision and recall are of all positives so far, those of seed sites left out; `new_*`
    are pages and base URLs of this round, `leaks` base URLs in two splits of its sample."""

    number: int
    threshold: float | None
    estimate: float | None
    precision: float | None
    recall: float
    new_documents: int
    new_right: int
    new_base_urls: int
    judged: int
    judge_right: float | None
    leaks: int
    seconds: float
    stopped: str | None


class Stages:
    """Carries relations out into the lake, as the platform's writer does."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.engine = LocalEngine(workers=workers, part_rows=PART_ROWS, scratch=str(folder / "scratch"))
        self._lake = Lake(str(folder / "lake"))

    def made(self, name: str, result: Draft | Relation) -> Dataset:
        """The committed result of a stage."""
        draft = Draft.of(result)
        writer = self._lake.writer(name, None)
        if ROWS in draft.tables:
            writer.rows_in = rows_judged(draft.tables[ROWS])
        for table, relation in draft.tables.items():
            self.engine.write(relation, writer, table)
        for file, content in draft.files.items():
            writer.file(file, content)
        return writer.commit(Provenance(), metadata=draft.metadata)


def rounds(
    pages: Pages, domain: DomainSettings, section: SupplementSection, seed: int, folder: Path, workers: int
) -> Iterator[Round]:
    """The rounds of a domain, each as soon as it is done; after the loop stopped, no more."""
    stages = Stages(folder, workers)
    engine = stages.engine
    pool = stages.made("pool", pages.table)
    found = stages.made("seeds", seeds(engine, pool, NO_FILES.empty_table(), domain.seeds, Draw(seed, "seeds")))
    before = stages.made("known", engine.query(KNOWN_AT_FIRST, seeds=found))
    for number in range(1, section.rounds + 1):
        started = time.perf_counter()
        draw = Draw(seed, f"round {number}")
        drawn = stages.made(
            f"r{number}/sample", sample(engine, pool, found, before, domain.language, section.sampling, draw)
        )
        trained = train(drawn.batches(), section.classifier, seed)
        classifier = stages.made(f"r{number}/classifier", Draft(tables=trained.tables, files=trained.files))
        scores = stages.made(
            f"r{number}/scored",
            scored(engine, pool, before, classifier, domain.language, section.sampling.max_chars, draw),
        )
        asked = stages.made(
            f"r{number}/review",
            review(engine, pool, scores, section.review, section.recall, section.judge.excerpt_chars),
        )
        judgements = stages.made(f"r{number}/judgements", judge_review(asked, classifier, domain, section.judge))
        report = stages.made(
            f"r{number}/report", domain_report(engine, scores, asked, judgements, section.review, section.recall)
        )
        kept = stages.made(
            f"r{number}/recalled", recalled(engine, scores, judgements, report, section.review, section.recall)
        )
        others = stages.made(
            f"r{number}/revisited",
            revisited(engine, pool, scores, kept, report, section.recall, section.judge.excerpt_chars),
        )
        annotations = stages.made(f"r{number}/annotations", judge_review(others, classifier, domain, section.judge))
        tables = Found(found, before, scores, judgements, report, kept, annotations)
        after = stages.made(
            f"r{number}/positives", positives(engine, "measured", number, tables, domain.truth, section.recall)
        )
        seconds = time.perf_counter() - started
        measured = _measured(pages, number, before, after, drawn, (judgements, annotations), report, seconds)
        yield measured
        if measured.stopped:
            return
        before = after


def _measured(
    pages: Pages, number: int, before: Dataset, after: Dataset, drawn: Dataset, judged: tuple[Dataset, ...],
    report: Dataset, seconds: float,
) -> Round:  # fmt: skip
    urls = dict(zip(pages.table["doc_id"].to_pylist(), pages.table["url"].to_pylist(), strict=True))
    hidden = {doc_id for doc_id, belongs in pages.truth.items() if belongs and not pages.is_seed(urls[doc_id])}
    ids, earlier = (
        {doc_id for doc_id in one.read(["doc_id"])["doc_id"].to_pylist() if not pages.is_seed(urls[doc_id])}
        for one in (after, before)
    )
    new = ids - earlier
    answers = [
        row["belongs"] is pages.truth[row["doc_id"]]
        for one in judged
        for row in one.read(["doc_id", "belongs"]).to_pylist()
        if row["belongs"] is not None
    ]
    thresholds = report.named(THRESHOLDS).read()
    chosen = thresholds.filter(pc.equal(thresholds["chosen"], True)).to_pylist()
    progress = after.named("progress").read().to_pylist()[-1]
    return Round(
        number=number,
        threshold=chosen[0]["threshold"] if chosen else None,
        estimate=chosen[0]["precision"] if chosen else None,
        precision=len(ids & hidden) / len(ids) if ids else None,
        recall=len(ids & hidden) / len(hidden),
        new_documents=len(new),
        new_right=len(new & hidden),
        new_base_urls=len({base_url(urls[one]) for one in new} - {base_url(urls[one]) for one in earlier}),
        judged=len(answers),
        judge_right=sum(answers) / len(answers) if answers else None,
        leaks=leaks(drawn.read(["base_url", "split"])),
        seconds=seconds,
        stopped=progress["reason"] if progress["stopped"] else None,
    )


def leaks(drawn: pa.Table) -> int:
    """Base URLs that have pages in two splits of a sample."""
    splits: dict[str, set[str]] = {}
    for site, split in zip(drawn["base_url"].to_pylist(), drawn["split"].to_pylist(), strict=True):
        splits.setdefault(site, set()).add(split)
    return sum(len(found) > 1 for found in splits.values())
