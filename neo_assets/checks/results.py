"""Checks of what particular assets hold: losslessness, learning, scores, equal logits, one subset per document."""

from collections.abc import Callable, Iterator

import dagster as dg
import pyarrow.compute as pc

from neo_assets.asset import Recipe
from neo_assets.documents.model import is_astray
from neo_assets.evaluation.curves import mean_losses
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.partitions import ROUNDS
from neo_assets.text.funnel import LEAKS, LINES, NO_LEAK
from neo_assets.tokens.lineage.exposures import positions_of
from neo_assets.tokens.lineage.ledger import check_ledger
from neo_assets.tokens.lineage.replay import texts_of, verify_documents
from neo_assets.tokens.order.check import check_order
from neo_assets.tokens.stages import demands_of, open_chunks, tokens_by_subset
from neo_assets.tokens.vocabulary.coverage import N_SCALARS
from neo_assets.tokens.vocabulary.sample import draw_documents
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

N_REPLAYED = 1000
LakeParam = dg.ResourceParam[Lake]


def _check(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset.split("/"), description=description)


def _result(asset: str, name: str, passed: bool, **metadata: float | str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(asset_key=asset.split("/"), check_name=name, passed=passed, metadata=metadata)


@dg.multi_asset_check(
    specs=[
        _check("tokenizer/report", "lossless", "Every document decodes to itself; no unknown token."),
        _check("tokenizer/report", "lossless_on_unicode", "So does every code point, alone and among others."),
        _check("tokenizer/report", "pieces_as_ordered", "Counts, lengths, digits and bytes are those of the recipe."),
    ]
)
def tokenizer_is_as_ordered(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The tokenizer loses nothing, and its pieces are what the recipe asks for."""
    report = lake.dataset("tokenizer/report")
    rows, blocks = report.read().to_pylist(), report.named("unicode").read().to_pylist()
    lossy, unknown = sum(r["lossy_documents"] for r in rows), sum(r["unk_tokens"] for r in rows)
    yield _result("tokenizer/report", "lossless", lossy == 0 and unknown == 0, lossy=lossy, unknown=unknown)
    faults = sum(b["lossy_alone"] + b["lossy_in_context"] + b["with_unk"] for b in blocks)
    points = sum(b["scalars"] for b in blocks)
    whole = points == N_SCALARS and not faults
    yield _result("tokenizer/report", "lossless_on_unicode", whole, code_points=points, lossy=faults)
    wrong = [row["figure"] for row in report.named("figures").read().to_pylist() if not row["holds"]]
    yield _result("tokenizer/report", "pieces_as_ordered", not wrong, wrong=len(wrong))


@dg.multi_asset_check(
    specs=[_check("corpus/statistics", "one_subset_each", "Every kept document is in exactly one subset.")]
)
def documents_have_one_subset(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The subsets divide what both lines kept and the supplement added: none lost, none twice."""
    kept = [d for line in ("english/substring_unique", "chinese/line_unique") for d in _ids(lake.whole(line))]
    kept += set(_ids(lake.whole("supplement/unique")))  # a document of two domains is added once
    placed = _ids(lake.whole("corpus/subset"))
    passed = sorted(kept) == sorted(placed)
    yield _result("corpus/statistics", "one_subset_each", passed, kept=len(kept), placed=len(placed))


def _ids(dataset: Dataset) -> list[str]:
    return [doc_id for batch in dataset.batches(["doc_id"]) for doc_id in batch["doc_id"].to_pylist()]


@dg.multi_asset_check(
    specs=[_check("training/metrics", "below_unigram_entropy", "The last losses are well below the unigram entropy.")]
)
def training_learned(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The chain of checkpoints learned more than how frequent tokens are."""
    metrics = lake.dataset("training/metrics")
    entropy = float(metrics.metadata["unigram entropy"])
    steps = metrics.read(["loss", "skipped"])
    applied = pc.filter(steps["loss"], steps["skipped"].is_null()).to_pylist()[-20:]
    last = sum(applied) / max(len(applied), 1)
    passed = bool(applied) and last < 0.9 * entropy
    yield _result("training/metrics", "below_unigram_entropy", passed, loss=last, entropy=entropy)


@dg.multi_asset_check(
    specs=[_check("evaluation/curves", "held_out_falls", "Loss on held-out text fell over the whole run, to its end.")]
)
def held_out_loss_falls(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """What was learned holds for documents that were not trained on."""
    rows = lake.dataset("evaluation/curves").named("held_out").read().to_pylist()
    means = mean_losses(rows)
    passed = bool(means) and means[-1] == min(means) < means[0]
    told = {"first": means[0], "last": means[-1]} if means else {}
    yield _result("evaluation/curves", "held_out_falls", passed, checkpoints=len(means), **told)


@dg.multi_asset_check(
    specs=[_check("training/order", "permutation", "Every epoch holds every sequence as often as its factor says.")]
)
def order_is_a_permutation(lake: LakeParam, recipe: Recipe) -> Iterator[dg.AssetCheckResult]:
    """The order is what the recipe asks for."""
    training, tokens = recipe.training, tokens_by_subset(lake.whole("training/token_shards"))
    demands = demands_of(training.phases, recipe.corpus.phases, recipe.corpus.subsets, tokens)
    order, seq_length = lake.dataset("training/order"), training.chosen.seq_length
    fault = _fault(lambda: check_order(order.batches(), tokens, demands, seq_length))
    yield _result("training/order", "permutation", not fault, rows=order.rows, fault=fault)


@dg.multi_asset_check(
    specs=[_check("training/ledger", "complete", "Every position is read once, and every token accounted for.")]
)
def order_is_read_once(lake: LakeParam, recipe: Recipe) -> Iterator[dg.AssetCheckResult]:
    """Training followed the order."""
    training, ledger = recipe.training, lake.dataset("training/ledger")
    planned = training.sequences_before(len(lake.partitions("training/checkpoint")))
    fault = _fault(lambda: check_ledger(ledger.read(), planned, training.chosen.seq_length))
    yield _result("training/ledger", "complete", not fault, positions=planned, fault=fault)


@dg.multi_asset_check(
    specs=[
        _check(
            "release/exposure_index",
            "replay",
            "A thousand drawn documents stand at exactly their positions, and the tokens there decode to their text.",
        )
    ]
)
def documents_replay(lake: LakeParam, recipe: Recipe) -> Iterator[dg.AssetCheckResult]:
    """From document to positions to tokens to text, and nothing of them anywhere else."""
    exposed = lake.dataset("release/exposure_index").batches(["doc_id"])
    ids = draw_documents((i for batch in exposed for i in batch["doc_id"].to_pylist()), N_REPLAYED, recipe.seed)
    told = positions_of(lake.whole("training/exposures").batches(["doc_id", "positions"]), ids)
    texts = texts_of(lake.whole("corpus/decontaminated").batches(["doc_id", "text"]), ids)
    model = lake.dataset("tokenizer/tokenizer").file("tokenizer.model")
    chunks = open_chunks(lake.whole("training/chunk"))
    found = verify_documents(texts, told, chunks, Tokenizer.load(model, recipe.tokenizer))
    told_of = {"documents": len(ids), "read whole": found.n_whole, "in part": found.n_partial, "tokens": found.n_tokens}
    first = ", ".join(found.differing[:3])
    yield _result("release/exposure_index", "replay", not found.differing, **told_of, differing=first)


def _fault(check: Callable[[], None]) -> str:
    """What a check says is wrong; empty if nothing."""
    try:
        check()
    except ValueError as error:
        return str(error)
    return ""


@dg.multi_asset_check(
    specs=[
        _check("release/weights", "logits_equal", "The released weights give the trainer's logits, bit for bit."),
        _check("release/weights", "reads_back", "Converted back, they are the checkpoint's weights, bit for bit."),
    ]
)
def released_weights_equal(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """Compared by the export job; a difference is a broken conversion."""
    told = lake.dataset("release/weights").metadata
    difference = float(told["largest logit difference"])
    yield _result("release/weights", "logits_equal", difference == 0.0, difference=difference)
    yield _result("release/weights", "reads_back", bool(told["reads back"]), digest=str(told["weights digest"]))


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


@dg.multi_asset_check(
    specs=[_check("documents/pages", "every_page", "Every page of every file is there, or quarantined.")]
)
def every_page_is_there(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The files' numbers of pages are those that rendering accounts for, batch by batch."""
    wanted, found = 0, 0
    for manifest in lake.whole("documents/pages").manifests:
        files = lake.dataset("documents/files", [manifest.partition]).read(["n_pages"])
        wanted += sum(files["n_pages"].to_pylist())
        found += manifest.counts.rows_in if manifest.counts else manifest.rows
    yield _result("documents/pages", "every_page", wanted == found, pages=wanted, accounted=found)


@dg.multi_asset_check(
    specs=[_check("documents/markdown", "traceable", "Every block's text is where it says, on pages that there are.")]
)
def blocks_are_traceable(lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """The way back from the text to the pages, for every block of every document."""
    n_blocks, astray = 0, 0
    for batch in lake.whole("documents/markdown").batches(["markdown", "blocks", "n_pages"]):
        for row in batch.to_pylist():
            n_blocks += len(row["blocks"])
            astray += sum(is_astray(block, len(row["markdown"]), row["n_pages"]) for block in row["blocks"])
    yield _result("documents/markdown", "traceable", astray == 0, blocks=n_blocks, astray=astray)


def _each_round(asset: str, name: str, description: str) -> list[dg.AssetCheckSpec]:
    """A check of an asset of the supplement, once a round."""
    return [_check(f"supplement/round_{number}_{asset}", name, description) for number in ROUNDS]


def _round_checks(kind: str, asset: str) -> dg.AssetChecksDefinition:
    description = "No more judgements failed than the recipe puts up with; the failed ones are in quarantine."
    specs = _each_round(asset, "judge_answered", description)

    @dg.multi_asset_check(specs=specs, name=f"judge_answered_{kind}", can_subset=True)
    def check(context: dg.AssetCheckExecutionContext, lake: LakeParam, recipe: Recipe) -> Iterator[dg.AssetCheckResult]:
        """A judge that is down or talks nonsense is seen here, and asked again by `neo build --force`."""
        for selected in sorted(context.selected_asset_check_keys):
            counts = [m.counts for m in lake.whole(selected.asset_key.to_user_string()).manifests if m.counts]
            failed, asked = sum(c.quarantined for c in counts), sum(c.rows_in for c in counts)
            yield dg.AssetCheckResult(
                asset_key=selected.asset_key,
                check_name=selected.name,
                passed=failed <= recipe.supplement.judge.max_failed_share * asked,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"asked": asked, "failed": failed},
            )

    return check


@dg.multi_asset_check(
    specs=_each_round(
        "classifier", "quantising_keeps_accuracy", "No more accuracy was lost by quantising than the recipe allows."
    ),
    can_subset=True,
)
def quantising_keeps_accuracy(context: dg.AssetCheckExecutionContext, lake: LakeParam) -> Iterator[dg.AssetCheckResult]:
    """Measured by training on the validation split; where there is none, nothing is known to be lost."""
    for selected in sorted(context.selected_asset_check_keys):
        told = {str(m.partition): m.metadata for m in lake.whole(selected.asset_key.to_user_string()).manifests}
        losing = sorted(domain for domain, facts in told.items() if facts.get("quantising loses too much"))
        yield dg.AssetCheckResult(
            asset_key=selected.asset_key,
            check_name=selected.name,
            passed=not losing,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"domains": len(told), "losing too much": ", ".join(losing) or "none"},
        )


RESULT_CHECKS = [
    quantising_keeps_accuracy,
    _round_checks("review", "judgements"),
    _round_checks("annotations", "annotations"),
    every_page_is_there,
    blocks_are_traceable,
    stages_join,
    crawls_came_to_their_end,
    tokenizer_is_as_ordered,
    documents_have_one_subset,
    order_is_a_permutation,
    order_is_read_once,
    training_learned,
    held_out_loss_falls,
    documents_replay,
    released_weights_equal,
]
