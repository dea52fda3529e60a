"""A stand-in for the official dagster chart, which tests cannot fetch: of the same name and version, and with the parts
that our values speak to. It is written from that chart's documented values, and is no copy of it:

- the instance's dagster.yaml, made from the same values;
- web server, daemon and code servers with image, command, environment, volumes, security, probes and resources;
- the labels that our network policies select by.

Values that are not in `dagster_stub/keys.yaml` are refused, as the official chart refuses what it does not know.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

STUB = Path(__file__).parent / "dagster_stub"
VERSION = yaml.safe_load((STUB / "Chart.yaml").read_text())["version"]


def schema(keys: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema that takes these keys only."""
    properties: dict[str, Any] = {key: {} for key in keys.get("any", [])}
    for key, below in keys.items():
        if key.endswith("[]"):
            properties[key.removesuffix("[]")] = {"type": "array", "items": schema(below)}
        elif key != "any":
            properties[key] = schema(below)
    return {"type": "object", "additionalProperties": False, "properties": properties}


def write_stub(chart: Path) -> None:
    """Put the stand-in where helm looks for the chart's dependency."""
    folder = chart / "charts" / "dagster"
    shutil.copytree(STUB, folder, ignore=shutil.ignore_patterns("keys.yaml"))
    keys = yaml.safe_load((STUB / "keys.yaml").read_text())
    (folder / "values.schema.json").write_text(json.dumps(schema(keys)))
