"""trafilatura: its text output, standard, fast and for precision, given the bytes (it finds the encoding) or the text.

The HTTP header's charset is not among its arguments. Formatting is left off, as by default; tables and comments are on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trafilatura

from benchmarks.peers.extraction_protocol import SentPage, serve

MODES: dict[str, dict[str, Any]] = {"": {}, " fast": {"fast": True}, " precision": {"favor_precision": True}}


def given_bytes(options: dict[str, Any]) -> Callable[[SentPage], str]:
    """Extracts from a page as it was sent."""
    return lambda page: trafilatura.extract(page.payload, **options) or ""


def given_text(options: dict[str, Any]) -> Callable[[SentPage], str]:
    """Extracts from a page that was decoded right."""
    return lambda page: trafilatura.extract(page.decoded, **options) or ""


if __name__ == "__main__":
    serve(
        {f"trafilatura{name}": given_bytes(options) for name, options in MODES.items()}
        | {f"trafilatura{name}, decoded": given_text(options) for name, options in MODES.items()}
    )
