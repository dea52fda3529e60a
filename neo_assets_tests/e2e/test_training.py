"""Training through the graph: however it is cut into jobs it gives the same; what a step left out shows everywhere."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from neo_assets.recipe.recipe import load_recipe
from neo_assets_tests.e2e.small import Checkout

pytestmark = pytest.mark.slow

CHECKPOINT = "training/checkpoint"
LINEAGE = 'key:"training/ledger" or key:"release/exposure_index"'
COUNTS = ("target", "masked", "skipped", "applied")


def checkpoints(checkout: Checkout) -> dict[str, tuple[Any, ...]]:
    """Digests of every checkpoint: of the partition, of the weights, of weights, moments and state."""
    made = checkout.lake.whole(CHECKPOINT).manifests
    return {str(m.partition): (m.digest, m.metadata["weights digest"], m.metadata["checkpoint digest"]) for m in made}


def test_one_job_made_the_whole_range(everything: Checkout) -> None:
    keys = everything.lake.partitions(CHECKPOINT)
    with dg.DagsterInstance.from_config(str(everything.folder / "dagster")) as instance:
        key = dg.AssetKey(CHECKPOINT.split("/"))
        made = instance.fetch_materializations(dg.AssetRecordsFilter(key), limit=99).records
        assert len(keys) == 3 and {record.partition_key for record in made} == set(keys)
        [run_id] = {record.run_id for record in made}
        run = instance.get_run_by_id(run_id)
    assert run is not None and run.tags["dagster/asset_partition_range_start"] == keys[0]
    assert run.tags["dagster/asset_partition_range_end"] == keys[-1]


def test_a_job_for_each_checkpoint_gives_what_one_job_for_all_gives(everything: Checkout, tmp_path: Path) -> None:
    single = everything.copy(tmp_path / "single", without=[CHECKPOINT])
    keys = [str(key) for key in everything.lake.partitions(CHECKPOINT)]
    for told in single.several(*(["build", CHECKPOINT, "--partition", key] for key in keys)):
        assert told.status == 0 and told.output.startswith("1 of "), told.output
    assert checkpoints(single) == checkpoints(everything)
    assert single.digests() == everything.digests()
    assert not [folder for folder in single.lake.garbage() if folder.startswith(CHECKPOINT)]


def test_a_batch_without_a_finite_loss_is_skipped_and_told_of(everything: Checkout, tmp_path: Path) -> None:
    faulty = everything.copy(tmp_path / "faulty", without=[CHECKPOINT])
    steps = everything.lake.dataset(CHECKPOINT, ["ckpt_002"]).read().to_pylist()
    step = steps[1]
    skipped = range(step["first_position"], step["first_position"] + step["n_sequences"])
    builds = ["build", LINEAGE], ["build", "training/metrics", "--no-upstream"]
    lineage, metrics = faulty.several(*builds, faults={skipped.start: "nan"})
    assert lineage.status == 0, lineage.output  # so the ledger is complete, and documents replay
    assert metrics.error == "Error: everything was made, but checks failed: training/metrics below_unigram_entropy"

    before, after = checkpoints(everything), checkpoints(faulty)
    assert [before[key] == after[key] for key in sorted(before)] == [True, False, False]
    lake = faulty.lake
    made = lake.dataset(CHECKPOINT, ["ckpt_002"])
    assert made.metadata["steps skipped"] == 1
    assert made.metadata["faults injected at positions"] == str(skipped.start)
    state = json.loads(made.file("state.json").read_text())
    [told] = state["skipped_steps"]
    assert told == {
        "step": step["step"], "reason": "loss is not finite", "first_position": skipped.start, "n_sequences": 4
    }  # fmt: skip

    ledger = lake.dataset("training/ledger").read().to_pylist()
    [row] = [row for row in ledger if row["outcome"] != "applied"]
    assert row["outcome"] == "skipped: loss is not finite" and row["checkpoint"] == "ckpt_002"
    assert (row["first_step"], row["last_step"]) == (step["step"], step["step"])
    assert (row["first_position"], row["last_position"]) == (skipped[0], skipped[-1])
    assert row["tokens_planned"] == row["tokens_read"] == 4 * 64
    assert (row["tokens_applied"], row["tokens_skipped"]) == (0, row["tokens_read"] - row["tokens_masked"])

    expected = naive_exposures(faulty, skipped)
    told_of = Counter[tuple[str, str]]()
    for exposed in lake.whole("training/exposures").read().to_pylist():
        told_of.update({(exposed["doc_id"], name): exposed[f"{name}_positions"] for name in COUNTS})
    assert +told_of == +expected
    index = lake.dataset("release/exposure_index").read().to_pylist()
    assert +Counter({(r["doc_id"], name): r[f"{name}_positions"] for r in index for name in COUNTS}) == +expected
    of_the_step = documents_at(faulty, skipped)
    assert of_the_step
    assert {row["doc_id"] for row in index if row["skipped_positions"]} <= of_the_step
    nowhere_else = of_the_step - documents_at(faulty, set(range(48)) - set(skipped))
    unread = {row["doc_id"] for row in index if row["applied_positions"] == 0 and row["skipped_positions"]}
    assert unread == {doc for doc in nowhere_else if expected[doc, "skipped"]}


def documents_at(checkout: Checkout, positions: range | set[int]) -> set[str]:
    """The documents that have a token in a sequence at one of the positions."""
    spans = checkout.lake.whole("training/chunk").named("spans").read().to_pylist()
    return {span["doc_id"] for span in spans if span["position"] in positions}


def naive_exposures(checkout: Checkout, skipped: range) -> Counter[tuple[str, str]]:
    """Per document its targets, masked, skipped and applied ones, counted token by token in the chunks."""
    recipe, chunks = load_recipe(str(checkout.folder / "recipe.yaml")), checkout.lake.whole("training/chunk")
    counts = Counter[tuple[str, str]]()
    for manifest in chunks.manifests:
        chunk = chunks.partition(manifest.partition)
        tokens, first = np.load(chunk.file("chunk.npy")), chunk.metadata["first position"]
        owners = np.full(tokens.shape, "", object)
        for span in chunk.named("spans").read().to_pylist():
            owners[span["position"] - first, span["offset"] : span["offset"] + span["length"]] = span["doc_id"]
        for row, position in enumerate(range(first, first + len(tokens))):
            for at in range(1, tokens.shape[1]):
                masked = tokens[row, at - 1] == recipe.tokenizer.end_of_document_id
                what = "masked" if masked else "skipped" if position in skipped else "applied"
                counts.update([(owners[row, at], "target"), (owners[row, at], what)])
    return counts
