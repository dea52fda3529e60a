"""Training: token shards, the published order, chunks of it, and the chain of checkpoints they lead to."""

from pathlib import Path
from tempfile import TemporaryDirectory

from neo_assets.asset import Compute, Context, Dataset, Draft, Recipe, Result, asset
from neo_assets.evaluation.curves import loss_curve
from neo_assets.ordinals import ordinal_index
from neo_assets.partitions import ALL, PREVIOUS, SAME_ORDINAL, checkpoints, chunks, subsets
from neo_assets.tokens.chunks import order_window, write_chunk
from neo_assets.tokens.order import build_order, check_order
from neo_assets.tokens.shards import write_shards
from neo_assets.tokens.stages import demands_of, files_below, open_streams, tokens_by_subset
from neo_assets.tokens.statistics import stream_statistics
from neo_assets.tokens.tokenizer import Tokenizer


@asset(
    kinds={"megatron"},
    partitions_def=subsets,
    inputs={"documents": "corpus/decontaminated", "tokenizer": "tokenizer/tokenizer"},
)
def token_shards(context: Context, documents: Dataset, tokenizer: Dataset, recipe: Recipe) -> Draft:
    """A subset as one stream of tokens in Megatron's IndexedDataset files, a digest per block, and a span per document.

    The table `spans` says which tokens are which document's.
    """
    scratch = TemporaryDirectory()
    shards = write_shards(
        documents.batches(["doc_id", "url", "text"]),
        Tokenizer.load(tokenizer.file("tokenizer.model"), recipe.tokenizer),
        Path(scratch.name),
        context.partition_key,
        tokens_per_shard=recipe.corpus.tokens_per_shard,
        tokens_per_digest=recipe.corpus.tokens_per_digest,
    )
    tables = {"rows": shards.digests, "spans": shards.spans}
    metadata = {"tokens": shards.n_tokens, "documents": shards.n_documents}
    return Draft(tables=tables, files=files_below(scratch.name), metadata=metadata, scratch=scratch)


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def token_statistics(token_shards: Dataset, recipe: Recipe) -> Draft:
    """Tokens, sequences and unigram entropy of every subset; a model must get below that entropy."""
    seq_length = recipe.training.chosen.seq_length
    return Draft(tables={"rows": stream_statistics(open_streams(token_shards), seq_length, recipe.tokenizer.n_ids)})


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def order(token_shards: Dataset, recipe: Recipe) -> Draft:
    """The published order: which sequence of which subset is at every training position of the run."""
    tokens, demands = tokens_by_subset(token_shards), demands_of(recipe.training.phases, recipe.corpus.phases)
    seq_length = recipe.training.chosen.seq_length
    table = build_order(tokens, demands, seq_length, recipe.seed)
    check_order(table, tokens, demands, seq_length)
    return Draft(tables={"rows": table}, metadata={"target positions": table.num_rows * seq_length})


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
    window = order_window(order.read(), first, recipe.training.sequences_before(index + 1) - first)
    found = write_chunk(window, open_streams(token_shards), Path(scratch.name) / "chunk.npy")
    metadata = {"first position": first, "rows": found.n_rows, "target positions": found.n_target_positions}
    files = files_below(scratch.name)
    return Draft(tables={"rows": found.mix, "spans": found.spans}, files=files, metadata=metadata, scratch=scratch)


@asset(
    kinds={"torch", "megatron"},
    partitions_def=checkpoints,
    inputs={"previous": ("training/checkpoint", PREVIOUS), "chunk": ("training/chunk", SAME_ORDINAL)},
    pool="gpu",
)
def checkpoint(context: Context, previous: Dataset, chunk: Dataset, compute: Compute) -> Result:
    """Weights, optimiser state and position after a chunk: the fundamental phase first, then the decay phase.

    The table is the consumption ledger: per step the learning rate, loss, gradient norm and tokens read, masked and
    applied, and why a step was left out if it was.
    """
    return compute.run(context, "neo_assets.jobs.train", profile="gpu", previous=previous, chunk=chunk)


@asset(
    kinds={"parquet", "matplotlib"},
    inputs={"checkpoint": ("training/checkpoint", ALL), "token_statistics": "training/token_statistics"},
)
def metrics(checkpoint: Dataset, token_statistics: Dataset) -> Draft:
    """Every step of the run: loss, learning rate, gradient norm, tokens; plotted against the unigram entropy."""
    steps = checkpoint.read()
    entropy = token_statistics.read(["unigram_entropy_nats"])["unigram_entropy_nats"][-1].as_py()
    losses = steps["loss"].to_pylist()
    metadata = {"first loss": losses[0], "last loss": losses[-1], "unigram entropy": entropy}
    return Draft(tables={"rows": steps}, files={"loss.png": loss_curve(steps, entropy)}, metadata=metadata)
