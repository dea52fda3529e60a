"""datasketch: `update_batch` of the distinct character 13-grams, 128 values, its default hash (SHA-1).

Input is normalised text; cutting it into shingles and encoding them are timed.
"""

from __future__ import annotations

from datasketch import MinHash

from benchmarks.peers.dedup_protocol import Task, answer, best, records, task


def run(asked: Task) -> None:
    """Signatures, one call a document."""
    texts = [row["text"] for row in records(asked.input, asked.documents)]
    signatures(texts[:2])
    answer(best(lambda: signatures(texts)), asked.work)


def signatures(texts: list[str]) -> None:
    """A signature of each text."""
    for text in texts:
        pieces = {text[i : i + 13] for i in range(max(len(text) - 12, 1))}
        MinHash(num_perm=128, scheme="affine32").update_batch([piece.encode("utf-8") for piece in pieces])


if __name__ == "__main__":
    run(task(__doc__))
