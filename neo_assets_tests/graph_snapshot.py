"""The asset graph as text, one line per asset: `key [partitions] <- dependencies`, in dependency order.

`python -m neo_assets_tests.graph_snapshot --write` renews the snapshot after a wanted change.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dagster as dg

SNAPSHOT = Path(__file__).parent / "graph.txt"


def describe(definitions: dg.Definitions) -> str:
    """One line per asset, upstream first; equal graphs give equal text."""
    graph = definitions.resolve_asset_graph()
    return "".join(f"{_line(graph.get(key))}\n" for key in graph.toposorted_asset_keys)


def _line(node: object) -> str:
    line = node.key.to_user_string()
    if node.partitions_def:
        line += f" [{_partitions(node.partitions_def)}]"
    parents = sorted(key.to_user_string() for key in node.parent_keys)
    return f"{line} <- {', '.join(parents)}" if parents else line


def _partitions(partitions: dg.PartitionsDefinition) -> str:
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return " x ".join(_partitions(dimension.partitions_def) for dimension in partitions.partitions_defs)
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return f"dynamic {partitions.name}"
    keys = partitions.get_partition_keys()
    return f"{keys[0]}…{keys[-1]}" if keys else "none yet"


def main() -> None:
    from neo_assets.definitions import defs

    text = describe(defs() if callable(defs) else defs)
    if "--write" in sys.argv[1:]:
        SNAPSHOT.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
