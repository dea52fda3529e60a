from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from neo_assets.model.train.machines import Machines, MachinesError
from neo_assets.model.train.processes import ASKED, ENDED, KILLED, TOLD, Ending, Group
from neo_assets.recipe.recipe import load_recipe

SPEC = Path("/shared/ranks-1/spec.json")
TABLE = """
Root Cause (first observed failure):
[0]:
  time      : 2026-11-22_14:50:00
  host      : gpu-5
  rank      : 43 (local_rank: 3)
  exitcode  : {code} (pid: 77)
""".splitlines()


def test_one_rank_needs_no_launcher() -> None:
    command = Group(1, "127.0.0.1", 1).command(SPEC, 7, 3)
    assert command == [sys.executable, "-m", "neo_assets.model.train.worker", str(SPEC), "7"]


def test_the_ranks_of_the_matrix_recipe_over_64_machines() -> None:
    torch_run = pytest.importorskip("torch.distributed.run")
    from neo_assets.model.train.launcher import arguments

    training = load_recipe("matrix").training
    shares = []
    for phase in training.phases:
        n_ranks = training.n_ranks(phase)
        machines = Machines(64, 0, "train-0.train.neo.svc", 29400)
        shares.append((n_ranks, machines.ranks_here(n_ranks)))
    assert shares == [(512, 8), (256, 4)]
    commands = [Group(8, "train-0.train.neo.svc", 41000, 64, node).command(SPEC, 7, None) for node in range(64)]
    assert all(command[:3] == [sys.executable, "-m", "neo_assets.model.train.launcher"] for command in commands)
    groups = [Group(**json.loads(command[5])) for command in commands]
    assert [group.node for group in groups] == list(range(64))
    given = arguments(SPEC, groups[63])
    assert given == [
        *("--nnodes", "64", "--nproc-per-node", "8"),
        *("--rdzv-backend", "neo", "--rdzv-endpoint", "train-0.train.neo.svc:41000"),
        *("--rdzv-id", "ranks", "--rdzv-conf", "rank=63,timeout=3600"),
        *("--max-restarts", "0", "--log-dir", "/shared/ranks-1/logs"),
        *("--module", "neo_assets.model.train.worker", str(SPEC)),
    ]
    read = torch_run.config_from_args(torch_run.parse_args(given))[0]  # torch's own reading of it
    assert (read.min_nodes, read.max_nodes, read.nproc_per_node, read.max_restarts) == (64, 64, 8, 0)
    assert (read.rdzv_endpoint, read.rdzv_configs) == (
        "train-0.train.neo.svc:41000",
        {"rank": "63", "timeout": "3600"},
    )


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        (Ending(1, [{"rank": 3, "message": "no room"}]), (TOLD, "rank 3 stopped: no room")),
        (Ending(1, [], [line.format(code=-9) for line in TABLE]), (KILLED, "rank 43 was killed by SIGKILL")),
        (Ending(1, [], [line.format(code=-6) for line in TABLE]), (ASKED, "rank 43 was killed by SIGABRT")),
        (Ending(1, [], [line.format(code=3) for line in TABLE]), (ENDED, "rank 43 ended with status 3")),
        (
            Ending(1, [{"rank": 0, "message": "closed", "of_others": True}], [line.format(code=1) for line in TABLE]),
            (ASKED, "rank 0 stopped: closed"),
        ),
        (Ending(-9), (KILLED, "rank 0 was killed by SIGKILL")),
        (Ending(-9, launched=True), (KILLED, "the launcher of the ranks was killed by SIGKILL")),
        (Ending(2, [], ["no such module", ""]), (ENDED, "the ranks ended with status 2: no such module")),
    ],
)
def test_how_ranks_ended_is_said_in_one_line(ending: Ending, cause: tuple[int, str]) -> None:
    assert ending.cause == cause


WHOLE = {"NEO_NODES": "4", "NEO_NODE_RANK": "2", "NEO_RENDEZVOUS": "a-0.a:29400"}


def test_machines_are_what_the_environment_says() -> None:
    assert Machines.from_environment({}) is None
    assert Machines.from_environment({"NEO_NODES": "1"}) is None
    assert Machines.from_environment(WHOLE) == Machines(4, 2, "a-0.a", 29400)
    folder = {"NEO_NODE_FOLDER": "/shared/job", "NEO_NODE_WAIT_SECONDS": "5", "NEO_RENDEZVOUS": "[::1]:5"}
    assert Machines.from_environment(WHOLE | folder) == Machines(4, 2, "::1", 5, Path("/shared/job"), 5)
    assert Machines(2, 0, "localhost", 1).loopback
    assert not Machines(2, 0, "192.0.2.1", 1).loopback


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"NEO_NODES": "four"}, "NEO_NODES must be a whole number of at least 1, it is four"),
        ({"NEO_NODES": "0"}, "NEO_NODES must be"),
        ({"NEO_NODE_RANK": ""}, "NEO_NODE_RANK must be a whole number of at least 0, it is not set"),
        ({"NEO_NODE_RANK": "4"}, "NEO_NODE_RANK is 4, but NEO_NODES 4 count from 0 to 3"),
        ({"NEO_RENDEZVOUS": "a-0.a"}, "NEO_RENDEZVOUS must be host:port of node 0, it is a-0.a"),
        ({"NEO_RENDEZVOUS": "a:99999"}, "NEO_RENDEZVOUS must be"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MachinesError, match=message):
        Machines.from_environment(WHOLE | change)
