"""The entropy of how often ids occur."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def unigram_entropy(counts: npt.NDArray[np.int64]) -> float:
    """The entropy of the id distribution, in nats: the loss of a model that knows only frequencies. 0 for no tokens.

    Summed with `math.fsum` in ascending order of counts, so that it is the same on every machine.
    """
    total = int(counts.sum())
    present = np.sort(counts[counts > 0]).tolist()
    return math.fsum(-(n / total) * math.log(n / total) for n in present)
