"""The small line in a bucket: every kind of asset has the same content as on a disk; and SQL that reads from it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.engine.local import LocalEngine
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.writer import write_part
from neo_assets_tests.e2e.conftest import everything as everything
from neo_assets_tests.e2e.small import Checkout, small_recipe
from neo_assets_tests.storage.conftest import Server
from neo_assets_tests.storage.proxy import Proxy
from neo_assets_tests.storage.small import InBucket


def test_sql_reads_only_the_columns_and_parts_it_needs(root: str, proxy: Proxy) -> None:
    lake, random = Lake(root), np.random.default_rng(1)
    texts = [random.bytes(3000).hex() for _ in range(400)]
    table = pa.table({"doc_id": [f"d{i:05d}" for i in range(400)], "text": texts, "length": range(400)})
    source = lake.writer("area/source", None)
    source.table(table, part_rows=100)
    dataset = source.commit(Provenance())
    proxy.forget()
    engine, target = LocalEngine(part_rows=100), lake.writer("area/target", None)
    sql = "SELECT doc_id, length FROM source WHERE length >= 250 ORDER BY length DESC"
    engine.write(engine.query(sql, source=dataset), target, "rows")
    reads = [request for request in proxy.seen if request.kind == "GET" and "/area/source/" in request.path]
    ranges = [request.range.removeprefix("bytes=").split("-") for request in reads]
    read = [int(last) - int(first) for first, last in ranges if first]
    assert sum(read) < 10_000 < sum(part.bytes for part in dataset.parts) // 10, (
        "footers, ids and numbers, not the text"
    )
    made = target.commit(Provenance()).read()
    assert made["length"].to_pylist() == list(range(399, 249, -1))


BOUNDED = """
import resource, sys
from neo_assets.engine.local import LocalEngine
from neo_assets.lake.lake import Lake
lake = Lake(sys.argv[1])
engine, target = LocalEngine(memory_limit="256MB"), lake.writer("area/target", None)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sql = "SELECT doc_id, length(text) AS n, md5(text) AS digest FROM source WHERE length(text) > 0 ORDER BY doc_id"
engine.write(engine.query(sql, source=lake.dataset("area/source")), target, "rows")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, target.written[0].part.rows)
"""


@pytest.mark.slow
def test_sql_over_a_bucket_has_bounded_memory(root: str) -> None:
    """Half a gigabyte of text goes through; a few parts of it are in memory at once."""
    lake, random = Lake(root), np.random.default_rng(1)
    source = lake.writer("area/source", None)
    for part in range(16):
        ids = [f"{part:02d}-{i:05d}" for i in range(4000)]
        texts = [random.bytes(4000).hex() for _ in range(100)] * 40
        source.add(write_part(source.store, source.folder, "rows", part, pa.table({"doc_id": ids, "text": texts})))
    source.commit(Provenance())
    done = subprocess.run([sys.executable, "-c", BOUNDED, root], capture_output=True, text=True, check=True)
    grown_kib, rows = map(int, done.stdout.split()[-2:])
    assert rows == 10_000
    assert grown_kib < 400 * 1024


MADE = {
    "crawl": ("seeds", "pages", "extracted", "imports", "report"),
    "documents": ("files", "pages", "layout", "elements", "markdown", "corrected", "report"),
    "chinese": ("perplexity_model", "importance_model", "annotated", "filtered", "bloom", "exact_unique", "duplicates"),
    "english": ("anchors", "windows"),
    "supplement": ("round_1_classifier", "round_1_domain_report", "round_1_positives", "unique", "gain"),
    "corpus": ("statistics", "mix"),
    "tokenizer": ("tokenizer",),
    "training": ("token_shards", "order", "chunk", "checkpoint", "metrics"),
    "evaluation": ("tasks", "report", "held_out", "curves"),
    "release": ("weights", "model_card", "manifest"),
}
"""Every asset of a job, and of each other kind of asset some; what else they read is put into the bucket as it is."""


@pytest.mark.slow
@pytest.mark.needs("hours")
def test_what_is_made_in_a_bucket_has_the_digests_of_a_disk(
    everything: Checkout, server: Server, root: str, tmp_path: Path
) -> None:
    """In fewer parts than there (how rows are cut into parts is not content): most of the time goes to requests."""
    without = [f"{area}/{name}" for area, names in MADE.items() for name in names]
    assert kinds(everything, without) == kinds(everything, everything.lake.assets())
    assert assets_of_jobs() & set(everything.lake.assets()) <= set(without)

    checkout = InBucket.like(everything, root, tmp_path / "small", set(everything.lake.assets()) - set(without))
    checkout.write_recipe({**small_recipe(), "platform": {"part_rows": 1000}})
    checkout.build_everything(workers=1)
    made, expected = checkout.digests(), everything.digests()
    assert made == expected, json.dumps(sorted(made.items() ^ expected.items()), indent=1)
    assert checkout.decision_digests() == everything.decision_digests()

    again = checkout.neo("build").splitlines()[-1]
    assert again == f"0 of {len(made)} partitions made, {len(made)} were current"
    assert checkout.neo("gc", "--older-than", "0").splitlines()[-1] == "0 folders could be deleted (--delete)"
    assert not [name for name in checkout.lake.store.folders("") if name.startswith(".")]

    written = everything_written(checkout)
    assert sum(name.endswith("/manifest.json") for name in written) >= 2 * len(made), "in force, and with each version"
    assert secrets_in(written, server) == []


def kinds(checkout: Checkout, assets: Iterable[str]) -> set[tuple[object, ...]]:
    """What the assets are to a store: partitioned or not, rows, decisions, further tables, files by their endings."""
    found = [manifest for asset in assets for manifest in checkout.lake.whole(asset).manifests]
    return {
        (
            manifest.partition is not None,
            *(name in manifest.tables for name in ("rows", "decisions")),
            bool(manifest.tables.keys() - {"rows", "decisions"}),
            *sorted({Path(name).suffix for name in manifest.files}),
        )
        for manifest in found
    }


def assets_of_jobs() -> set[str]:
    """The assets that a job in a process of its own makes."""
    from neo_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    nodes = [(key.to_user_string(), graph.get(key).assets_def) for key in graph.materializable_asset_keys]
    return {name for name, definition in nodes if "compute" in definition.required_resource_keys}


def everything_written(checkout: InBucket) -> dict[str, bytes]:
    """All that a build leaves: objects in the bucket, work folders, Dagster's records, what commands said."""
    store = checkout.lake.store
    written = {str(path): path.read_bytes() for path in checkout.folder.rglob("*") if path.is_file()}
    assert any(name.endswith(".log") for name in written) and any(name.endswith(".db") for name in written)
    objects = store.files("")
    return written | dict(zip(objects, store.each(store.read, objects), strict=True))


def secrets_in(written: dict[str, bytes], server: Server) -> list[str]:
    """The names of the files in which the key or its secret stands."""
    secrets = server.secret.encode(), server.key.encode()
    return [name for name, data in written.items() if any(secret in data for secret in secrets)]
