"""Quantising a fastText model until its file is small enough.

fastText replaces pairs of a row's numbers by one of 256 (product quantisation), keeps the norms apart, and, with a
cutoff, only the rows with the largest norms, which it then trains again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from neo_assets.recipe.supplement import RecallClassifierSettings

MIN_ROWS = 256
"""Product quantisation needs as many rows as it has codes."""
_PAIR = 2
_PRUNED_BYTES = 8
"""A row that survives a cutoff has an entry in the map of pruned buckets, or a word in the dictionary."""


class UncompressibleError(Exception):
    """The model cannot be made as small as the settings want it."""


def compressed(exact: Path, published: Path, lines: Path, settings: RecallClassifierSettings) -> str:
    """Writes a model of at most `max_model_bytes` and says what it is: a model that is small enough is left as it is.

    Args:
        exact: the trained model's file, `lines` what it was trained on.

    Raises:
        UncompressibleError: its dictionary or its codes alone are larger.
    """
    import fasttext

    limit = settings.max_model_bytes
    if exact.stat().st_size <= limit:
        shutil.copyfile(exact, published)
        return "not quantised: its file is small enough"
    n_rows = len(fasttext.load_model(str(exact)).get_words()) + settings.buckets
    row_bytes = -(-settings.dim // _PAIR) + 1
    code_bytes = 4 * MIN_ROWS * (settings.dim + 1)
    cutoff = 0 if n_rows * row_bytes <= limit else max((limit - code_bytes) // (row_bytes + _PRUNED_BYTES), MIN_ROWS)
    while True:
        _quantise(exact, published, lines, settings, cutoff if cutoff < n_rows else 0)
        size = published.stat().st_size
        if size <= limit:
            kept = f"{cutoff:,} of {n_rows:,}" if 0 < cutoff < n_rows else f"all {n_rows:,}"
            return f"quantised: {kept} rows are kept"
        if cutoff == MIN_ROWS or n_rows <= MIN_ROWS:
            raise UncompressibleError(
                f"the model still has {size:,} bytes with {min(cutoff or n_rows, n_rows):,} rows left: raise "
                f"supplement.classifier.max_model_bytes ({limit:,}) in the recipe, or lower its dim"
            )
        # What a row costs is known now; a little less than fits, for words differ in length.
        share = 0.95 * max(limit - code_bytes, 0) / (size - code_bytes)
        cutoff = max(int((cutoff or n_rows) * min(share, 0.95)), MIN_ROWS)


def _quantise(exact: Path, published: Path, lines: Path, settings: RecallClassifierSettings, cutoff: int) -> None:
    """One attempt; 0 cuts nothing off."""
    import fasttext

    model = fasttext.load_model(str(exact))
    # A loaded model has forgotten its rate and threads. The method below the wrapper's takes 0 for a silent run.
    quantise_output, retrain, verbose, quantise_norms = False, cutoff > 0, 0, True
    model.f.quantize(
        str(lines), quantise_output, cutoff, retrain, settings.epochs, settings.learning_rate, 1, verbose, _PAIR,
        quantise_norms,
    )  # fmt: skip
    model.save_model(str(published))
