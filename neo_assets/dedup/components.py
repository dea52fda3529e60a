"""Near deduplication by connected components: of every set of documents linked by similar pairs the first one stays.

The components are found by alternating large-star and small-star steps (Kiveris et al., "Connected Components in
MapReduce and Beyond", 2014; MAP-Neo Matrix, English MinHash), here as SQL over a table of edges (node, root), root <
node. A large-star hangs all later neighbours of a node on its first neighbour or itself, a small-star all earlier ones
and the node itself. Both keep the components and only shorten ways; after O(log² n) rounds, in practice about log n,
every component is one star around its first document, and further rounds change nothing. SQL cannot loop, so
`max_rounds` rounds are unrolled over a few statements; the last one looks whether stars are all that is left, and
`Stars` fails if not: a component must never be cut by a limit nobody sees.

Days: with partitions that see only what came before, a day's documents are judged by what is linked up to that day. A
later document that links two kept ones is removed, and both stay. So only when all partitions see each other are the
results those of one run over everything; the direct rule gives that for days too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.near import similar_enough, verdict_columns
from neo_assets.recipe.dedup import NearSettings

FIRST_ROUNDS, FURTHER_ROUNDS = 3, 7
"""Rounds of the first statement, all that most components need, and of each further one, which leaves settled ones
alone. More than 16 are nested too deep for Spark's analyzer, which gives up after 100 passes."""


class UnfinishedError(RuntimeError):
    """The components were not found within the rounds allowed."""


@dataclass(frozen=True)
class Stars:
    """Kernel: (node, root, settled) → (node, root).

    Raises:
        UnfinishedError: a row is not settled.
    """

    max_rounds: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not pc.all(batch.column("settled"), min_count=0).as_py():
            raise UnfinishedError(
                f"the components of similar documents were not found in {self.max_rounds} rounds: raise max_rounds"
            )
        return batch.select(["node", "root"])


def star_statements(settings: NearSettings) -> Iterator[str]:
    """The statements whose last one gives (node, root, settled): every document of a component but the first.

    Relations: of the first statement `pairs` (`PAIR_SCHEMA`), of each other one `edges`, the result of the one before.
    """
    similar = similar_enough(settings)
    pairs = f"SELECT precedence AS node, other AS root, FALSE AS settled FROM pairs WHERE {similar}"  # noqa: S608
    source, done = f"({pairs}) AS compared", 0
    while done < settings.max_rounds:
        rounds = min(FURTHER_ROUNDS if done else FIRST_ROUNDS, settings.max_rounds - done)
        yield _rounds_sql(source, rounds)
        source, done = "edges", done + rounds


def component_duplicates_sql(settings: NearSettings) -> str:
    """The documents that are rejected by `stars` (node, root) and `pairs` (`PAIR_SCHEMA`).

    Gives doc_id and the verdict columns, ordered by doc_id. The similarity is that of the document's strongest pair,
    whichever document of the component the other one is.
    """
    return f"""
WITH sizes AS (
    SELECT root, COUNT(*) + 1 AS documents FROM stars GROUP BY root
),
links AS (
    SELECT precedence AS node, similarity FROM pairs WHERE {similar_enough(settings)}
    UNION ALL
    SELECT other AS node, similarity FROM pairs WHERE {similar_enough(settings)}
),
strongest AS (
    SELECT node, MAX(similarity) AS similarity FROM links GROUP BY node
),
members AS (
    SELECT s.node, s.root, z.documents, l.similarity
    FROM stars s JOIN sizes z ON s.root = z.root JOIN strongest l ON s.node = l.node
)
SELECT {verdict_columns("node", "root", settings)},
    'component of ' || CAST(documents AS STRING) || ' documents' AS reason
FROM members
ORDER BY doc_id
"""  # noqa: S608


def _rounds_sql(source: str, rounds: int) -> str:
    """So many rounds from the edges (node, root, settled) on, of components that are not settled yet.

    Each step reads the one before once, so no engine computes one twice. A component is settled when it is a star:
    every document hangs on one root only and is no root itself.
    """
    steps = ",\n".join(_round_sql(number) for number in range(1, rounds + 1))
    return f"""
WITH sides AS (SELECT 0 AS side UNION ALL SELECT 1 AS side),
small_0 AS (SELECT node, root FROM {source} WHERE NOT settled),
{steps},
leaves AS (
    SELECT
        e.node, e.root,
        CASE WHEN n.node IS NULL AND r.root IS NULL AND COUNT(*) OVER (PARTITION BY e.node) = 1 THEN 1 ELSE 0 END leaf
    FROM small_{rounds} e
    LEFT JOIN (SELECT DISTINCT node FROM small_{rounds}) n ON e.root = n.node
    LEFT JOIN (SELECT DISTINCT root FROM small_{rounds}) r ON e.node = r.root
)
SELECT node, root, settled FROM {source} WHERE settled
UNION ALL
SELECT node, root, MIN(leaf) OVER (PARTITION BY root) = 1 AS settled FROM leaves
ORDER BY node, root
"""  # noqa: S608


def _round_sql(number: int) -> str:
    return f"""large_{number} AS (
    SELECT DISTINCT neighbour AS node, low AS root
    FROM (
        SELECT node, neighbour, LEAST(node, MIN(neighbour) OVER (PARTITION BY node)) AS low
        FROM (
            SELECT
                CASE WHEN side = 0 THEN node ELSE root END AS node,
                CASE WHEN side = 0 THEN root ELSE node END AS neighbour
            FROM small_{number - 1} CROSS JOIN sides
        ) AS both_ways
    ) AS lows
    WHERE neighbour > node
),
small_{number} AS (
    SELECT DISTINCT CASE WHEN side = 0 THEN node ELSE neighbour END AS node, low AS root
    FROM (
        SELECT node, root AS neighbour, MIN(root) OVER (PARTITION BY node) AS low FROM large_{number}
    ) AS lows CROSS JOIN sides
    WHERE side = 0 OR neighbour > low
)"""  # noqa: S608
