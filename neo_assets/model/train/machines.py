"""Which machines train together, as the environment of each says: how many, which of them this is, where node 0 is.

`NEO_NODES` machines, numbered by `NEO_NODE_RANK` from 0, meet at `NEO_RENDEZVOUS` (host:port of node 0). Without
`NEO_NODES`, or with 1, a training stays on one machine.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
WAIT_SECONDS = 1800.0
"""For the machines to find each other: a cluster may have to fetch the image on some of them."""
ENDED = "ended"


class MachinesError(ValueError):
    """The machines do not fit together, or not the recipe; the message says what to set."""


@dataclass(frozen=True)
class Machines:
    """The machines ("nodes") of a training, and which of them this one is.

    Attributes:
        host, port: where node 0 waits for the others.
        folder: on a disk that all share, for this job alone; None: each node uses its own folder for temporary files.
        wait_seconds: how long the nodes wait for each other before the first segment.
    """

    n_nodes: int
    node: int
    host: str
    port: int
    folder: Path | None = None
    wait_seconds: float = WAIT_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Machines | None:
        """What `NEO_NODES`, `NEO_NODE_RANK`, `NEO_RENDEZVOUS`, `NEO_NODE_FOLDER` and `NEO_NODE_WAIT_SECONDS` say.

        None: one machine.

        Raises:
            MachinesError: a value is missing or makes no sense.
        """
        n_nodes = _number(environment, "NEO_NODES", 1, least=1)
        if n_nodes == 1:
            return None
        node = _number(environment, "NEO_NODE_RANK", None, least=0)
        if node >= n_nodes:
            raise MachinesError(f"NEO_NODE_RANK is {node}, but NEO_NODES {n_nodes} count from 0 to {n_nodes - 1}")
        host, _, port = environment.get("NEO_RENDEZVOUS", "").rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            given = environment.get("NEO_RENDEZVOUS", "nothing")
            raise MachinesError(f"NEO_RENDEZVOUS must be host:port of node 0, it is {given}")
        folder = environment.get("NEO_NODE_FOLDER")
        wait = _number(environment, "NEO_NODE_WAIT_SECONDS", int(WAIT_SECONDS), least=1)
        return cls(n_nodes, node, host.strip("[]"), int(port), Path(folder) if folder else None, wait)

    @property
    def loopback(self) -> bool:
        """Whether all nodes are on this machine, in truth."""
        found = addresses(self.host, self.port)
        return bool(found) and all(ipaddress.ip_address(address).is_loopback for address in found)

    @property
    def ended(self) -> Path | None:
        """The file that says that node 0's job is over; see `announce_end`."""
        return self.folder / ENDED if self.folder else None

    def ranks_here(self, n_ranks: int) -> int:
        """How many of a training's ranks run on each node.

        Raises:
            MachinesError: the nodes cannot have equally many.
        """
        if n_ranks % self.n_nodes:
            raise MachinesError(
                f"{n_ranks} ranks (data_parallel x tensor_parallel x pipeline_parallel of the recipe) cannot be shared"
                f" equally by {self.n_nodes} nodes; set NEO_NODES (in Kubernetes: `nodes` of the profile) to a number"
                f" that divides {n_ranks}, or change the recipe's execution"
            )
        return n_ranks // self.n_nodes


def announce_end(folder: Path, ok: bool) -> None:
    """Tell nodes that may still wait for node 0 that its job is over: for whoever ran the job on node 0."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{ENDED}.partial"
    partial.write_text("well" if ok else "badly", encoding="utf-8")
    partial.replace(folder / ENDED)


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host; none if nobody knows its name (yet)."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the host's own address; on all of this machine's where the name is that of something
    in front of it, or known to nobody yet. A name of the loopback interface never opens anything to the network.

    Args:
        port: 0 for any that is free.

    Raises:
        MachinesError: the port is taken, or the host is another machine of the loopback interface.
    """
    own = addresses(host, port)
    only = any(ipaddress.ip_address(address).is_loopback for address in own)
    try:
        for address in own if only else (*own, ""):
            listener = _listening(address, port)
            if listener is not None:
                return listener
    except OSError as error:
        raise MachinesError(f"{host}:{port} cannot be listened at ({error}); set another port") from error
    raise MachinesError(f"{host} is no address of this machine; NEO_RENDEZVOUS must name node 0")


def _listening(address: str, port: int) -> socket.socket | None:
    """None: the address is not this machine's."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    if port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a job that ended just now
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return listener


def _number(environment: Mapping[str, str], name: str, default: int | None, least: int) -> int:
    given = environment.get(name) or (None if default is None else str(default))
    if given is None or not given.isdecimal() or int(given) < least:
        raise MachinesError(f"{name} must be a whole number of at least {least}, it is {given or 'not set'}")
    return int(given)
