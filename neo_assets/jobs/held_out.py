"""Loss of a range of checkpoints on the held-out documents of every subset, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import RangeJob, open_range_job
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.writer import VersionWriter
from neo_assets.ordinals import ordinal_index

SCHEMA = pa.schema(
    [
        ("checkpoint", pa.string()), ("phase", pa.string()), ("tokens_seen", pa.int64()), ("subset", pa.string()),
        ("documents", pa.int64()), ("tokens", pa.int64()), ("bytes", pa.int64()), ("nats_per_token", pa.float64()),
        ("stderr", pa.float64()), ("bits_per_byte", pa.float64()),
    ]
)  # fmt: skip
DOCUMENT_SCHEMA = pa.schema(
    [
        ("checkpoint", pa.string()), ("subset", pa.string()), ("doc_id", pa.string()), ("tokens", pa.int64()),
        ("nats", pa.float64()), ("bytes", pa.int64()), ("text_nats", pa.float64()),
    ]
)  # fmt: skip


def main() -> None:
    """Measure each checkpoint; write a row per subset, and one per document as the table `documents`."""
    with open_range_job() as job:
        for done, key in enumerate(job.keys, start=1):
            _measure(job, key)
            report("held-out loss", done, len(job.keys))


def _measure(job: RangeJob, key: str) -> None:
    from neo_assets.evaluation.held_out import choose_documents, held_out_loss, piece_bytes, subset_loss
    from neo_assets.model.export.inference import open_model
    from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

    recipe = job.recipe
    inputs = {**job.inputs, "checkpoint": job.inputs["checkpoint"].partition(key)}
    training, n_sequences = recipe.training, recipe.evaluation.held_out_sequences
    tokenizer = Tokenizer.load(inputs["tokenizer"].file("tokenizer.model"), recipe.tokenizer)
    token_bytes = piece_bytes(map(tokenizer.piece, range(tokenizer.vocab_size)), recipe.tokenizer.n_ids)
    index = ordinal_index(key)
    where = {
        "checkpoint": key,
        "phase": training.position(index)[0].name,
        "tokens_seen": training.sequences_before(index + 1) * training.chosen.seq_length,
    }
    rows, documents = [], []
    with open_model(inputs["checkpoint"].folder(), training.n_threads) as model:
        seq_length, weights_digest = model.architecture.seq_length, model.weights_digest
        for subset in (manifest.partition for manifest in inputs["held_out"].manifests):
            chosen = choose_documents(
                _texts(inputs["held_out"].partition(subset)),
                tokenizer.encode,
                n_sequences * seq_length + 1,
                recipe.seed,
            )
            losses = held_out_loss(
                model.logits,
                chosen,
                seq_length=seq_length,
                max_sequences=n_sequences,
                eod_id=recipe.tokenizer.end_of_document_id,
                token_bytes=token_bytes,
                mask_after_eod=training.mask_after_eod,
                batch_sequences=recipe.evaluation.batch_sequences,
            )
            rows.append(where | {"subset": subset} | asdict(subset_loss(losses)))
            documents += [{"checkpoint": key, "subset": subset} | asdict(loss) for loss in losses]

    def write(writer: VersionWriter) -> None:
        writer.table(pa.Table.from_pylist(rows, schema=SCHEMA))
        writer.table(pa.Table.from_pylist(documents, schema=DOCUMENT_SCHEMA), "documents")

    measured = [row for row in rows if row["tokens"]]
    metadata = {
        "weights digest": weights_digest,
        "held-out loss": {row["subset"]: row["nats_per_token"] for row in measured},
        "subsets without held-out documents": len(rows) - len(measured),
    }
    job.publish(key, write, inputs, metadata)


def _texts(documents: Dataset) -> Iterator[tuple[str, str]]:
    for batch in documents.batches(["doc_id", "text"]):
        yield from zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True)


if __name__ == "__main__":
    main()
