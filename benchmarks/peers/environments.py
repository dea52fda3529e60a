"""The systems compared, and how their adapters are started, each in its own virtual environment.

`make bench-peers` installs them from `requirements-peers.txt` into `.venv-peers`; another folder may be named by
`NEO_PEERS`. A system that is not installed is left out and named.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_SECONDS = 600


class Peer(NamedTuple):
    """A system: what the tables call it, its environment and adapter, and what it computes."""

    title: str
    environment: str
    adapter: str
    computes: str


OURS = Peer("neo-assets", "", "ours", "all signals, every rule")
DATATROVE = Peer("datatrove", "datatrove", "datatrove", "Gopher repetition, Gopher quality, C4, FineWeb")
REFERENCE = Peer("released rules", "reference", "reference_style", "MAP-Neo's released rules, restated in Python")
PEERS = (
    DATATROVE,
    Peer("dolma", "dolma", "dolma", "taggers gopher_v2, c4_v2"),
    Peer("NeMo Curator", "nemo_curator", "nemo_curator", "its heuristic chain"),
    Peer("data-juicer", "data_juicer", "data_juicer", "its recipe's filters without models"),
    REFERENCE,
)
DEDUP_OURS = Peer("neo-assets", "", "benchmarks.dedup_methods", "near, exact, paragraph, substring, line")
DATASKETCH = Peer("datasketch", "", "dedup_datasketch", "signatures")
PYTHON = Peer("plain Python", "", "dedup_python", "similar line")
DEDUP_DATATROVE = Peer("datatrove", "datatrove", "dedup_datatrove", "near")
TEXT_DEDUP = Peer("text-dedup", "text_dedup", "dedup_text_dedup", "near")
RENSA = Peer("rensa", "rensa", "dedup_rensa", "signatures, near")
SPARK = Peer("Spark", "spark", "dedup_spark", "exact, paragraph")
PYDIVSUFSORT = Peer("pydivsufsort", "pydivsufsort", "dedup_pydivsufsort", "substring")
DEDUP_PEERS = (DEDUP_DATATROVE, TEXT_DEDUP, RENSA, SPARK, PYDIVSUFSORT)
EXTRACTION_OURS = Peer("neo-assets", "", "extraction_ours", "main text, facts and links")
EXTRACTION_PEERS = (
    Peer("trafilatura", "extraction", "extraction_trafilatura", "main text"),
    Peer("resiliparse", "extraction", "extraction_resiliparse", "main text"),
    Peer("jusText and readability", "extraction", "extraction_justext", "main text"),
)


class PeerError(Exception):
    """A system's process failed."""


def python_of(peer: Peer) -> Path | None:
    """The interpreter that has the system installed, if there is one."""
    if not peer.environment:
        return Path(sys.executable)
    folder = Path(os.environ.get("NEO_PEERS") or REPOSITORY / ".venv-peers")
    python = folder / peer.environment / "bin" / "python"
    return python if python.exists() else None


def absent(peers: Sequence[Peer] = PEERS) -> list[str]:
    """Those of the systems that are not installed."""
    return [peer.title for peer in peers if python_of(peer) is None]


def ask(peer: Peer, arguments: Sequence[str]) -> list[dict[str, Any]] | None:
    """What the system's adapter prints, one object a line; nothing where the system is not installed.

    Raises:
        PeerError: the process failed.
    """
    python = python_of(peer)
    if python is None:
        return None
    command = [str(python), "-m", f"benchmarks.peers.{peer.adapter}", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise PeerError(f"{peer.title} failed: {done.stderr.strip().splitlines()[-1:] or 'without a word'}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
