"""What the loop found, with its text; and for which domain a document counts."""

from __future__ import annotations

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.kernels import BaseUrls, Named
from neo_assets.retrieval.model import PAGE

FOUND = "SELECT doc_id, how, round, score FROM positives ORDER BY doc_id"

COLLECTED = """
SELECT doc_id, url, base_url, title, text, text_digest, domain, line, how, round, score
FROM pages WHERE how IS NOT NULL ORDER BY doc_id
"""

COLLECTED_SCHEMA = pa.schema(
    [*PAGE, *((name, pa.string()) for name in ("title", "text", "text_digest", "domain", "line"))]
)


def members_sql(line: Line) -> str:
    """The domain of each collected document of a line; of several, the first by name."""
    return f"SELECT doc_id, MIN(domain) AS domain FROM collected WHERE line = '{line}' GROUP BY doc_id ORDER BY doc_id"  # noqa: S608


def newcomers_sql(line: Line) -> str:
    """The documents that the supplement adds to a line, each once, for the first of its domains by name."""
    return f"""
SELECT doc_id, url, title, text, domain FROM (
    SELECT doc_id, url, title, text, domain, ROW_NUMBER() OVER (PARTITION BY doc_id ORDER BY domain) AS place
    FROM found WHERE line = '{line}'
) AS placed WHERE place = 1 ORDER BY doc_id
"""  # noqa: S608  (one of two names)


def collected(engine: Engine, pool: Relation, positives: Dataset, domain: str, line: Line) -> Relation:
    """The pages of the pool that are positives, with text and how they were found; by doc_id."""
    found = engine.attach(pool, engine.query(FOUND, positives=positives))
    return engine.query(COLLECTED, pages=engine.map(found, BaseUrls(), Named("domain", domain), Named("line", line)))


def with_domain(engine: Engine, documents: Dataset, collected: Dataset, line: Line) -> Relation:
    """The documents of a line with a column `domain`: that for which they were collected, or null."""
    members = engine.query(members_sql(line), collected=collected if collected else COLLECTED_SCHEMA.empty_table())
    return engine.attach(documents, members)


def newcomers(engine: Engine, unique: Dataset, line: Line) -> Relation:
    """What the supplement adds to a line: doc_id, url, title, text, domain."""
    return engine.query(newcomers_sql(line), found=unique if unique else COLLECTED_SCHEMA.empty_table())
