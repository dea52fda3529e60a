"""The corpus: every kept document in exactly one subset, without personal data and evaluation items; and its mix."""

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.partitions import ALL, subsets
from neo_assets.plots import bar_chart
from neo_assets.retrieval.stages.collected import newcomers, with_domain
from neo_assets.text.decontamination import Decontaminate, Items, ListHits
from neo_assets.text.pii import PiiPlaces, RedactPii
from neo_assets.tokens.held_out import TakeDocuments, held_out_ids, ids_of
from neo_assets.tokens.order.mix import AssignSubset, mixture_tables
from neo_assets.tokens.stages import tokens_by_subset

SELECT_SUBSET = """
SELECT doc_id, url, title, text, '{subset}' AS subset FROM (
    SELECT doc_id, url, title, text, subset FROM kept
    UNION ALL
    SELECT doc_id, url, title, text, subset FROM added
) AS assigned WHERE subset = '{subset}' ORDER BY doc_id
"""

LINES = {"english": ("english/substring_unique", ALL), "chinese": ("chinese/line_unique", ALL)}
SUPPLEMENT = {"collected": ("supplement/collected", ALL), "unique": ("supplement/unique", ALL)}


@asset(kinds={"duckdb", "parquet"}, partitions_def=subsets, inputs={**LINES, **SUPPLEMENT})
def subset(
    context: Context,
    english: Dataset,
    chinese: Dataset,
    collected: Dataset,
    unique: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """Documents of one subset, of their line and the supplement: a Matrix category of one language, in order of ids."""
    line = recipe.corpus.subsets[context.partition_key].language
    kept = with_domain(engine, english if line == "english" else chinese, collected, line)
    added = newcomers(engine, unique, line)
    assign = AssignSubset(recipe.corpus.subsets, line)
    statement = SELECT_SUBSET.format(subset=context.partition_key)
    return engine.query(statement, kept=engine.map(kept, assign), added=engine.map(added, assign))


@asset(kinds={"numba", "parquet"}, partitions_def=subsets)
def redacted(subset: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The same documents with markers in place of personal data; `pii` says what stood where in the text before."""
    return engine.map(subset, RedactPii(recipe.corpus.pii))


@asset(kinds={"numba", "parquet"}, partitions_def=subsets, inputs={"tasks": "evaluation/tasks"})
def decontaminated(redacted: Dataset, tasks: Dataset, engine: Engine, recipe: Recipe) -> Draft:
    """What is trained on: documents that hold an evaluation item are rejected, or lose the passage.

    The table `hits` says which item is where in which document of `redacted`, whatever was done about it.
    """
    names = sorted(name.removesuffix(".jsonl") for name in tasks.manifest.files)
    given = Items(str(tasks.folder()), tuple(names)), recipe.corpus.decontamination
    return Draft(
        tables={"rows": engine.map(redacted, Decontaminate(*given)), "hits": engine.map(redacted, ListHits(*given))}
    )


@asset(kinds={"parquet"}, partitions_def=subsets)
def held_out(decontaminated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents of a subset that no training reads, the tokenizer's included: what was learned is measured on them."""
    ids = held_out_ids(ids_of(decontaminated.batches(["doc_id"])), recipe.corpus.held_out, recipe.seed)
    return engine.map(decontaminated, TakeDocuments(ids))


STATISTICS = """
SELECT subset, COUNT(*) AS documents, CAST(SUM(LENGTH(text)) AS BIGINT) AS characters,
       CAST(MIN(LENGTH(text)) AS BIGINT) AS shortest,
       CAST(SUM(LENGTH(text)) AS DOUBLE) / COUNT(text) AS mean_characters,
       CAST(MAX(LENGTH(text)) AS BIGINT) AS longest
FROM documents GROUP BY subset ORDER BY subset
"""

# A list that holds something, said in a way that DuckDB and Spark share: they count elements differently.
REDACTED = "SELECT doc_id, subset, pii FROM documents WHERE CONCAT(pii, pii) <> pii ORDER BY doc_id, subset"

PII = """
SELECT subset, kind, COUNT(*) AS places, COUNT(DISTINCT doc_id) AS documents
FROM places GROUP BY subset, kind ORDER BY subset, kind
"""

CONTAMINATION = """
SELECT subset, task, COUNT(DISTINCT item) AS items, COUNT(DISTINCT doc_id) AS documents,
       CAST(SUM(matched_chars) AS BIGINT) AS matched_characters
FROM hits GROUP BY subset, task ORDER BY subset, task
"""


@asset(
    kinds={"duckdb", "parquet"},
    inputs={"decontaminated": ("corpus/decontaminated", ALL), "redacted": ("corpus/redacted", ALL)},
)
def statistics(decontaminated: Dataset, redacted: Dataset, engine: Engine) -> Draft:
    """Documents and characters of every subset; tables beside count personal data and the evaluation items found."""
    return Draft(
        tables={
            "rows": engine.query(STATISTICS, documents=decontaminated),
            "pii": engine.query(PII, places=engine.map(engine.query(REDACTED, documents=redacted), PiiPlaces())),
            "contamination": engine.query(CONTAMINATION, hits=decontaminated.named("hits")),
        }
    )


@asset(kinds={"parquet"}, inputs={"token_shards": ("training/token_shards", ALL)})
def mix(token_shards: Dataset, recipe: Recipe) -> Draft:
    """What each phase reads of each subset: tokens, repeat factor, share, beside the published shares."""
    table = mixture_tables(tokens_by_subset(token_shards), recipe.corpus)
    return Draft(tables={"rows": table}, files={"shares.png": bar_chart(table, "subset", "share", "phase")})
