"""`neo` several times in one process: `python -m neo_assets_tests.e2e.several '{"commands": [...], "faults": {...}}'`.

In place of `neo`'s, a command can be `cp FROM TO` or `rm FILE`, to damage what the next ones read.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from neo_assets.cli import main
from neo_assets.compute.tracking import TrackingResource


def inject(faults: dict[str, Any]) -> None:
    """Have training jobs take these losses, by position, in place of those they compute."""
    plain = TrackingResource.settings
    TrackingResource.settings = property(lambda self: {**plain.fget(self), "faults": faults})  # type: ignore


def run(commands: list[list[str]]) -> Iterator[dict[str, Any]]:
    """Run them one after the other; how those of `neo` ended, and what they said."""
    for command in commands:
        match command:
            case ["cp", source, target]:
                shutil.copy(source, target)
            case ["rm", file]:
                Path(file).unlink()
            case _:
                result = CliRunner().invoke(main, command)
                escaped = "" if isinstance(result.exception, SystemExit | None) else repr(result.exception)
                yield {"status": result.exit_code, "output": result.output + escaped}


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    if order["faults"]:
        inject(order["faults"])
    print(json.dumps(list(run(order["commands"]))))
