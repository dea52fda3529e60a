"""Converted documents as the text lines read them: with the columns of crawled pages."""

from __future__ import annotations

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset

EXTRACTOR = "documents"
"""What the column `extractor` says of converted documents."""

ARRIVED_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("doc_id", "url", "host", "day", "title", "date", "author", "canonical")),
        *((name, pa.string()) for name in ("declared_language", "text", "charset", "extractor", "payload_digest")),
        ("n_chars", pa.int64()), ("source", pa.string()), ("licence", pa.string()),
    ]
)  # fmt: skip
"""The columns of a page's text, as `crawl/extracted` has them before its language is told."""

_OF_DAY = """
SELECT doc_id, url, host, day, title, date, author, CAST(NULL AS STRING) AS canonical,
       CAST(NULL AS STRING) AS declared_language, text, CAST(NULL AS STRING) AS charset, '{extractor}' AS extractor,
       sha256 AS payload_digest, CAST(LENGTH(text) AS BIGINT) AS n_chars, batch AS source, licence
FROM documents WHERE day = '{day}' ORDER BY doc_id
"""


def documents_of_day(engine: Engine, documents: Dataset | pa.Table, day: str) -> Relation:
    """Rows of `ARRIVED_SCHEMA`: the documents (rows of `MARKDOWN_SCHEMA`) of all batches that arrived on a day."""
    if isinstance(documents, Dataset) and not documents:
        return ARRIVED_SCHEMA.empty_table()
    return engine.query(_OF_DAY.format(day=day, extractor=EXTRACTOR), documents=documents)
