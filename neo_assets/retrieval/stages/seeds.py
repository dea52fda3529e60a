"""Seed collection: texts at hand, and crawled pages that are known to belong to the domain."""

from __future__ import annotations

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.recipe.supplement import SeedSettings
from neo_assets.retrieval.kernels import FromCrawl
from neo_assets.retrieval.model import SEED_SCHEMA
from neo_assets.retrieval.stages.pool import Draw, pages_of

_COLUMNS = ", ".join(SEED_SCHEMA.names)

KNOWN_AT_FIRST = """
SELECT doc_id, url, base_url, 'seed' AS how, CAST(0 AS INT) AS round, CAST(NULL AS DOUBLE) AS score
FROM seeds ORDER BY doc_id
"""
"""The seeds as positives (`POSITIVE_SCHEMA`)."""


def seeds(engine: Engine, pool: Relation, files: pa.Table, settings: SeedSettings, draw: Draw) -> Relation:
    """`SEED_SCHEMA`, by doc_id.

    Args:
        files: doc_id, url, title, text, source, licence of the texts at hand.
    """
    crawled = engine.map(pages_of(engine, pool, draw), FromCrawl(settings.hosts, settings.url_patterns))
    return engine.query(seeds_sql(settings.max_documents), files=pages_of(engine, files, draw), crawled=crawled)


def seeds_sql(n_documents: int) -> str:
    """The seeds of `files` and `crawled`, at most so many, those first in the draw."""
    return f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS}, ROW_NUMBER() OVER (ORDER BY sample_key, doc_id) AS place
    FROM (SELECT {_COLUMNS}, sample_key FROM files UNION ALL SELECT {_COLUMNS}, sample_key FROM crawled) AS found
) AS placed
WHERE place <= {n_documents}
ORDER BY doc_id
"""  # noqa: S608  (column names of a schema, and a checked number)
