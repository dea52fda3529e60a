"""What of running heads and page numbers is in an output."""

from __future__ import annotations

import re
from itertools import permutations

from rapidfuzz import fuzz

from benchmarks.document_truth.model import TruthDocument
from benchmarks.document_truth.outputs import Output, bare

LEAKED = 85
"""Partial similarity from which on a running head counts as found."""
NUMBER = re.compile(r"\W*(?:第|Page)?\d+页?\W*")


def leaked_characters(output: Output, truth: TruthDocument) -> int:
    """Characters of running heads and page numbers in the output, beyond what the text itself has of them.

    A page number or a short head counts where it is a line of its own, alone or with the other heads of its page.
    """
    lines = [bare(line) for block in output.blocks for line in block.split("\n")]
    body = [bare(block.text) for block in truth.blocks]
    running = [[bare(one) for one in page] for page in truth.running]
    leaked = 0
    together = {"".join(order) for page in running for order in permutations(page) if len(order) > 1}
    for line in [line for line in lines if line in together]:
        leaked += len(line)
        lines.remove(line)
    everywhere = [one for page in running for one in page]
    for one in sorted(set(everywhere)):
        short = NUMBER.fullmatch(one) or len(one.encode()) < 8
        n_found = (
            lines.count(one) - body.count(one)
            if short
            else _times(one, "\n".join(lines)) - _times(one, "\n".join(body))
        )
        leaked += len(one) * min(everywhere.count(one), max(0, n_found))
    return leaked


def _times(text: str, whole: str) -> int:
    """How often a text occurs, about."""
    n_times = 0
    while len(whole) >= len(text) and n_times < 50:
        found = fuzz.partial_ratio_alignment(text, whole, score_cutoff=LEAKED)
        if found is None:
            break
        n_times += 1
        whole = whole[: found.dest_start] + "\x00" + whole[found.dest_end :]
    return n_times
