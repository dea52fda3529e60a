"""The high-quality supplement: from a few texts of a domain to all of its kind in the crawl, round by round.

Every round is a set of assets of its own, `supplement/round_1_…`, so that what a round learned, recalled and had judged
stays in sight. A round after the loop stopped makes empty tables and passes the positives on.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.dedup.judge_against import judge_against
from neo_assets.dedup.profiles import near_settings
from neo_assets.partitions import ALL, ROUNDS, SEARCHED, domains
from neo_assets.retrieval.classifier import train
from neo_assets.retrieval.gain import measure_gain
from neo_assets.retrieval.stages.collected import collected as collect
from neo_assets.retrieval.stages.judgements import judge_review
from neo_assets.retrieval.stages.pool import Draw, pool_of
from neo_assets.retrieval.stages.positives import Found
from neo_assets.retrieval.stages.positives import positives as refine
from neo_assets.retrieval.stages.recalls import domain_report as report_sites
from neo_assets.retrieval.stages.recalls import recalled as recall
from neo_assets.retrieval.stages.recalls import revisited as revisit
from neo_assets.retrieval.stages.reviews import review as choose_review
from neo_assets.retrieval.stages.samples import sample as draw_sample
from neo_assets.retrieval.stages.scores import scored as score
from neo_assets.retrieval.stages.seeds import KNOWN_AT_FIRST
from neo_assets.retrieval.stages.seeds import seeds as collect_seeds
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.seed_texts import seed_texts

POOL: dict[str, str | tuple[str, dg.PartitionMapping]] = {
    "english": ("english/normalized", SEARCHED),
    "chinese": ("chinese/normalized", ALL),
}


def each_round(
    kinds: set[str], inputs: Mapping[str, str | tuple[str, dg.PartitionMapping]] | None = None
) -> Callable[[Callable[..., Any]], list[dg.AssetsDefinition]]:
    """An asset once a round, by domain: inputs are of the same round, `before` is what the last one left."""

    def define(function: Callable[..., Any]) -> list[dg.AssetsDefinition]:
        made = []
        for number in ROUNDS:
            before = f"supplement/round_{number - 1}_positives" if number > 1 else "supplement/known"
            given = {"before": before, "seeds": "supplement/seeds", **(inputs or {})}
            made.append(asset(kinds=kinds, partitions_def=domains, inputs=given, within=f"round_{number}")(function))
        return made

    return define


def _draw(context: Context, seed: int, stage: str) -> Draw:
    """The draw of a stage or round of the partition's domain."""
    return Draw(seed, f"supplement/{stage}/{context.partition_key}")


def _round(context: Context) -> int:
    """The number in the name of a round's asset."""
    return int(context.asset_key.path[1].split("_")[1])


@asset(kinds={"duckdb", "parquet"}, partitions_def=domains, inputs=POOL)
def seeds(context: Context, english: Dataset, chinese: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Texts known to belong to a domain, with source and licence: files at hand, and pages of hosts named for it."""
    domain = recipe.supplement.domains[context.partition_key]
    files = seed_texts(context.partition_key, domain.seeds.files, SEED_FOLDER)
    draw = _draw(context, recipe.seed, "seeds")
    return collect_seeds(engine, pool_of(domain, english, chinese), files, domain.seeds, draw)


@asset(kinds={"duckdb", "parquet"}, partitions_def=domains)
def known(seeds: Dataset, engine: Engine) -> Relation:
    """What is known of a domain before the first round: the ids of its seeds."""
    return engine.query(KNOWN_AT_FIRST, seeds=seeds)


@each_round(kinds={"duckdb", "parquet"}, inputs=POOL)
def sample(
    context: Context,
    english: Dataset,
    chinese: Dataset,
    seeds: Dataset,
    before: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """What the round's classifier learns from: positives of every base URL, and as many other pages of the crawl.

    No base URL is in two of the splits train, valid and test.
    """
    domain, draw = (
        recipe.supplement.domains[context.partition_key],
        _draw(context, recipe.seed, f"round_{_round(context)}"),
    )
    pool, settings = pool_of(domain, english, chinese), recipe.supplement.sampling
    return draw_sample(engine, pool, seeds, before, domain.language, settings, draw)


@each_round(kinds={"fasttext", "matplotlib"})
def classifier(sample: Dataset, recipe: Recipe) -> Draft:
    """The round's fastText classifier, quantised; how well it does on sites it has not seen, and what it goes by."""
    trained = train(sample.batches(), recipe.supplement.classifier, recipe.seed)
    return Draft(files=trained.files, views=trained.views, tables=trained.tables, metadata=trained.metadata)


@each_round(kinds={"numba", "parquet"}, inputs=POOL)
def scored(
    context: Context,
    english: Dataset,
    chinese: Dataset,
    before: Dataset,
    classifier: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Draft:
    """Every page of the crawl in the domain's language, with the classifier's confidence that it belongs.

    `speed` compares the scoring of some of them with fastText's own, asked for one page at a time.
    """
    domain, draw = (
        recipe.supplement.domains[context.partition_key],
        _draw(context, recipe.seed, f"round_{_round(context)}"),
    )
    pool, max_chars = pool_of(domain, english, chinese), recipe.supplement.sampling.max_chars
    return score(engine, pool, before, classifier, domain.language, max_chars, draw)


@each_round(kinds={"duckdb", "parquet"}, inputs=POOL)
def review(
    context: Context, english: Dataset, chinese: Dataset, scored: Dataset, engine: Engine, recipe: Recipe
) -> Draft:
    """What the judge shall look at: so many pages of each stratum of confidence, and some of every base URL."""
    pool = pool_of(recipe.supplement.domains[context.partition_key], english, chinese)
    settings, recall = recipe.supplement.review, recipe.supplement.recall
    return choose_review(engine, pool, scored, settings, recall, recipe.supplement.judge.excerpt_chars)


@each_round(kinds={"parquet"})
def judgements(context: Context, review: Dataset, classifier: Dataset, recipe: Recipe) -> Draft:
    """Whether each page of the review belongs to the domain, as the judge says; without an answer in quarantine."""
    domain = recipe.supplement.domains[context.partition_key]
    return judge_review(review, classifier, domain, recipe.supplement.judge)


@each_round(kinds={"duckdb", "parquet"})
def domain_report(scored: Dataset, review: Dataset, judgements: Dataset, engine: Engine, recipe: Recipe) -> Draft:
    """Base URLs by the share of their pages above the threshold: those beyond the hit rate are specific to the domain.

    The table `thresholds` has the precision that the judge's sample lets expect of each, and which one was chosen.
    """
    return report_sites(engine, scored, review, judgements, recipe.supplement.review, recipe.supplement.recall)


@each_round(kinds={"duckdb", "parquet"})
def recalled(scored: Dataset, judgements: Dataset, domain_report: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages above the threshold, without those that the judge refused; the others down to the floor say why not."""
    return recall(engine, scored, judgements, domain_report, recipe.supplement.review, recipe.supplement.recall)


@each_round(kinds={"duckdb", "parquet"}, inputs=POOL)
def revisited(
    context: Context,
    english: Dataset,
    chinese: Dataset,
    scored: Dataset,
    recalled: Dataset,
    domain_report: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """The other pages of specific base URLs, which the classifier passed over."""
    pool = pool_of(recipe.supplement.domains[context.partition_key], english, chinese)
    excerpt_chars = recipe.supplement.judge.excerpt_chars
    return revisit(engine, pool, scored, recalled, domain_report, recipe.supplement.recall, excerpt_chars)


@each_round(kinds={"parquet"})
def annotations(context: Context, revisited: Dataset, classifier: Dataset, recipe: Recipe) -> Draft:
    """What the judge says of the revisited pages, by their URLs and excerpts."""
    domain = recipe.supplement.domains[context.partition_key]
    return judge_review(revisited, classifier, domain, recipe.supplement.judge)


@each_round(kinds={"duckdb", "parquet"})
def positives(
    context: Context,
    seeds: Dataset,
    before: Dataset,
    scored: Dataset,
    judgements: Dataset,
    domain_report: Dataset,
    recalled: Dataset,
    annotations: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Draft:
    """All that is known of the domain after the round; `progress` says what each round brought, and whether it ends."""
    truth = recipe.supplement.domains[context.partition_key].truth
    found = Found(seeds, before, scored, judgements, domain_report, recalled, annotations)
    return refine(engine, context.partition_key, _round(context), found, truth, recipe.supplement.recall)


LAST_ROUND = f"supplement/round_{ROUNDS[-1]}_positives"


@asset(kinds={"duckdb", "parquet"}, partitions_def=domains, inputs={**POOL, "positives": LAST_ROUND})
def collected(
    context: Context, english: Dataset, chinese: Dataset, positives: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """The pages of the crawl that belong to the domain after the last round, with their text."""
    domain = recipe.supplement.domains[context.partition_key]
    return collect(engine, pool_of(domain, english, chinese), positives, context.partition_key, domain.language)


LINES = {
    "english": ("english/near_unique", ALL),
    "english_bands": ("english/bands", ALL),
    "chinese": ("chinese/near_unique", ALL),
    "chinese_bands": ("chinese/bands", ALL),
}


@asset(kinds={"duckdb", "numba", "parquet"}, partitions_def=domains, inputs=LINES)
def unique(
    context: Context,
    collected: Dataset,
    english: Dataset,
    english_bands: Dataset,
    chinese: Dataset,
    chinese_bands: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """Collected pages of which the line kept neither themselves nor their like: what the supplement adds to it."""
    if recipe.supplement.domains[context.partition_key].language == "english":
        settings = near_settings(recipe.english.dedup.near, recipe.english.profile)
        return judge_against(engine, collected, english, english_bands, settings)
    settings = near_settings(recipe.chinese.dedup.near, recipe.chinese.profile)
    return judge_against(engine, collected, chinese, chinese_bands, settings)


@asset(kinds={"parquet", "matplotlib"}, inputs={"positives": (LAST_ROUND, ALL)})
def gain(positives: Dataset) -> Draft:
    """What every round brought, domain by domain: precision and recall, new documents and base URLs, thresholds."""
    return measure_gain(positives.named("progress"))
