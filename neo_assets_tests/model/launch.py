"""Ranks as processes of their own, with the environment that a launcher gives, over a free port of this machine.

They are forked from a process that has imported torch and megatron-core and done nothing else, so that those imports,
most of the time of a short run, are paid for once.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

IMPORTED_ONCE = ["neo_assets.model.stack.gpu", "neo_assets.model.train.trainer"]


def run_ranks(n_ranks: int, module: str, *arguments: str, timeout_seconds: float = 240) -> list[str]:
    """Run `python -m module arguments` as `n_ranks` ranks (one: without a launcher's variables); their outputs.

    Raises:
        AssertionError: a rank failed or did not end in time; its errors.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(IMPORTED_ONCE)
    common = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    if n_ranks > 1:
        common |= {"WORLD_SIZE": str(n_ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(rank) for rank in range(n_ranks)]
        ranks = []
        for rank, file in enumerate(files):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if n_ranks > 1 else {}
            ranks.append(forks.Process(target=_rank, args=(module, arguments, common | own, file)))
        try:
            for process in ranks:
                process.start()
            for process in ranks:
                process.join(timeout_seconds)
            failed = [rank for rank, process in enumerate(ranks) if process.exitcode]
            late = [rank for rank, process in enumerate(ranks) if process.exitcode is None]
        finally:
            for process in ranks:
                process.kill()
                process.join()
                process.close()
        errors = [files[rank].with_suffix(".err").read_text()[-3000:] for rank in failed or late]
        assert not errors, "\n".join(errors)
        return [file.with_suffix(".out").read_text() for file in files]


def _rank(module: str, arguments: tuple[str, ...], environment: Mapping[str, str], file: Path) -> None:
    for suffix, number in ((".out", 1), (".err", 2)):
        os.dup2(os.open(file.with_suffix(suffix), os.O_WRONLY | os.O_CREAT), number)
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.stdout.flush()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
