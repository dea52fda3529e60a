"""Training: token shards, the published order, chunks of it, and the chain of checkpoints they lead to."""

from pathlib import Path
from tempfile import TemporaryDirectory

from neo_assets.asset import Compute, Context, Dataset, Draft, Recipe, Result, Tracking, asset
from neo_assets.engine.work import default_workers
from neo_assets.evaluation.curves import loss_curve, step_curves
from neo_assets.model.metrics.run_events import EVENT_FILE, tensorboard_file
from neo_assets.ordinals import ordinal_index
from neo_assets.partitions import ALL, PREVIOUS, SAME_ORDINAL, checkpoints, chunks, subsets
from neo_assets.tokens.held_out import LeaveDocuments, ids_of
from neo_assets.tokens.lineage.exposures import checkpoint_exposures
from neo_assets.tokens.lineage.ledger import concat_steps, ledger_of, ledger_totals
from neo_assets.tokens.order.chunks import order_window, write_chunk
from neo_assets.tokens.stages import demands_of, drawn_order, files_below, open_streams, tokens_by_subset
from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.streams.statistics import stream_statistics
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer


@asset(
    kinds={"megatron"},
    partitions_def=subsets,
    inputs={
        "documents": "corpus/decontaminated",
        "held_out": "corpus/held_out",
        "tokenizer": "tokenizer/tokenizer",
    },
)
def token_shards(context: Context, documents: Dataset, held_out: Dataset, tokenizer: Dataset, recipe: Recipe) -> Draft:
    """A subset as one stream of tokens in Megatron's IndexedDataset files, a digest per block, and a span per document.

    The table `spans` says which tokens are which document's. Held-out documents are not in it.
    """
    scratch, left_out = TemporaryDirectory(), LeaveDocuments(frozenset(ids_of(held_out.batches(["doc_id"]))))
    shards = write_shards(
        map(left_out, documents.batches(["doc_id", "url", "text"])),
        Tokenizer.load(tokenizer.file("tokenizer.model"), recipe.tokenizer),
        Path(scratch.name),
        context.partition_key,
        tokens_per_shard=recipe.corpus.tokens_per_shard,
        tokens_per_digest=recipe.corpus.tokens_per_digest,
        n_workers=default_workers(),
    )
    tables, metadata = {"rows": shards.digests, "spans": shards.spans}, shards.metadata
    return Draft(tables=tables, files=files_below(scratch.name), metadata=metadata, scratch=scratch)


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def token_statistics(token_shards: Dataset, recipe: Recipe) -> Draft:
    """Tokens, sequences and unigram entropy of every subset; a model must get below that entropy."""
    seq_length = recipe.training.chosen.seq_length
    return Draft(tables={"rows": stream_statistics(open_streams(token_shards), seq_length, recipe.tokenizer.n_ids)})


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def order(token_shards: Dataset, recipe: Recipe) -> Draft:
    """The published order: which sequence of which subset is at every training position of the run."""
    tokens, training = tokens_by_subset(token_shards), recipe.training
    demands = demands_of(training.phases, recipe.corpus.phases, recipe.corpus.subsets, tokens)
    rows = drawn_order(tokens, demands, training.chosen.seq_length, recipe.seed)
    n_rows = training.sequences_before(training.n_checkpoints)
    return Draft(tables={"rows": rows}, metadata={"target positions": n_rows * training.chosen.seq_length})


@asset(
    kinds={"numpy", "parquet"},
    partitions_def=chunks,
    inputs={"order": "training/order", "token_shards": ("training/token_shards", ALL)},
)
def chunk(context: Context, order: Dataset, token_shards: Dataset, recipe: Recipe) -> Draft:
    """The tokens between two checkpoints, in training order, with the documents at every position.

    The table `spans` ties every token to its document; the main table is the source mix.
    """
    scratch, index = TemporaryDirectory(), ordinal_index(context.partition_key)
    first = recipe.training.sequences_before(index)
    window = order_window(order, first, recipe.training.sequences_before(index + 1) - first)
    found = write_chunk(window, open_streams(token_shards), Path(scratch.name) / "chunk.npy")
    tables, metadata = {"rows": found.mix, "spans": found.spans}, {"first position": first, **found.metadata}
    return Draft(tables=tables, files=files_below(scratch.name), metadata=metadata, scratch=scratch)


@asset(
    kinds={"torch", "megatron"},
    partitions_def=checkpoints,
    inputs={"previous": ("training/checkpoint", PREVIOUS), "chunk": ("training/chunk", SAME_ORDINAL)},
    pool="gpu",
    ranges=True,
)
def checkpoint(context: Context, previous: Dataset, chunk: Dataset, compute: Compute, tracking: Tracking) -> Result:
    """Weights, optimiser state and position after a chunk: the fundamental phase first, then the decay phase.

    The table has a row per step: positions, learning rate, loss, gradient norm, tokens read, masked and applied, and
    why the update was left out if it was.
    """
    settings = tracking.settings
    return compute.run(
        context, "neo_assets.jobs.train", profile="gpu", settings=settings, previous=previous, chunk=chunk
    )


@asset(
    kinds={"parquet"},
    partitions_def=checkpoints,
    inputs={"chunk": ("training/chunk", SAME_ORDINAL)},
)
def exposures(chunk: Dataset, checkpoint: Dataset, recipe: Recipe) -> Draft:
    """For every document of a checkpoint's chunk: its positions, and how many of its tokens moved the weights."""
    spans, masked = chunk.named("spans").read(), recipe.training.mask_after_eod
    return Draft(tables={"rows": checkpoint_exposures(spans, checkpoint.read(), mask_after_eod=masked)})


@asset(kinds={"parquet"}, inputs={"checkpoint": ("training/checkpoint", ALL)})
def ledger(checkpoint: Dataset, recipe: Recipe) -> Draft:
    """What became of every position of the run: read, masked, applied, or left out and why; and restarts."""
    steps = concat_steps(checkpoint.partition(m.partition).read() for m in checkpoint.manifests)
    table = ledger_of(steps, recipe.training.chosen.seq_length)
    return Draft(tables={"rows": table}, metadata=ledger_totals(table))


@asset(
    kinds={"parquet", "matplotlib", "tensorboard"},
    inputs={"checkpoint": ("training/checkpoint", ALL), "token_statistics": "training/token_statistics"},
)
def metrics(checkpoint: Dataset, token_statistics: Dataset) -> Draft:
    """Every step of the run: loss, learning rate, gradient norm, tokens; plotted against the unigram entropy."""
    steps = checkpoint.read()
    entropy = token_statistics.read(["unigram_entropy_nats"])["unigram_entropy_nats"][-1].as_py()
    losses = steps["loss"].to_pylist()
    metadata = {"first loss": losses[0], "last loss": losses[-1], "unigram entropy": entropy}
    files = {"loss.png": loss_curve(steps, entropy), "steps.png": step_curves(steps)}
    return Draft(tables={"rows": steps}, files=files | {EVENT_FILE: tensorboard_file(steps)}, metadata=metadata)
