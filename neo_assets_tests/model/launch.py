"""Ranks as processes of their own, started as a launcher would, over a free port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def run_ranks(n_ranks: int, module: str, *arguments: str, timeout_seconds: float = 240) -> list[str]:
    """Run `python -m module arguments` as `n_ranks` ranks (one: without a launcher's variables); their outputs.

    Raises:
        AssertionError: a rank failed; its errors.
    """
    root = str(Path(__file__).resolve().parents[2])
    common = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root, "GLOO_SOCKET_IFNAME": "lo"}
    if n_ranks > 1:
        common |= {"WORLD_SIZE": str(n_ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    command = [sys.executable, "-m", module, *arguments]
    ranks = []
    for rank in range(n_ranks):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if n_ranks > 1 else {}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        ranks.append(subprocess.Popen(command, env=common | own, text=True, **pipes))
    try:
        outputs = [rank.communicate(timeout=timeout_seconds) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    failed = [errors for rank, (_, errors) in zip(ranks, outputs, strict=True) if rank.returncode]
    assert not failed, "\n".join(errors[-3000:] for errors in failed)
    return [out for out, _ in outputs]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
