"""MinHash signatures: ours against datasketch, on the seed's English and Chinese text, in one run on one core.

    python -m benchmarks.minhash [--quick] [--output FOLDER]

All sides give 128 values over character 13-grams. Ours starts from raw text and is timed with its normalisation.
datasketch gets normalised text and is timed from there: cutting shingles, encoding and hashing them (SHA-1, its
default), and taking minima. Time is processor time, the best of several runs; `update` gets a small part of the text.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasketch import MinHash

import neo_assets
from benchmarks.report import RESULTS, write_report
from neo_assets.dedup.minhash import text_signatures
from neo_assets.dedup.shingles import Normalisation, reduced_points
from neo_assets.recipe.dedup import NearSettings

SEED = Path(neo_assets.__file__).parent / "seed"
TEXTS: tuple[tuple[Normalisation, str], ...] = (
    ("english", "text/prideprejudice.en.txt"),
    ("chinese", "text/sanguo.zh.txt"),
)
DOCUMENT_CHARS = 5_000


def main() -> None:
    """Runs the comparison, prints its table and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few documents only: shows that it runs, proves nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    rows = [row for normalisation, path in TEXTS for row in compare(normalisation, SEED / path, chosen.quick)]
    columns = ("text", "method", "million characters/s", "ours is faster by")
    for row in (columns, *rows):
        print("  ".join(cell.ljust(24) for cell in row))
    notes = (__doc__ or "").split("\n\n")[-1].strip() + (" **Quick run: not a measurement.**" if chosen.quick else "")
    print(write_report("minhash", "MinHash signatures", columns, rows, notes, chosen.output))


def compare(normalisation: Normalisation, file: Path, quick: bool) -> list[tuple[str, str, str, str]]:
    """One row per method: text, method, speed and ratio."""
    documents = cut(file.read_text(encoding="utf-8"))[: 4 if quick else None]
    settings = NearSettings(normalisation=normalisation)
    reduced = normalised(documents, normalisation)
    text_signatures(documents[:1], settings)  # compiles
    repeated = documents * (1 if quick else 20)
    runs = 1 if quick else 5
    speeds = {
        "ours": speed(lambda: text_signatures(repeated, settings), repeated, runs),
        "datasketch update_batch": speed(lambda: in_batches(reduced), documents, 1 if quick else 3),
        "datasketch update": speed(lambda: one_by_one(reduced[:2]), documents[:2], 1),
    }
    ours = speeds["ours"]
    return [
        (normalisation, method, f"{found / 1e6:.3g}", "" if method == "ours" else f"{ours / found:.0f}x")
        for method, found in speeds.items()
    ]


def cut(text: str) -> list[str]:
    """The text in documents of equal length."""
    return [text[start : start + DOCUMENT_CHARS] for start in range(0, len(text), DOCUMENT_CHARS)]


def normalised(documents: list[str], normalisation: Normalisation) -> list[str]:
    """The documents as they are compared, as texts."""
    reduced = reduced_points(documents, normalisation)
    whole = reduced.points.astype(np.dtype("<u4")).tobytes().decode("utf-32-le")
    return [whole[start:end] for start, end in zip(reduced.offsets, reduced.offsets[1:], strict=False)]


def speed(run: Callable[[], object], documents: list[str], runs: int) -> float:
    """Raw characters per second of processor time, the best of the runs."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return sum(map(len, documents)) / max(min(seconds), 1e-9)


def shingles(text: str) -> list[bytes]:
    """The distinct character 13-grams of the text."""
    return [piece.encode("utf-8") for piece in {text[i : i + 13] for i in range(max(len(text) - 12, 1))}]


def in_batches(texts: list[str]) -> None:
    """datasketch, one call a document."""
    for text in texts:
        MinHash(num_perm=128, scheme="affine32").update_batch(shingles(text))


def one_by_one(texts: list[str]) -> None:
    """datasketch, one call a shingle."""
    for text in texts:
        sketch = MinHash(num_perm=128, scheme="affine32")
        for shingle in shingles(text):
            sketch.update(shingle)


if __name__ == "__main__":
    main()
