"""Near deduplication as the graph runs it: partition by partition, through the lake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
from neo_assets.dedup.minhash import Signatures, band_schema
from neo_assets.dedup.survivors import Precedence, sources_of
from neo_assets.dedup.verification import PAIR_SCHEMA
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import NearSettings, SurvivorSettings

DIRECT = NearSettings(normalisation="english", shingle_chars=4, num_permutations=64, bands=16, rows=4, threshold=0.6)
COMPONENTS = DIRECT.model_copy(update={"rule": "components"})
UNVERIFIED = COMPONENTS.model_copy(update={"verify": "nothing", "partners_per_bucket": 1, "bands": 4, "rows": 16})
WORDS = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "lambda", "theta"]


def corpus(seed: int, n: int = 40) -> pa.Table:
    """Documents of three sources in a random order; about half are edited copies of another one."""
    draw = np.random.default_rng(seed)
    texts: list[list[str]] = []
    for _ in range(n):
        words = (
            list(texts[draw.integers(len(texts))]) if texts and draw.random() < 0.6 else list(draw.choice(WORDS, 12))
        )
        words[draw.integers(len(words))] = str(draw.choice(WORDS))
        texts.append(words)
    ids = sorted(f"{'abc'[draw.integers(3)]}:{i * 7919 % 997:03}" for i in range(n))
    order = draw.permutation(n).tolist()
    rows = [
        {"doc_id": ids[i], "url": f"u/{ids[i]}", "text": " ".join(texts[order[i]]), "n_words": order[i]}
        for i in range(n)
    ]
    return pa.Table.from_pylist([*rows, {"doc_id": "c:x", "url": "u", "text": None, "n_words": 0}])


def ranked(table: pa.Table, policy: SurvivorSettings) -> pa.Table:
    kernel = Precedence(policy)
    return pa.Table.from_batches([kernel(batch) for batch in table.combine_chunks().to_batches()])


def by_source(table: pa.Table) -> dict[str, pa.Table]:
    sources = sources_of(table["doc_id"].combine_chunks())
    return {source: table.filter(pa.compute.equal(sources, source)) for source in sorted(set(sources.to_pylist()))}


class Run:
    """A lake with the assets of near deduplication. Partitions see all others, or (`days`) those before."""

    def __init__(self, folder: Path, engine: LocalEngine, settings: NearSettings, days: bool = False) -> None:
        self.lake, self.engine, self.settings, self.days = Lake(str(folder)), engine, settings, days

    def __call__(self, partitions: Mapping[str, pa.Table]) -> dict[str, Dataset]:
        documents = {
            name: self.commit("documents", name, table, self.engine.part_rows) for name, table in partitions.items()
        }
        bands = {name: self.build("bands", name, self.bands(name, documents[name])) for name in partitions}
        seen = {n: [m for m in partitions if m <= n] if self.days else list(partitions) for n in partitions}
        pairs = {}
        for name, visible in seen.items():
            handles = [joined([table[other] for other in visible]) for table in (documents, bands)]
            pairs[name] = self.build("pairs", name, candidate_pairs(self.engine, *handles, name, self.settings))
        for schema, built in ((band_schema(self.settings), bands), (PAIR_SCHEMA, pairs)):
            assert all(dataset.read().schema.equals(schema) for dataset in built.values())
        return {
            name: self.build(
                "judged",
                name,
                judge_near(
                    self.engine, documents[name], joined([pairs[other] for other in visible]), name, self.settings
                ),
            )
            for name, visible in seen.items()
        }

    def bands(self, name: str, documents: Dataset) -> Relation:
        signatures = self.build("signatures", name, self.engine.map(documents, Signatures(self.settings)))
        return band_index(self.engine, signatures, self.settings)

    def build(self, asset: str, partition: str, relation: Relation) -> Dataset:
        writer = self.lake.writer(asset, partition)
        writer.rows_in = rows_judged(relation)
        return writer.commit(Provenance(), self.engine.write(relation, writer, "rows"))

    def commit(self, asset: str, partition: str, table: pa.Table, part_rows: int) -> Dataset:
        writer = self.lake.writer(asset, partition)
        writer.table(table, part_rows=part_rows)
        return writer.commit(Provenance())


def joined(datasets: list[Dataset]) -> Dataset:
    return Dataset(datasets[0].store, datasets[0].asset, tuple(m for one in datasets for m in one.manifests))


def outcome(judged: Mapping[str, Dataset]) -> dict[str, Any]:
    """Every document's row if kept, else its decision."""
    rows = [row for dataset in judged.values() for row in dataset.read().to_pylist()]
    rows += [row for dataset in judged.values() for row in dataset.named("decisions").read().to_pylist()]
    assert len({row["doc_id"] for row in rows}) == len(rows)
    return {row["doc_id"]: row for row in rows}


def removed(judged: Mapping[str, Dataset]) -> set[str]:
    return {doc_id for doc_id, row in outcome(judged).items() if row.get("verdict") == "rejected"}


@pytest.mark.parametrize("chosen", [DIRECT, COMPONENTS, UNVERIFIED], ids=["direct", "components", "unverified"])
def test_partitions_that_see_each_other_equal_one(tmp_path: Path, chosen: NearSettings) -> None:
    table = ranked(corpus(1), SurvivorSettings())
    whole = outcome(Run(tmp_path / "whole", LocalEngine(), chosen)({"all": table}))
    parts = Run(tmp_path / "parts", LocalEngine(part_rows=7), chosen)(by_source(table))
    assert outcome(parts) == whole
    assert len(whole) == 41
    assert 5 < len(removed(parts)) < 35
    assert whole["c:x"]["text"] is None
    assert all(dataset.manifest.counts is not None for dataset in parts.values())


def test_days_one_by_one_equal_one_run_under_the_direct_rule(tmp_path: Path) -> None:
    table = ranked(corpus(2), SurvivorSettings())
    whole = outcome(Run(tmp_path / "whole", LocalEngine(), DIRECT)({"all": table}))
    assert outcome(Run(tmp_path / "days", LocalEngine(), DIRECT, days=True)(by_source(table))) == whole


def test_components_of_days_are_those_linked_up_to_that_day(tmp_path: Path) -> None:
    link = "alpha beta gamma delta omega sigma kappa lambda theta"
    texts = {"a:1": link + " one two three four", "a:2": "five six seven eight " + link, "b:1": link, "b:2": "omega"}
    rows = [{"doc_id": doc_id, "precedence": doc_id, "url": "u", "text": text} for doc_id, text in texts.items()]
    chosen = COMPONENTS.model_copy(update={"threshold": 0.7})
    table = pa.Table.from_pylist(rows)
    assert removed(Run(tmp_path / "whole", LocalEngine(), chosen)({"all": table})) == {"a:2", "b:1"}
    assert removed(Run(tmp_path / "days", LocalEngine(), chosen, days=True)(by_source(table))) == {"b:1"}


@pytest.mark.parametrize("chosen", [DIRECT, COMPONENTS], ids=["direct", "components"])
def test_digests_do_not_depend_on_workers_or_parts(tmp_path: Path, chosen: NearSettings) -> None:
    partitions = by_source(ranked(corpus(3), SurvivorSettings()))
    digests = set()
    for workers, part_rows in ((1, 1000), (2, 9)):
        engine = LocalEngine(workers=workers, part_rows=part_rows)
        judged = Run(tmp_path / f"{workers}-{part_rows}", engine, chosen)(partitions)
        digests.add(tuple(dataset.manifest.digest for dataset in judged.values()))
    assert len(digests) == 1


@pytest.mark.parametrize("chosen", [DIRECT, COMPONENTS], ids=["direct", "components"])
def test_run_again_on_what_was_kept_it_removes_nothing(tmp_path: Path, chosen: NearSettings) -> None:
    first = Run(tmp_path / "first", LocalEngine(), chosen)(by_source(ranked(corpus(4), SurvivorSettings())))
    assert removed(first)
    again = Run(tmp_path / "again", LocalEngine(), chosen)({name: dataset.read() for name, dataset in first.items()})
    assert not removed(again)


@pytest.mark.parametrize(
    "policy",
    [
        SurvivorSettings(policy="longest"),
        SurvivorSettings(policy="quality", quality_column="n_words"),
        SurvivorSettings(policy="source", source_priority=("c", "b")),
    ],
    ids=lambda policy: policy.policy,
)
def test_survivors_follow_the_policy_whatever_the_partitions(tmp_path: Path, policy: SurvivorSettings) -> None:
    table = ranked(corpus(5), policy)
    rank = dict(zip(table["doc_id"].to_pylist(), table["precedence"].to_pylist(), strict=True))
    judged = Run(tmp_path / "parts", LocalEngine(), DIRECT)(by_source(table))
    assert outcome(judged) == outcome(Run(tmp_path / "whole", LocalEngine(), DIRECT)({"all": table}))
    decisions = [row for row in outcome(judged).values() if row.get("verdict") == "rejected"]
    assert decisions
    assert all(rank[row["survivor"]] < rank[row["doc_id"]] for row in decisions)
    assert any(row["survivor"] > row["doc_id"] for row in decisions)  # which the smaller id would not give
