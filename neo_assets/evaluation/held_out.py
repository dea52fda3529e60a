"""Loss of a model on held-out documents of a subset, measured exactly as the loss of training is.

Documents follow one another, each closed by the end-of-document id, and the stream is cut into sequences of the
model's context; a first token of a document has the end of another before it and bears no loss where training masks it
so. The difference to the loss of training is then that of unseen to seen text, and nothing else.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Ids = npt.NDArray[np.int32]
Encode = Callable[[str], Ids]


@dataclass(frozen=True)
class Chosen:
    """A document of the stream: its ids without end of document."""

    doc_id: str
    ids: Ids


@dataclass(frozen=True)
class DocumentLoss:
    """What was measured on one document.

    `nats` is over `tokens` targets, the end of document among them; `text_nats` over those that stand for the `bytes`
    of text.
    """

    doc_id: str
    tokens: int
    nats: float
    bytes: int
    text_nats: float


@dataclass(frozen=True)
class SubsetLoss:
    """Loss over all measured documents of a subset; NaN where there is nothing to measure.

    `stderr` is that of `nats_per_token`, over documents, by the linearised variance of a ratio: tokens of one document
    are not independent of each other.
    """

    documents: int
    tokens: int
    bytes: int
    nats_per_token: float
    stderr: float
    bits_per_byte: float


def choose_documents(
    documents: Iterable[tuple[str, str]], encode: Encode, n_tokens: int, seed: int
) -> tuple[Chosen, ...]:
    """The documents with the smallest hashes of seed and id that together fill `n_tokens`, in the order of the hashes.

    Args:
        documents: pairs of id and text, in any order.
        n_tokens: as many as that are reached, ends of documents counted; fewer documents are all taken.

    What is chosen depends on the documents alone, not on their order. For K chosen of N documents, K ln(N / K) are
    encoded, and memory holds only those that are chosen so far.
    """
    heap: list[tuple[int, str, Ids]] = []  # the largest hash first
    total = 0
    for doc_id, text in documents:
        rank = -_rank(doc_id, seed)
        if total >= n_tokens and (rank, doc_id) < heap[0][:2]:
            continue
        ids = encode(text)
        heapq.heappush(heap, (rank, doc_id, ids))
        total += len(ids) + 1
        while total - len(heap[0][2]) - 1 >= n_tokens:
            total -= len(heapq.heappop(heap)[2]) + 1
    return tuple(Chosen(doc_id, ids) for _, doc_id, ids in sorted(heap, key=lambda one: one[:2], reverse=True))


def held_out_loss(
    logits: Callable[[torch.Tensor], torch.Tensor],
    chosen: Sequence[Chosen],
    *,
    seq_length: int,
    max_sequences: int,
    eod_id: int,
    token_bytes: npt.NDArray[np.int64],
    mask_after_eod: bool = True,
    batch_sequences: int = 16,
) -> tuple[DocumentLoss, ...]:
    """The loss of every document that the first `max_sequences` sequences of the stream reach, in stream order.

    Args:
        logits: ids [batch, sequence] to logits [batch, sequence, rows].
        token_bytes: UTF-8 bytes of text that each id stands for, by id.
        batch_sequences: sequences in one forward pass.

    O(tokens) forward passes; memory that of one batch's logits.
    """
    if not chosen:
        return ()
    stream = np.concatenate([part for one in chosen for part in (one.ids, np.array([eod_id], np.int32))])
    stream = stream[: max_sequences * seq_length + 1].astype(np.int64)
    ends = np.cumsum([len(one.ids) + 1 for one in chosen])
    targets = stream[1:]
    owners = np.searchsorted(ends, np.arange(1, len(stream)), side="right")
    bears_loss = (stream[:-1] != eod_id) if mask_after_eod else np.ones(len(targets), np.bool_)
    nats = np.where(bears_loss, _target_nats(logits, stream, seq_length, eod_id, batch_sequences), 0.0)
    is_text = bears_loss & (targets != eod_id)

    def per_document(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(owners, values, minlength=len(chosen)).astype(np.float64)

    columns = (bears_loss.astype(float), nats, np.where(is_text, token_bytes[targets], 0), np.where(is_text, nats, 0.0))
    tokens, total, n_bytes, text = map(per_document, columns)
    return tuple(
        DocumentLoss(chosen[i].doc_id, int(tokens[i]), float(total[i]), int(n_bytes[i]), float(text[i]))
        for i in range(int(owners[-1]) + 1 if len(owners) else 0)
        if tokens[i]
    )


def subset_loss(documents: Sequence[DocumentLoss]) -> SubsetLoss:
    """The loss of a subset: sums over its documents, so that every token weighs the same."""
    tokens, n_bytes = sum(one.tokens for one in documents), sum(one.bytes for one in documents)
    nats = math.fsum(one.nats for one in documents)
    mean = nats / tokens if tokens else math.nan
    n, stderr = len(documents), math.nan
    if n > 1:
        squares = math.fsum((one.nats - mean * one.tokens) ** 2 for one in documents)
        stderr = math.sqrt(squares * n / (n - 1)) / tokens
    text_nats = math.fsum(one.text_nats for one in documents)
    bits = text_nats / (math.log(2) * n_bytes) if n_bytes else math.nan
    return SubsetLoss(n, tokens, n_bytes, mean, stderr, bits)


def piece_bytes(pieces: Iterable[str], n_ids: int) -> npt.NDArray[np.int64]:
    """UTF-8 bytes that the ids of a SentencePiece vocabulary stand for, 0 for special and appended tokens.

    Their sum over a text's ids is the text's length and that of a dummy prefix, where bytes are pieces and the text is
    not normalised, as in the published model.

    Args:
        pieces: as SentencePiece writes them, by id: `<0x0A>` is one byte, U+2581 a space, `<s>` a special token.
    """
    lengths = np.zeros(n_ids, np.int64)
    for id_, piece in enumerate(pieces):
        if piece.startswith("<0x") and piece.endswith(">") and len(piece) == len("<0x00>"):
            lengths[id_] = 1
        elif piece not in ("<unk>", "<s>", "</s>", "<pad>"):
            lengths[id_] = len(piece.replace("\u2581", " ").encode())
    return lengths


def _rank(doc_id: str, seed: int) -> int:
    text = f"held-out loss {seed} {doc_id}"
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], "big")


def _target_nats(
    logits: Callable[[torch.Tensor], torch.Tensor],
    stream: npt.NDArray[np.int64],
    seq_length: int,
    eod_id: int,
    batch_sequences: int,
) -> npt.NDArray[np.float64]:
    """Negative log-likelihood of stream[1:], each given the part of its sequence before it."""
    import torch
    from torch.nn import functional

    n_targets = len(stream) - 1
    n_sequences = -(-n_targets // seq_length)
    padded = np.full(n_sequences * seq_length + 1, eod_id, np.int64)  # on the right, where no target can see it
    padded[: len(stream)] = stream
    ids, targets = (padded[i : i + n_sequences * seq_length].reshape(-1, seq_length) for i in (0, 1))
    nats = np.zeros((n_sequences, seq_length))
    with torch.inference_mode():
        for begin in range(0, n_sequences, batch_sequences):
            rows = slice(begin, begin + batch_sequences)
            batch = logits(torch.from_numpy(np.ascontiguousarray(ids[rows])))
            for row, scores in enumerate(batch, start=begin):  # one by one: a batch's log-probabilities can be large
                wanted = torch.from_numpy(np.ascontiguousarray(targets[row])).to(scores.device)
                nats[row] = functional.cross_entropy(scores.float(), wanted, reduction="none").cpu().numpy()
    return nats.reshape(-1)[:n_targets]
