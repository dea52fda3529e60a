"""Checks of what particular assets hold: losslessness, learning, scores, equal logits, one subset per document."""

from collections.abc import Iterator

import dagster as dg
import pyarrow.compute as pc

from neo_assets.asset import Recipe
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.text.funnel import LEAKS, LINES, NO_LEAK

LakeParam = dg.ResourceParam[Lake]


def _check(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset.split("/"), description=description)


def _result(asset: str, name: str, passed: bool, **metadata: float) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(asset_key=asset.split("/"), check_name=name, passed=passed, metadata=metadata)


@dg.multi_asset_check(
    specs=[_check("tokenizer/report", "lossless", "Every document decodes to itself; no unknown token.")]
)
def tokenizer_is_lossless(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The tokenizer loses nothing of the corpus it is reported on."""
    rows = lake.dataset("tokenizer/report").read().to_pylist()
    lossy, unknown = sum(r["lossy_documents"] for r in rows), sum(r["unk_tokens"] for r in rows)
    yield _result("tokenizer/report", "lossless", lossy == 0 and unknown == 0, lossy=lossy, unknown=unknown)


@dg.multi_asset_check(
    specs=[_check("corpus/statistics", "one_subset_each", "Every kept document is in exactly one subset.")]
)
def documents_have_one_subset(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The subsets divide what both lines kept: none lost, none twice."""
    kept = [d for line in ("english/substring_unique", "chinese/line_unique") for d in _ids(lake.whole(line))]
    placed = _ids(lake.whole("corpus/subset"))
    passed = sorted(kept) == sorted(placed)
    yield _result("corpus/statistics", "one_subset_each", passed, kept=len(kept), placed=len(placed))


def _ids(dataset: Dataset) -> list[str]:
    return [doc_id for batch in dataset.batches(["doc_id"]) for doc_id in batch["doc_id"].to_pylist()]


@dg.multi_asset_check(
    specs=[
        _check("training/metrics", "below_unigram_entropy", "The last losses are clearly below the unigram entropy."),
        _check("training/metrics", "ledger_complete", "Every planned token was read; every skipped step has a reason."),
    ]
)
def training_learned(lake: LakeParam, recipe: Recipe) -> Iterator[dg.AssetCheckResult]:
    """The chain of checkpoints learned something, and accounts for every token."""
    metrics = lake.dataset("training/metrics")
    steps = metrics.read()
    entropy, tail = float(metrics.metadata["unigram entropy"]), steps["loss"].to_pylist()[-20:]
    last = sum(tail) / len(tail)
    yield _result("training/metrics", "below_unigram_entropy", last < 0.9 * entropy, loss=last, entropy=entropy)
    training = recipe.training
    planned = sum(phase.n_tokens(training.chosen.seq_length) for phase in training.phases)
    read = pc.sum(steps["tokens_read"]).as_py()
    accounted = pc.add(steps["tokens_applied"], steps["tokens_masked"])
    whole = pc.all(pc.or_(steps["skipped"].is_valid(), pc.equal(accounted, steps["tokens_read"]))).as_py()
    yield _result("training/metrics", "ledger_complete", read == planned and bool(whole), planned=planned, read=read)


@dg.multi_asset_check(
    specs=[_check("release/weights", "logits_equal", "The released weights give the trainer's logits, bit for bit.")]
)
def released_logits_equal(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """Compared by the export job on drawn token ids; a difference is a broken conversion."""
    difference = float(lake.dataset("release/weights").metadata["largest logit difference"])
    yield _result("release/weights", "logits_equal", difference == 0.0, difference=difference)


@dg.multi_asset_check(
    specs=[_check("crawl/pages", "came_to_its_end", "No crawl day was cut by its time limit before all was asked for.")]
)
def crawls_came_to_their_end(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """A crawl that is cut depends on how fast the servers were; its content is not reproducible."""
    ends = {str(m.partition): m.metadata["report"]["closed"] for m in lake.whole("crawl/pages").manifests}
    cut = sorted(day for day, closed in ends.items() if closed != "finished")
    yield _result("crawl/pages", "came_to_its_end", not cut, days=len(ends), cut=len(cut))


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            "no_row_lost_between_stages",
            asset=[line, "funnel"],
            description="Each stage of the line took in exactly what the one before kept, partition by partition.",
            blocking=True,
        )
        for line in LINES
    ],
    can_subset=True,
)
def stages_join(context: dg.AssetCheckExecutionContext, lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The funnels account for every document."""
    for selected in sorted(context.selected_asset_check_keys):
        found = str(lake.dataset(selected.asset_key.to_user_string()).metadata[LEAKS])
        yield dg.AssetCheckResult(
            asset_key=selected.asset_key,
            check_name=selected.name,
            passed=found == NO_LEAK,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={LEAKS: found},
        )


RESULT_CHECKS = [
    stages_join,
    crawls_came_to_their_end,
    tokenizer_is_lossless,
    documents_have_one_subset,
    training_learned,
    released_logits_equal,
]
