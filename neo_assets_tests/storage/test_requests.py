"""What the lake's operations cost in requests and connections: each is some milliseconds and some money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.s3_files import TAIL
from neo_assets_tests.storage.conftest import Server, at_server
from neo_assets_tests.storage.proxy import Proxy

PARTS, PARTITIONS = 3, 4


@pytest.fixture(scope="module")
def made(server: Server) -> str:
    """An asset of some partitions of some parts each, whose text does not compress: about 400 kB a part."""
    root, random = "s3://requests/some/lake", np.random.default_rng(1)
    server.client().create_bucket(Bucket="requests")
    with pytest.MonkeyPatch.context() as environment:
        at_server(server, environment)
        _make(Lake(root), random)
    return root


def _make(lake: Lake, random: np.random.Generator) -> None:
    for partition in range(PARTITIONS):
        ids = [f"{partition}-{i:05d}" for i in range(PARTS * 100)]
        texts = [random.bytes(4000).decode("latin-1") for _ in ids]
        writer = lake.writer("area/name", f"p{partition}")
        writer.table(pa.table({"doc_id": ids, "text": texts, "length": range(len(ids))}), part_rows=100)
        writer.file("a.bin", b"a" * 1000)
        writer.file("b.bin", b"b" * 1000)
        writer.commit(Provenance())


@pytest.fixture
def lake(made: str, proxy: Proxy) -> Lake:
    return Lake(made)


@pytest.mark.parametrize(
    ("what", "call", "expected"),
    [
        ("a manifest", lambda lake: lake.manifest("area/name", "p1"), {"GET": 1}),
        ("a handle", lambda lake: lake.dataset("area/name", [f"p{i}" for i in range(PARTITIONS)]), {"GET": PARTITIONS}),
        ("a missing one", lambda lake: lake.dataset("area/name", ["none"]), {"GET": 1}),
        ("all partitions", lambda lake: lake.whole("area/name"), {"LIST": 1, "GET": PARTITIONS}),
        ("their keys", lambda lake: lake.partitions("area/name"), {"LIST": 1, "HEAD": PARTITIONS}),
        ("all assets", lambda lake: lake.assets(), {"LIST": 3, "HEAD": 1}),
        # One listing of everything, one of uploads, and the top.
        ("garbage", lambda lake: list(lake.garbage(timedelta(hours=1))), {"LIST": 2, "GET": 1}),
        ("a schema", lambda lake: lake.whole("area/name").schema, {"LIST": 1, "GET": PARTITIONS + 1}),
        ("all rows", lambda lake: lake.dataset("area/name", ["p1"]).read(), {"GET": 1 + PARTS * 2}),
        ("a column", lambda lake: lake.dataset("area/name", ["p1"]).read(["length"]), {"GET": 1 + PARTS}),
        ("damage", lambda lake: lake.dataset("area/name", ["p1"]).verified(), {"GET": 1 + PARTS + 2}),
        ("files", lambda lake: lake.dataset("area/name", ["p1"]).folder(), {"GET": 1 + 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_reading(lake: Lake, proxy: Proxy, what: str, call: Callable[[Lake], Any], expected: dict[str, int]) -> None:
    call(lake)
    assert proxy.counts() == expected


def test_writing(root: str, proxy: Proxy) -> None:
    writer = Lake(root).writer("area/name", "p1")
    writer.table(pa.table({"doc_id": ["a", "b"]}), part_rows=1)
    writer.commit(Provenance())
    # The manifest found; two parts; the manifest beside the version, and that in force. Once a process, one to see
    # that the store heeds conditions.
    assert proxy.counts() == {"GET": 1, "PUT": 5}


def test_a_scan_reads_the_columns_it_needs(lake: Lake, proxy: Proxy) -> None:
    dataset = lake.whole("area/name")
    total = sum(part.bytes for part in dataset.parts)
    proxy.forget()
    scan = dataset.store.scan([part.path for part in dataset.parts], dataset.schema)
    assert pc.sum(scan.to_table(columns=["length"])["length"]).as_py() == PARTITIONS * sum(range(PARTS * 100))
    assert proxy.counts() == {"GET": PARTS * PARTITIONS + 1}
    assert total > 1.5 * len(dataset.parts) * TAIL


def test_connections_are_kept(lake: Lake, proxy: Proxy) -> None:
    for _ in range(20):
        Lake(lake.root).manifest("area/name", "p1")
    assert proxy.counts() == {"GET": 20}
    assert proxy.connections <= 1
