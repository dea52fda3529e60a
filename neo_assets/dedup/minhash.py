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
import pyarrow.compute as pc

from neo_assets.dedup.shingles import Texts, shingled, slices
from neo_assets.dedup.survivors import PRECEDENCE
from neo_assets.recipe.dedup import NearSettings

SIGNATURE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        (PRECEDENCE, pa.string()),
        ("url", pa.string()),
        ("n_shingles", pa.int32()),
        ("signature", pa.binary()),
    ]
)
"""A signature is its little-endian uint32 values; null for a document with nothing to compare."""

SLICE_BYTES = 2 * 2**20
"""Text that is looked at together: what a kernel makes of it stays in cache, whatever the size of its batch."""


@dataclass(frozen=True)
class Signatures:
    """Kernel: (doc_id, precedence, url, text, …) → `SIGNATURE_SCHEMA`."""

    settings: NearSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").cast(pa.large_string())
        parts = [
            text_signatures(texts[rows.start : rows.stop], self.settings)
            for rows in slices(pc.binary_length(texts), SLICE_BYTES)
        ] or [text_signatures(texts, self.settings)]
        found, n_shingles = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        packed = pa.Array.from_buffers(
            pa.binary(found.shape[1] * 4), len(found), [None, pa.py_buffer(found.astype("<u4").tobytes())]
        ).cast(pa.binary())
        comparable = pc.and_(texts.is_valid(), pa.array((n_shingles > 0) | self.settings.short_texts_alike))
        return pa.RecordBatch.from_arrays(
            [
                *(batch.column(name).cast(pa.string()) for name in SIGNATURE_SCHEMA.names[:3]),
                pa.array(n_shingles, pa.int32()),
                pc.if_else(comparable, packed, pa.scalar(None, pa.binary())),
            ],
            schema=SIGNATURE_SCHEMA,
        )


@dataclass(frozen=True)
class BandKeys:
    """Kernel: (precedence, signature, …) → one row of `band_schema` per document with a signature."""

    settings: NearSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        from neo_assets.dedup.hashing import band_keys

        batch = batch.filter(batch.column("signature").is_valid())
        packed = b"".join(batch.column("signature").to_pylist())
        found = np.frombuffer(packed, "<u4").reshape(batch.num_rows, self.settings.num_permutations)
        keys = band_keys(found, self.settings.bands, self.settings.rows)
        return pa.RecordBatch.from_arrays(
            [batch.column(PRECEDENCE).cast(pa.string()), *(pa.array(column) for column in keys.T)],
            schema=band_schema(self.settings),
        )


def band_schema(settings: NearSettings) -> pa.Schema:
    """(precedence, band_0, band_1, …): the key of each band of a document, int64."""
    return pa.schema([(PRECEDENCE, pa.string()), *((f"band_{i}", pa.int64()) for i in range(settings.bands))])


def text_signatures(texts: Texts, settings: NearSettings) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Signatures (one row a text) and shingle counts; linear in characters × permutations."""
    from neo_assets.dedup.hashing import signatures

    return signatures(shingled(texts, settings), *permutations(settings.num_permutations, settings.permutation_seed))


@lru_cache(maxsize=8)
def permutations(n: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Odd factors and summands of the n permutations, drawn as `datasketch.MinHash(n, seed)` draws them."""
    draw = np.random.RandomState(seed)
    a = draw.randint(0, 1 << 31, n, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, n, dtype=np.uint32)
    return a, b
