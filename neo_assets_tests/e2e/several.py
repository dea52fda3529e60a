"""`neo` several times in one process: `python -m neo_assets_tests.e2e.several '{"commands": [...], "faults": {...}}'`."""

from __future__ import annotations

import json
import sys
from typing import Any

from click.testing import CliRunner

from neo_assets.cli import main
from neo_assets.compute.tracking import TrackingResource


def inject(faults: dict[str, Any]) -> None:
    """Have training jobs take these losses, by position, in place of those they compute."""
    plain = TrackingResource.settings
    TrackingResource.settings = property(lambda self: {**plain.fget(self), "faults": faults})  # type: ignore


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    if order["faults"]:
        inject(order["faults"])
    results = [CliRunner().invoke(main, command) for command in order["commands"]]
    print(json.dumps([{"status": result.exit_code, "output": result.output} for result in results]))
