"""MinHash signatures of documents, and the band keys by which similar ones meet.

Two documents of Jaccard similarity J agree on at least one of b bands of r values with probability 1 - (1 - J^r)^b;
for 9 × 13: 0.399 at 0.8, 0.929 at 0.9 (MAP-Neo Matrix). Only the first b × r values are used for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.dedup.shingles import reduced_points
from neo_assets.recipe.lines import DedupSettings

SIGNATURE_SCHEMA = pa.schema(
    [("doc_id", pa.string()), ("url", pa.string()), ("n_shingles", pa.int32()), ("signature", pa.binary())]
)
"""A signature is its little-endian uint32 values; null for a document with nothing to compare."""

BAND_SCHEMA = pa.schema([("doc_id", pa.string()), ("band", pa.int32()), ("band_key", pa.int64())])


@dataclass(frozen=True)
class Signatures:
    """Kernel: (doc_id, url, text, …) → `SIGNATURE_SCHEMA`."""

    settings: DedupSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        found, n_shingles = text_signatures(batch.column("text").to_pylist(), self.settings)
        packed = [row.astype("<u4").tobytes() if n else None for row, n in zip(found, n_shingles, strict=True)]
        return pa.RecordBatch.from_arrays(
            [
                batch.column("doc_id").cast(pa.string()),
                batch.column("url").cast(pa.string()),
                pa.array(n_shingles, pa.int32()),
                pa.array(packed, pa.binary()),
            ],
            schema=SIGNATURE_SCHEMA,
        )


@dataclass(frozen=True)
class BandRows:
    """Kernel: (doc_id, signature, …) → one row of `BAND_SCHEMA` per document with a signature and band."""

    settings: DedupSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        from neo_assets.dedup.hashing import band_keys

        bands, width = self.settings.bands, self.settings.num_permutations
        batch = batch.filter(batch.column("signature").is_valid())
        packed = b"".join(batch.column("signature").to_pylist())
        found = np.frombuffer(packed, "<u4").reshape(batch.num_rows, width)
        keys = band_keys(found, bands, self.settings.rows)
        which = pa.array(np.repeat(np.arange(batch.num_rows), bands))
        return pa.RecordBatch.from_arrays(
            [
                batch.column("doc_id").cast(pa.string()).take(which),
                pa.array(np.tile(np.arange(bands, dtype=np.int32), batch.num_rows)),
                pa.array(keys.reshape(-1)),
            ],
            schema=BAND_SCHEMA,
        )


def text_signatures(texts: list[str], settings: DedupSettings) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Signatures (one row a text) and shingle counts; linear in characters × permutations."""
    from neo_assets.dedup.hashing import signatures

    reduced = reduced_points(texts, settings.normalisation)
    a, b = permutations(settings.num_permutations, settings.permutation_seed)
    found, n_shingles = signatures(reduced.points, reduced.offsets, settings.shingle_chars, a, b)
    return found, n_shingles


@lru_cache(maxsize=8)
def permutations(n: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Odd factors and summands of the n permutations, drawn as `datasketch.MinHash(n, seed)` draws them."""
    draw = np.random.RandomState(seed)
    a = draw.randint(0, 1 << 31, n, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, n, dtype=np.uint32)
    return a, b
