"""Loss of a range of checkpoints on the held-out documents of every subset, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa

from neo_assets.engine.progress import report
from neo_assets.jobs.base import RangeJob, open_range_job
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.writer import VersionWriter
from neo_assets.ordinals import ordinal_index

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from neo_assets.evaluation.held_out import Chosen
    from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

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
    from neo_assets.evaluation.held_out import piece_bytes
    from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

    with open_range_job() as job:
        tokenizer = Tokenizer.load(job.inputs["tokenizer"].file("tokenizer.model"), job.recipe.tokenizer)
        token_bytes = piece_bytes(map(tokenizer.piece, range(tokenizer.vocab_size)), job.recipe.tokenizer.n_ids)
        chosen = _chosen(job, tokenizer)
        for done, key in enumerate(job.keys, start=1):
            _measure(job, key, chosen, token_bytes)
            report("held-out loss", done, len(job.keys))


def _chosen(job: RangeJob, tokenizer: Tokenizer) -> dict[str | None, tuple[Chosen, ...]]:
    """The documents of every subset that all checkpoints are measured on."""
    from neo_assets.evaluation.held_out import choose_documents

    n_tokens = job.recipe.evaluation.held_out_sequences * job.recipe.training.chosen.seq_length + 1
    held_out = job.inputs["held_out"]
    return {
        m.partition: choose_documents(
            _texts(held_out.partition(m.partition)), tokenizer.encode, n_tokens, job.recipe.seed
        )
        for m in held_out.manifests
    }


def _measure(
    job: RangeJob, key: str, chosen: Mapping[str | None, tuple[Chosen, ...]], token_bytes: npt.NDArray[np.int64]
) -> None:
    from neo_assets.evaluation.held_out import held_out_loss, subset_loss
    from neo_assets.model.export.inference import open_model

    recipe = job.recipe
    inputs = {**job.inputs, "checkpoint": job.inputs["checkpoint"].partition(key)}
    training, index = recipe.training, ordinal_index(key)
    where = {
        "checkpoint": key,
        "phase": training.position(index)[0].name,
        "tokens_seen": training.tokens_seen(index),
    }
    rows, documents = [], []
    with open_model(inputs["checkpoint"].folder(), training.n_threads) as model:
        weights_digest = model.weights_digest
        for subset, documents_of_it in chosen.items():
            losses = held_out_loss(
                model.logits,
                documents_of_it,
                seq_length=model.architecture.seq_length,
                max_sequences=recipe.evaluation.held_out_sequences,
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
