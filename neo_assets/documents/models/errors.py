"""What can be wrong with model weights."""

from __future__ import annotations


class ModelError(RuntimeError):
    """Weights cannot be had or are not what they should be; the message says what to do, in one line."""
