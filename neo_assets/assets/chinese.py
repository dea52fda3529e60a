"""The Chinese line: what our crawl found in Chinese, normalised, filtered and deduplicated, day by day."""

from neo_assets.asset import Context, Dataset, Engine, Recipe, Relation, asset
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.stages import judge_exact, judge_near
from neo_assets.partitions import UP_TO, crawl_days
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.badwords import read_terms
from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.normalise import NormaliseChinese
from neo_assets.text.rules import JudgeByRules, chinese_rules


@asset(kinds={"parquet"}, partitions_def=crawl_days, inputs={"extracted": "crawl/extracted"})
def normalized(extracted: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages in Chinese, full-width symbols unified and links removed, with a digest of the text."""
    normalise = NormaliseChinese(recipe.chinese.unify_symbols, recipe.chinese.remove_links)
    return engine.map(extracted, normalise, TextDigests())


@asset(kinds={"parquet"}, partitions_def=crawl_days)
def annotated(normalized: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The same pages with every quality signal beside the text: lengths, words, repetition, entropy, bad words."""
    return engine.map(normalized, AnnotateChinese(read_terms(SEED_FOLDER / recipe.chinese.bad_words_file)))


@asset(kinds={"parquet"}, partitions_def=crawl_days)
def filtered(annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Chinese pages that pass every quality rule; the others stand in the decisions with all rules they fail."""
    return engine.map(annotated, JudgeByRules(chinese_rules(recipe.chinese.rules)))


@asset(kinds={"duckdb", "parquet"}, partitions_def=crawl_days, inputs={"filtered": ("chinese/filtered", UP_TO)})
def exact_unique(context: Context, filtered: Dataset, engine: Engine) -> Relation:
    """Pages whose text no earlier page has, on this or any day before."""
    return judge_exact(engine, filtered, context.partition_key)


@asset(kinds={"numba", "parquet"}, partitions_def=crawl_days)
def signatures(exact_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """MinHash signatures of a day's pages: the part of the dedup index that this day adds."""
    return engine.map(exact_unique, Signatures(recipe.chinese.dedup))


@asset(
    kinds={"duckdb", "parquet"},
    partitions_def=crawl_days,
    inputs={"exact_unique": ("chinese/exact_unique", UP_TO), "signatures": ("chinese/signatures", UP_TO)},
)
def near_unique(
    context: Context, exact_unique: Dataset, signatures: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """Pages without a similar earlier page; each one removed names its survivor and the similarity."""
    return judge_near(engine, exact_unique, signatures, context.partition_key, recipe.chinese.dedup)
