"""What the lines ask of an engine beside deduplication: reading sources, comparing profiles, corpus, exposures."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.assets.corpus import CONTAMINATION, PII, REDACTED, SELECT_SUBSET, STATISTICS
from neo_assets.documents.arrivals import documents_of_day
from neo_assets.documents.model import MARKDOWN_SCHEMA
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.records import DECISION_SCHEMA, with_verdicts
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.decontamination import HITS_SCHEMA
from neo_assets.text.pii import SPANS_TYPE, PiiPlaces
from neo_assets.text.profiles import compare_profiles
from neo_assets.text.sources import SOURCE_SCHEMA, crawled_records, file_records
from neo_assets.tokens.lineage.exposures import CHECKPOINT_EXPOSURE_SCHEMA, DOCUMENTS_BY_URL, EXPOSURE_INDEX
from neo_assets_tests.spark.supplement_lines import supplement

TEXTS = ("", "short", "naïve e\u0301te\u0301", "東京大学。" * 9, "🦆\n\t'quoted' \"text\" \\n 50%", "a" * 400, None)
N = 120


@dataclass(frozen=True)
class JudgeLength:
    """Kernel: documents of an odd number of characters are rejected, with a reason."""

    rule: str

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        odd = [len(text or "") % 2 == 1 for text in batch.column("text").to_pylist()]
        verdicts: dict[str, list[Any]] = {
            "verdict": ["rejected" if is_odd else "kept" for is_odd in odd],
            "rule": [self.rule if is_odd else None for is_odd in odd],
            "reason": ["[odd]" if is_odd else None for is_odd in odd],
        }
        return with_verdicts(batch, **verdicts)


def ids(draw: random.Random, n: int = N) -> list[str]:
    return [f"{draw.choice(('web', 'books'))}:{draw.getrandbits(96):024x}" for _ in range(n)]


def read_files(engine: Engine, folder: Path) -> list[Relation]:
    """A file with broken records and with ids that are taken."""
    lines = [f'{{"id": "{number % 7}", "text": "text {number} 東京"}}' for number in range(20)]
    (folder / "notes.jsonl").write_text("\n".join([*lines, "{broken", '{"id": "x"}']) + "\n", encoding="utf-8")
    settings = SourceSettings(kind="jsonl", licence="own", path="*.jsonl")
    return [file_records(engine, "notes", settings, folder)]


def arrived() -> pa.Table:
    """What a crawl extracted, and dumps of several sources, some of it without address or text."""
    draw = random.Random(5)
    columns = {
        "doc_id": ids(draw),
        "url": [draw.choice((f"https://a.test/{n}?q=ü", "", None)) for n in range(N)],
        "text": [draw.choice(TEXTS) for _ in range(N)],
        "language_score": [draw.choice((draw.random(), None)) for _ in range(N)],
        "source": [draw.choice(("cc", "wiki", "own")) for _ in range(N)],
    }
    others = {name: ["en"] * N for name in ("host", "day", "title", "language", "licence")}
    table = pa.table({name: (columns | others)[name] for name in SOURCE_SCHEMA.names})
    return table.cast(SOURCE_SCHEMA)


def read_arrived(engine: Engine) -> list[Relation]:
    crawl = SourceSettings(kind="crawl", licence="own")
    dumps = SourceSettings(kind="imports", licence="CC-BY-4.0", dumps=("cc", "wiki"))
    return [engine.query(crawled_records("web", source), arrived=arrived()) for source in (crawl, dumps)]


def converted(engine: Engine) -> list[Relation]:
    """Converted documents of two days, of which one is asked for."""
    draw = random.Random(8)
    rows = [
        {"doc_id": doc_id, "url": "document://x/y", "day": draw.choice(("2024-11-01", "2024-11-02")),
         "text": draw.choice(TEXTS), "blocks": [], "n_pages": 1}
        for doc_id in ids(draw)
    ]  # fmt: skip
    return [documents_of_day(engine, pa.Table.from_pylist(rows, MARKDOWN_SCHEMA), "2024-11-02")]


def compared(engine: Engine) -> list[Relation]:
    """Profiles compared on documents as they come, and on annotated ones."""
    documents = arrived()
    turned_away = pa.Table.from_pylist(
        [
            {"doc_id": doc_id, "verdict": "rejected", "rule": "language", "reason": "language is fr"}
            for doc_id in documents["doc_id"].to_pylist()[::5]
        ],
        DECISION_SCHEMA,
    )
    annotated = documents.take(list(range(1, N, 2)))
    settings: dict[str, Any] = {
        "faithful": (JudgeLength("released"),),
        "corrected": JudgeLength("corrected"),
        "sample_documents": 90,
        "max_chars": 300,
        "excerpt_chars": 3,
    }
    return [compare_profiles(engine, given, turned_away, annotated, **settings) for given in (documents, annotated)]


def corpus_tables(engine: Engine) -> list[Relation]:
    draw = random.Random(7)
    kinds = ("email", "ip", "phone")
    assigned = pa.table(
        {
            "doc_id": ids(draw),
            "url": [draw.choice(("u", None)) for _ in range(N)],
            "title": [draw.choice(("t", None)) for _ in range(N)],
            "text": [draw.choice(TEXTS[:-1]) * draw.randrange(1, 9) for _ in range(N)],
            "subset": [draw.choice(("cc_en", "cc_zh", "code")) for _ in range(N)],
        }
    )
    spans = [[{"kind": draw.choice(kinds), "start": 1, "end": 2}] * draw.randrange(4) for _ in range(N)]
    redacted = assigned.append_column("pii", pa.array(spans, SPANS_TYPE))
    hits = pa.Table.from_pylist(
        [
            {
                "doc_id": draw.choice(assigned["doc_id"]).as_py(),
                "subset": draw.choice(("cc_en", "code")),
                "task": draw.choice(("a", "b")),
                "item": draw.choice(("1", "2", "3")),
                "matched_chars": draw.randrange(200),
            }
            for _ in range(60)
        ],
        HITS_SCHEMA,
    )
    places = engine.map(engine.query(REDACTED, documents=redacted), PiiPlaces())
    return [
        engine.query(SELECT_SUBSET.format(subset="cc_zh"), kept=assigned, added=assigned.slice(0, 0)),
        engine.query(STATISTICS, documents=assigned),
        engine.query(PII, places=places),
        engine.query(CONTAMINATION, hits=hits),
    ]


def exposure_tables(engine: Engine) -> list[Relation]:
    draw = random.Random(9)
    documents = ids(draw, 40)
    counts = [f.name for f in CHECKPOINT_EXPOSURE_SCHEMA if f.type == pa.int64()]
    rows = [
        {
            "doc_id": doc_id,
            "url": None if doc_id.startswith("books") else f"https://a.test/{doc_id[-1]}",
            "subset": "cc_en",
            "run": draw.choice(("run-1", "run-2")),
            "checkpoint": f"ckpt_{checkpoint:03}",
            "positions": [1, 2],
            **{name: draw.randrange(2**40) for name in counts},
        }
        for checkpoint in range(1, 6)
        for doc_id in draw.sample(documents, 25)
    ]
    exposures = pa.Table.from_pylist(rows, CHECKPOINT_EXPOSURE_SCHEMA)
    return [engine.query(sql, exposures=exposures) for sql in (EXPOSURE_INDEX, DOCUMENTS_BY_URL)]


def everything_else(engine: Engine, folder: Path) -> list[Relation]:
    """All of it, as relations of the engine."""
    return [
        *read_files(engine, folder),
        *read_arrived(engine),
        *converted(engine),
        *compared(engine),
        *corpus_tables(engine),
        *exposure_tables(engine),
        *supplement(engine),
    ]
