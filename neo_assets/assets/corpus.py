"""The corpus: every kept document in exactly one subset, and what a phase of training reads of each."""

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.partitions import ALL, subsets
from neo_assets.plots import bar_chart
from neo_assets.tokens.mix import AssignSubset, mixture_tables
from neo_assets.tokens.stages import tokens_by_subset

SELECT_SUBSET = """
SELECT doc_id, url, title, text, '{subset}' AS subset FROM assigned WHERE subset = '{subset}' ORDER BY doc_id
"""


@asset(
    kinds={"duckdb", "parquet"},
    partitions_def=subsets,
    inputs={"english": ("english/near_unique", ALL), "chinese": ("chinese/near_unique", ALL)},
)
def subset(context: Context, english: Dataset, chinese: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents of one subset: a Matrix category of one language, by source and host, in order of their ids."""
    line = recipe.corpus.subsets[context.partition_key].language
    documents = english if line == "english" else chinese
    assigned = engine.map(documents, AssignSubset(recipe.corpus.subsets, line))
    return engine.query(SELECT_SUBSET.format(subset=context.partition_key), assigned=assigned)


STATISTICS = """
SELECT subset, COUNT(*) AS documents, CAST(SUM(LENGTH(text)) AS BIGINT) AS characters, MIN(LENGTH(text)) AS shortest,
       CAST(AVG(LENGTH(text)) AS DOUBLE) AS mean_characters, MAX(LENGTH(text)) AS longest
FROM documents GROUP BY subset ORDER BY subset
"""


@asset(kinds={"duckdb", "parquet"}, inputs={"subset": ("corpus/subset", ALL)})
def statistics(subset: Dataset, engine: Engine) -> Relation:
    """Documents and characters of every subset."""
    return engine.query(STATISTICS, documents=subset)


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def mix(token_shards: Dataset, recipe: Recipe) -> Draft:
    """What each phase reads of each subset: tokens, repeat factor, share, beside the published shares."""
    table = mixture_tables(tokens_by_subset(token_shards), recipe.corpus)
    return Draft(tables={"rows": table}, files={"shares.png": bar_chart(table, "subset", "share", "phase")})
