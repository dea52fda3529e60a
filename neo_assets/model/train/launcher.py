"""Starts the ranks of a training on this machine by torch's own launcher, and ends them when its parent is gone."""

from __future__ import annotations

import sys
from pathlib import Path

from neo_assets.engine.orphan import exit_with_parent


def main() -> None:
    """`python -m neo_assets.model.train.launcher SPEC.json PARENT_PID N_RANKS`."""
    from torch.distributed.run import main as torchrun

    spec, parent, n_ranks = sys.argv[1:]
    exit_with_parent(int(parent))
    logs = str(Path(spec).parent / "logs")  # the launcher's own choice would be left behind among temporary files
    ranks = ["--standalone", "--nproc-per-node", n_ranks, "--log-dir", logs]
    torchrun([*ranks, "--module", "neo_assets.model.train.worker", spec])


if __name__ == "__main__":
    main()
