"""Starts this machine's ranks of a training by torch's own launcher, and ends them when its parent is gone."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.model.train.processes import WORKER, Group

BACKEND = "neo"
TIMEOUT_SECONDS = 3600
"""For the launchers of all machines to find each other: one may have to fetch a checkpoint first. A machine that dies
meanwhile is noticed by the supervisor."""


def arguments(spec: Path, group: Group) -> list[str]:
    """What torch's launcher is told: static places, no restarts of single ranks (the whole segment goes on from its
    last snapshot instead)."""
    logs = str(spec.parent / "logs")  # the launcher's own choice would be left behind among temporary files
    return [
        *("--nnodes", str(group.n_nodes), "--nproc-per-node", str(group.ranks_here)),
        *("--rdzv-backend", BACKEND, "--rdzv-endpoint", f"{group.host}:{group.port}"),
        *("--rdzv-id", "ranks", "--rdzv-conf", f"rank={group.node},timeout={TIMEOUT_SECONDS}"),
        *("--max-restarts", "0", "--log-dir", logs, "--module", WORKER, str(spec)),
    ]


def use_listener(listener: int | None) -> None:
    """Let torch's launcher find the machines as its static rendezvous does, but at a socket that listens already.

    Its own would listen at every address of the machine, and at a port that another process may have taken meanwhile.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined]
    from torch.distributed.elastic.rendezvous import RendezvousParameters, rendezvous_handler_registry
    from torch.distributed.elastic.rendezvous.static_tcp_rendezvous import StaticTCPRendezvous
    from torch.distributed.elastic.rendezvous.utils import parse_rendezvous_endpoint

    class AtListener(StaticTCPRendezvous):
        def get_backend(self) -> str:
            return BACKEND

        def next_rendezvous(self) -> Any:
            if self._store is None:
                self._store = TCPStore(
                    self.master_addr,
                    self.master_port,
                    self.world_size,
                    self.rank == 0,
                    timedelta(seconds=TIMEOUT_SECONDS),
                    multi_tenant=True,
                    master_listen_fd=listener,
                )
            return super().next_rendezvous()

    def make(given: RendezvousParameters) -> StaticTCPRendezvous:
        host, port = parse_rendezvous_endpoint(given.endpoint, -1)
        return AtListener(host, port, int(given.get("rank")), given.max_nodes, given.run_id, TIMEOUT_SECONDS)

    rendezvous_handler_registry.register(BACKEND, make)


def main() -> None:
    """`python -m neo_assets.model.train.launcher SPEC.json PARENT_PID GROUP LISTENER`.

    GROUP: a `Group` as JSON. LISTENER: the file descriptor of node 0's socket, or None.
    """
    from torch.distributed.run import main as torchrun

    spec, parent, group, listener = sys.argv[1:]
    exit_with_parent(int(parent))
    use_listener(None if listener == "None" else int(listener))
    torchrun(arguments(Path(spec), Group(**json.loads(group))))


if __name__ == "__main__":
    main()
