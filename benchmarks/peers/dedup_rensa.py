"""rensa: signatures of 128 values over character 13-grams, and its deduplicator with LSH.

Signatures are of the full set of shingles (its rho sketches sample them); each call that gives them as a matrix is
timed, and the quicker counts. The deduplicator compares signatures, not texts. Input is normalised text, and cutting it
into shingles is timed.
"""

from __future__ import annotations

from rensa import RMinHash, RMinHashDeduplicator

from benchmarks.peers.dedup_protocol import Clock, Task, answer, best, records, task

PERMUTATIONS, SEED, THRESHOLD, WIDTH = 128, 1, 0.8, 13


def shingles(text: str) -> list[str]:
    """The character 13-grams of the text, repeated ones included: the sketch takes no harm, and a set costs more."""
    return [text[i : i + WIDTH] for i in range(max(len(text) - WIDTH + 1, 1))]


def run(asked: Task) -> None:
    """Signatures, or the whole."""
    rows = list(records(asked.input, asked.documents))
    texts = [row["text"] for row in rows]
    if asked.part == "near":
        with Clock() as clock:
            found = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True)
            keep = found.add_pairs((row["id"], shingles(row["text"])) for row in rows)
        answer(clock, asked.work, (row["id"] for row, kept in zip(rows, keep, strict=True) if kept))
        return
    signatures(texts[:10], as_bytes=False)
    clocks = {as_bytes: best(lambda as_bytes=as_bytes: signatures(texts, as_bytes)) for as_bytes in (False, True)}
    answer(min(clocks.values(), key=lambda clock: clock.cpu), asked.work)


def signatures(texts: list[str], as_bytes: bool) -> None:
    """All signatures, some documents at a time, as one cuts them where memory is limited."""
    for start in range(0, len(texts), 500):
        some = [shingles(text) for text in texts[start : start + 500]]
        if as_bytes:
            encoded = [[piece.encode("utf-8") for piece in pieces] for pieces in some]
            RMinHash.digest_matrix_from_token_byte_sets(encoded, num_perm=PERMUTATIONS, seed=SEED)
        else:
            RMinHash.digest_matrix_from_token_sets(some, num_perm=PERMUTATIONS, seed=SEED)


if __name__ == "__main__":
    run(task(__doc__))
