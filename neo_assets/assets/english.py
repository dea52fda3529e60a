"""The English line: reprocessed open sources and what our crawl found, judged by rules chosen per source."""

from neo_assets.asset import Context, Dataset, Engine, Recipe, Relation, asset
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.stages import judge_exact, judge_near
from neo_assets.partitions import ALL, english_sources
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.badwords import read_terms
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.normalise import NormaliseEnglish
from neo_assets.text.rules import JudgeByRules, english_rules
from neo_assets.text.sources import crawled_records, read_source


@asset(kinds={"parquet"}, partitions_def=english_sources, inputs={"extracted": ("crawl/extracted", ALL)})
def records(context: Context, extracted: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents of one English source as it gives them: an open data set, or the pages of our crawl."""
    source = recipe.english.sources[context.partition_key]
    if source.kind == "crawl":
        return engine.query(crawled_records(context.partition_key, source), extracted=extracted)
    return read_source(context.partition_key, source, SEED_FOLDER)


@asset(kinds={"parquet"}, partitions_def=english_sources)
def normalized(context: Context, records: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents in the source's language, in Unicode NFC with tidy whitespace, with a digest of the text."""
    return engine.map(records, NormaliseEnglish.of(recipe.english.sources[context.partition_key]), TextDigests())


@asset(kinds={"parquet"}, partitions_def=english_sources)
def annotated(normalized: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The same documents with every quality signal beside the text: lengths, words, repetition, entropy, bad words."""
    bad_words = read_terms(SEED_FOLDER / recipe.english.bad_words_file)
    return engine.map(normalized, AnnotateEnglish(stop_words=recipe.english.stop_words, bad_words=bad_words))


@asset(kinds={"parquet"}, partitions_def=english_sources)
def filtered(context: Context, annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents that pass the rules of their source; the others stand in the decisions with all rules they fail."""
    rules = english_rules(recipe.english.sources[context.partition_key], recipe.english.rule_sets)
    return engine.map(annotated, JudgeByRules(rules))


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources, inputs={"filtered": ("english/filtered", ALL)})
def exact_unique(context: Context, filtered: Dataset, engine: Engine) -> Relation:
    """Documents whose text no document with a smaller id has, in any source."""
    return judge_exact(engine, filtered, context.partition_key)


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def signatures(exact_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """MinHash signatures of a source's documents: its part of the dedup index."""
    return engine.map(exact_unique, Signatures(recipe.english.dedup))


@asset(
    kinds={"duckdb", "parquet"},
    partitions_def=english_sources,
    inputs={"exact_unique": ("english/exact_unique", ALL), "signatures": ("english/signatures", ALL)},
)
def near_unique(
    context: Context, exact_unique: Dataset, signatures: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """Documents without a similar document of a smaller id; each one removed names its survivor and the similarity."""
    return judge_near(engine, exact_unique, signatures, context.partition_key, recipe.english.dedup)
