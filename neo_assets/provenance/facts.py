"""The facts of cards and manifests, gathered from the manifests of what is released and of all it rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from neo_assets.lake.dataset import Dataset, input_name
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest
from neo_assets.provenance.cards import (
    Artefact,
    CardError,
    DataFacts,
    ModelFacts,
    Row,
    data_card,
    manifest_json,
    model_card,
)
from neo_assets.provenance.cards import release_manifest as assemble
from neo_assets.recipe.release import ReleaseSection
from neo_assets.recipe.sources import SourceSettings
from neo_assets.recipe.training import TrainingSection, n_parameters


def upstream(*datasets: Dataset) -> list[Manifest]:
    """The manifests of these handles and of everything they were made from, each once, sorted by name.

    Raises:
        CardError: something was made from content that is no longer in force.
    """
    found: dict[str, Manifest] = {}
    waiting = [(Lake(d.store.root), m) for d in datasets for m in d.manifests]
    while waiting:
        lake, manifest = waiting.pop()
        name = input_name(manifest.asset, manifest.partition)
        if name in found:
            continue
        found[name] = manifest
        for source, digest in manifest.provenance.inputs.items():
            asset, _, partition = source.partition("|")
            parent = lake.manifest(asset, partition or None)
            if parent is None or parent.digest != digest:
                raise CardError(f"{name} was made from a {source} that is no longer in force; run `neo build {asset}+`")
            waiting.append((lake, parent))
    return [found[name] for name in sorted(found)]


def model_card_of(
    release: ReleaseSection,
    training: TrainingSection,
    weights: Dataset,
    report: Dataset,
    metrics: Dataset,
    overlap: Dataset,
) -> str:
    """The model card of the released weights, with the scores of the last checkpoint."""
    seen = {row["task"]: row["seen_share"] for row in overlap.read().to_pylist()}
    behind = {input_name(m.asset, m.partition): m for m in upstream(weights)}
    steps = metrics.read().to_pylist()
    tail = [step["loss"] for step in steps[-20:]]
    chain = [m for name, m in behind.items() if name.startswith("training/checkpoint|")]
    facts = ModelFacts(
        release=release,
        architecture=training.chosen.model_dump(),
        n_parameters=n_parameters(training.chosen),
        phases=list(_phases(training)),
        tokens_applied=sum(step["tokens_applied"] for step in steps),
        unigram_entropy=metrics.metadata["unigram entropy"],
        final_loss=sum(tail) / len(tail),
        scores=[_score(row, seen.get(row["task"])) for row in report.read().to_pylist()],
        checkpoints=[_checkpoint(manifest) for manifest in chain],
        weights_digest=chain[-1].metadata["weights digest"],
        tokenizer_digest=behind["tokenizer/tokenizer"].files["tokenizer.model"].sha256,
        recipe_name=release.name,
        versions=chain[-1].provenance.libraries,
    )
    return model_card(facts)


def data_card_of(
    release: ReleaseSection,
    sources: Mapping[str, SourceSettings],
    documents: Dataset,
    tables: Mapping[str, Dataset],
) -> str:
    """The data card.

    Args:
        documents: the text that is trained on, all partitions.
        tables: `statistics`, `token_statistics` and `mix`.
    """
    behind = upstream(documents)
    tokens = {row["subset"]: row["tokens"] for row in tables["token_statistics"].read().to_pylist()}
    facts = DataFacts(
        release=release,
        subsets=[
            {
                "subset": r["subset"],
                "documents": r["documents"],
                "characters": r["characters"],
                "tokens": tokens[r["subset"]],
            }
            for r in tables["statistics"].read().to_pylist()
        ],
        stages=list(_stages(behind)),
        sources=[{"source": name, "kind": s.kind, "licence": s.licence} for name, s in sources.items()],
        mixes=[
            {name: row[name] for name in ("phase", "subset", "repeat_factor", "weighted_tokens", "share")}
            for row in tables["mix"].read().to_pylist()
        ],
        personal_data=_rows_of(tables["statistics"].named("pii")),
        contamination=_rows_of(tables["statistics"].named("contamination")),
        recipe_name=release.name,
        crawl_days=[str(m.partition) for m in behind if m.asset == "crawl/pages"],
    )
    return data_card(facts)


def manifest_of(release: ReleaseSection, *released: Dataset) -> bytes:
    """The release manifest: digests of the released files, and of every partition of every asset behind them."""
    files = {
        f"{d.asset}/{name}": record.sha256 for d in released for m in d.manifests for name, record in m.files.items()
    }
    behind = upstream(*released)
    recipe = {path: value for m in behind for path, value in m.provenance.recipe.items()}
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    artefacts = [
        Artefact(m.asset, m.partition, m.digest, m.provenance.code_version, m.rows or None, None) for m in behind
    ]
    return manifest_json(assemble(release.name, release.name, digest, files, artefacts)).encode()


def _rows_of(table: Dataset) -> list[dict[str, Any]]:
    """The rows of a table, none where a handle has no such table."""
    return table.read().to_pylist() if table.parts else []


def _phases(training: TrainingSection) -> Iterator[Row]:
    for phase in training.phases:
        yield {
            "phase": phase.name,
            "checkpoints": phase.n_chunks,
            "steps": phase.n_steps,
            "sequences per step": phase.batch_sequences,
            "tokens planned": phase.n_tokens(training.chosen.seq_length),
            "peak learning rate": phase.schedule.peak_lr,
            "schedule": phase.schedule.kind,
        }


def _score(row: Row, seen: float | None) -> dict[str, Any]:
    return {
        "task": row["task"], "metric": row["metric"], "score": row["value"], "standard error": row["stderr"],
        "baseline": row["baseline"], "items": row["n_items"], "seen": seen,
    }  # fmt: skip


def _checkpoint(manifest: Manifest) -> dict[str, Any]:
    data = manifest.metadata
    return {
        "checkpoint": manifest.partition, "phase": data["phase"], "tokens applied": data["tokens applied"],
        "mean loss": data["mean loss"], "steps skipped": data["steps skipped"], "weights": data["weights digest"][:16],
    }  # fmt: skip


def _stages(manifests: Iterable[Manifest]) -> Iterator[Row]:
    """Conservation per stage, partitions added up."""
    totals: dict[str, list[int]] = {}
    for manifest in manifests:
        if manifest.counts:
            c = manifest.counts
            row = totals.setdefault(manifest.asset, [0, 0, 0, 0])
            for place, count in enumerate((c.rows_in, c.kept, c.rejected, c.quarantined)):
                row[place] += count
    for stage, (rows_in, kept, rejected, quarantined) in totals.items():
        yield {"stage": stage, "in": rows_in, "kept": kept, "rejected": rejected, "quarantined": quarantined}
