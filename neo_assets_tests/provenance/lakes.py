"""A lake made by hand, in which every fate of a document occurs once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import VERDICT_COLUMNS, with_verdicts

DAY_1, DAY_2 = "2024-11-01", "2024-11-02"


def commit(
    lake: Lake,
    name: str,
    rows: Iterable[Mapping[str, Any]],
    *inputs: Dataset,
    metadata: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    code: str = "c-r",
    **tables: Iterable[Mapping[str, Any]],
) -> Dataset:
    """Commit `asset|partition` with these rows; those with a verdict are routed by it."""
    asset, _, partition = name.partition("|")
    writer = lake.writer(asset, partition or None)
    for table_name, content in {"rows": rows, **tables}.items():
        given = list(content)
        if not given:
            continue
        columns = list(dict.fromkeys(column for row in given for column in row))
        table = pa.table({column: [row.get(column) for row in given] for column in columns})
        if "verdict" in table.column_names:
            names = {field.name for field in VERDICT_COLUMNS}
            verdicts = {n: table[n].to_pylist() for n in table.column_names if n in names}
            [batch] = table.drop_columns(list(verdicts)).combine_chunks().to_batches()
            table = pa.Table.from_batches([with_verdicts(batch, **verdicts)])
        writer.table(table, table_name)
    for file, data in (files or {}).items():
        writer.file(file, data)
    digests = {input_: digest for dataset in inputs for input_, digest in dataset.digests.items()}
    return writer.commit(Provenance(inputs=digests, code_version=code), metadata=metadata)


def document(n: int, day: str = DAY_1, **more: Any) -> dict[str, Any]:
    """The n-th document of a day; `d1` of the second day has the URL of `d1` of the first."""
    return {"doc_id": f"{day}:d{n}", "url": f"http://a.test/{n}", **more}


def documents_lake(lake: Lake) -> None:
    """Pages of two days → extracted → filtered → unique → redacted → decontaminated → tokens → exposures."""
    pages, extracted, filtered = [], [], []
    for day, numbers in ((DAY_1, (1, 2, 3, 4)), (DAY_2, (1, 5))):
        rows = [
            {"url": f"http://a.test/{n}", "outcome": "fetched", "status": 200, "warc_file": f"{day}.warc"}
            for n in numbers
        ]
        if day == DAY_1:
            gone = {"url": "http://a.test/gone", "outcome": "failed", "status": 404, "warc_file": None}
            rows.append(gone)
        pages.append(commit(lake, f"crawl/pages|{day}", rows))
        texts = [
            document(n, day, title=f"Title {n}", text="secret " * 99, n_chars=n, verdict="kept", reason=None)
            for n in numbers
        ]
        if day == DAY_1:
            texts[3] |= {"verdict": "quarantined", "reason": "not a page: nul bytes"}
        extracted.append(commit(lake, f"crawl/extracted|{day}", texts, pages[-1]))
        kept = [n for n in numbers if n != 4]
        judged = [
            document(
                n, day, title=f"Title {n}", n_chars=n, verdict="rejected" if n == 2 else "kept",
                rule="words", value=12.0, threshold=50.0,
            )
            for n in kept
        ]  # fmt: skip
        filtered.append(commit(lake, f"chinese/filtered|{day}", judged, extracted[-1]))
    first = [document(1, n_chars=1, verdict="kept"), document(3, n_chars=3, verdict="kept")]
    unique_1 = commit(lake, f"chinese/near_unique|{DAY_1}", first, filtered[0])
    duplicate = {"verdict": "rejected", "rule": "near_duplicate", "survivor": f"{DAY_1}:d3", "similarity": 0.91234}
    second = [document(1, DAY_2, n_chars=1, verdict="kept"), document(5, DAY_2, n_chars=5) | duplicate]
    unique_2 = commit(lake, f"chinese/near_unique|{DAY_2}", second, *filtered)
    kept = [document(1), document(3), document(1, DAY_2)]
    found = [[], [{"kind": "phone", "start": 3, "end": 14}, {"kind": "phone", "start": 20, "end": 31}], []]
    redacted = [row | {"pii": spans} for row, spans in zip(kept, found, strict=True)]
    redacted_zh = commit(lake, "corpus/redacted|zh", redacted, unique_1, unique_2)
    holds = {"rule": "decontamination", "value": 0.9, "threshold": 0.2, "reason": "holds exam 7 (90%)"}
    decontaminated = [
        redacted[0] | {"cuts": [], "verdict": "kept"},
        redacted[1] | {"cuts": [{"start": 5, "end": 25}], "verdict": "kept"},
        redacted[2] | {"cuts": [], "verdict": "rejected"} | holds,
    ]
    hits = [
        row | {"task": "exam", "item": "7", "share": share, "start": 8, "end": 20, "matched_chars": 12}
        for row, share in ((kept[1], 0.5), (kept[2], 0.9))
    ]
    documents = commit(lake, "corpus/decontaminated|zh", decontaminated, redacted_zh, hits=hits)
    shards = commit(
        lake, "training/token_shards|zh", [{"tokens": 30}], documents,
        spans=[
            {"doc_id": f"{DAY_1}:d1", "url": "http://a.test/1", "stream_start": 0, "stream_end": 12},
            {"doc_id": f"{DAY_1}:d3", "url": "http://a.test/3", "stream_start": 12, "stream_end": 30},
        ],
    )  # fmt: skip
    spans = [
        {"doc_id": f"{DAY_1}:d1", "url": "http://a.test/1", "position": 7, "length": 8},
        {"doc_id": f"{DAY_1}:d3", "url": "http://a.test/3", "position": 8, "length": 16},
        {"doc_id": f"{DAY_1}:d1", "url": "http://a.test/1", "position": 9, "length": 4},
    ]
    chunk = commit(lake, "training/chunk|chunk_001", [{"share": 1.0}], shards, spans=spans)
    exposed = [{"doc_id": f"{DAY_1}:d1", "url": "http://a.test/1", "sequences": 2, "checkpoints": ["ckpt_001"]}]
    commit(lake, "release/exposure_index", exposed, chunk)
