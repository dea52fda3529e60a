"""The Chinese line: what our crawl found in Chinese, normalised, filtered and deduplicated, day by day."""

from datetime import date

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.dedup.bloom import build_filter, describe, slice_error
from neo_assets.dedup.cluster_report import report_files as duplicate_files
from neo_assets.dedup.clusters import report_clusters
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.judge_exact import FILTER_FILE, earlier_filters, judge_exact_filtered
from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.profiles import bloom_settings, near_settings
from neo_assets.dedup.similar_line import SimilarLines
from neo_assets.dedup.survivors import Precedence
from neo_assets.partitions import ALL, BEFORE, FIRST_DAY, UP_TO, crawl_days
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.annotators import annotator, released_chinese
from neo_assets.text.badwords import load_terms
from neo_assets.text.funnel import measure_funnel
from neo_assets.text.funnel_report import funnel_files
from neo_assets.text.judge import JudgeByOrigin, JudgeByRules
from neo_assets.text.normalise import NormaliseChinese
from neo_assets.text.profiles import compare_profiles
from neo_assets.text.profiles import profile_report as report_profiles
from neo_assets.text.reference_models import (
    train_importance_model,
    train_perplexity_model,
    train_reference_classifier,
)
from neo_assets.text.references import reference_documents
from neo_assets.text.rules import chinese_rules
from neo_assets.text.studies import Group, study_thresholds
from neo_assets.text.study_report import study_files


@asset(kinds={"parquet"}, inputs={"extracted": ("crawl/extracted", FIRST_DAY)})
def references(extracted: Dataset, recipe: Recipe) -> Relation:
    """Documents that models learn from: the recipe's reference sets, and as the web the first crawl day."""
    crawled = extracted.batches(["doc_id", "language", "text"])
    return reference_documents(recipe.chinese.references, SEED_FOLDER, crawled)


@asset(kinds={"numba"})
def perplexity_model(references: Dataset, recipe: Recipe) -> Draft:
    """The n-gram language model of the encyclopaedia (Kneser-Ney), and the limits of the perplexity buckets."""
    trained = train_perplexity_model(references.read(), recipe.chinese.references, "chinese")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(kinds={"numba"})
def importance_model(references: Dataset, recipe: Recipe) -> Draft:
    """Log ratios of hashed words and word pairs, reference sets over web: importance weights as DSIR has them."""
    trained = train_importance_model(references.read(), recipe.chinese.references, "chinese")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(kinds={"numba"})
def reference_classifier(references: Dataset, recipe: Recipe) -> Draft:
    """The linear classifier that tells the reference sets from the web, and its accuracy on documents held out."""
    trained = train_reference_classifier(references.read(), recipe.chinese.references, "chinese")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(
    kinds={"parquet"},
    partitions_def=crawl_days,
    inputs={"extracted": "crawl/extracted", "imports": "crawl/imports", "documents": "documents/arrived"},
)
def normalized(extracted: Dataset, imports: Dataset, documents: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages and documents in Chinese, symbols unified and links removed, with a digest of the text."""
    normalise = NormaliseChinese(
        recipe.chinese.unify_symbols,
        recipe.chinese.remove_links,
        recipe.chinese.max_chars,
        recipe.chinese.line_filter,
        load_terms(recipe.chinese.bad_words_files, SEED_FOLDER),
    )
    released = released_chinese(recipe.chinese.profile, recipe.chinese.url_lists)
    arrived = extracted + imports + documents
    return engine.map(arrived, *released, normalise, TextDigests(recipe.chinese.dedup.exact, "chinese"))


@asset(kinds={"numba", "parquet"}, partitions_def=crawl_days)
def annotated(
    normalized: Dataset,
    perplexity_model: Dataset,
    importance_model: Dataset,
    reference_classifier: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """The same pages with every signal beside the text: RedPajama-V2's 42 annotations in Chinese units, and our own."""
    models = [model.folder() for model in (perplexity_model, importance_model, reference_classifier)]
    kernel = annotator(
        "chinese",
        recipe.chinese.stop_words_file,
        recipe.chinese.bad_words_files,
        recipe.chinese.url_lists,
        recipe.chinese.references,
        models,
    )
    return engine.map(normalized, kernel)


@asset(kinds={"parquet"}, partitions_def=crawl_days)
def filtered(annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Chinese pages that pass every quality rule; the others stand in the decisions with all rules they fail.

    Converted documents have some limits of their own: a book is longer than a page.
    """
    limits, profile, differing = recipe.chinese.rules, recipe.chinese.profile, recipe.chinese.document_limits
    usual, own = chinese_rules(limits, profile), chinese_rules(limits, profile, differing)
    judge = JudgeByOrigin(JudgeByRules(usual), JudgeByRules(own), "extractor", "documents")
    return engine.map(annotated, judge, Precedence(recipe.chinese.dedup.survivor, arrival_first=True))


@asset(kinds={"numba"}, partitions_def=crawl_days)
def bloom(context: Context, filtered: Dataset, recipe: Recipe) -> Draft:
    """A Bloom filter of the day's texts, which later days ask before they look a text up."""
    day = recipe.crawl.epoch(date.fromisoformat(context.partition_key))
    error_rate = slice_error(recipe.chinese.dedup.bloom.error_rate, day)
    built = build_filter((b["text_digest"] for b in filtered.batches(["text_digest"])), filtered.rows, error_rate)
    metadata = describe(built, error_rate, probes=1_000_000, seed=recipe.seed)
    return Draft(files={FILTER_FILE: built.to_bytes()}, metadata=metadata)


@asset(
    kinds={"duckdb", "numba", "parquet"},
    partitions_def=crawl_days,
    inputs={"filtered": ("chinese/filtered", UP_TO), "bloom": ("chinese/bloom", BEFORE)},
)
def exact_unique(context: Context, filtered: Dataset, bloom: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages whose text no earlier page has, on this or any day before."""
    settings = bloom_settings(recipe.chinese.dedup.bloom, recipe.chinese.profile)
    filters = earlier_filters(bloom, filtered, context.partition_key)
    return judge_exact_filtered(engine, filtered, filters, context.partition_key, settings)


@asset(kinds={"numba", "parquet"}, partitions_def=crawl_days)
def signatures(exact_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """MinHash signatures of a day's pages."""
    return engine.map(exact_unique, Signatures(near_settings(recipe.chinese.dedup.near, recipe.chinese.profile)))


@asset(kinds={"numba", "parquet"}, partitions_def=crawl_days)
def bands(signatures: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The keys by which similar pages meet, one a band: what a day adds to the near-duplicate index."""
    return band_index(engine, signatures, near_settings(recipe.chinese.dedup.near, recipe.chinese.profile))


@asset(
    kinds={"duckdb", "numba", "parquet"},
    partitions_def=crawl_days,
    inputs={"exact_unique": ("chinese/exact_unique", UP_TO), "bands": ("chinese/bands", UP_TO)},
)
def pairs(context: Context, exact_unique: Dataset, bands: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages of the day that met an earlier one in a band, and how similar the two really are."""
    near = near_settings(recipe.chinese.dedup.near, recipe.chinese.profile)
    return candidate_pairs(engine, exact_unique, bands, context.partition_key, near)


@asset(kinds={"duckdb", "parquet"}, partitions_def=crawl_days, inputs={"pairs": ("chinese/pairs", UP_TO)})
def near_unique(context: Context, exact_unique: Dataset, pairs: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages without a similar earlier page; each one removed names its survivor and the similarity."""
    near = near_settings(recipe.chinese.dedup.near, recipe.chinese.profile)
    return judge_near(engine, exact_unique, pairs, context.partition_key, near)


@asset(kinds={"numba", "parquet"}, partitions_def=crawl_days)
def line_unique(near_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages without the lines that resemble an earlier line of the same page; `line_cuts` says what was cut."""
    return engine.map(near_unique, SimilarLines(recipe.chinese.dedup.line, recipe.chinese.profile))


DEDUP_STAGES = ("exact_unique", "pairs", "near_unique", "line_unique")


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"chinese/{name}", ALL) for name in DEDUP_STAGES})
def duplicates(
    exact_unique: Dataset, pairs: Dataset, near_unique: Dataset, line_unique: Dataset, recipe: Recipe
) -> Draft:
    """What deduplication merged: clusters by size, the largest ones, pairs to judge by eye, lines cut."""
    near, report = near_settings(recipe.chinese.dedup.near, recipe.chinese.profile), recipe.chinese.dedup.report
    found = report_clusters(exact_unique, near_unique, pairs, (line_unique,), near, report)
    return Draft(tables=found.tables, files=duplicate_files(found), metadata=found.totals)


@asset(kinds={"parquet", "matplotlib"}, inputs={"annotated": ("chinese/annotated", ALL)})
def threshold_study(annotated: Dataset, recipe: Recipe) -> Draft:
    """What each rule does to the pages of all days: distributions, shares, pages near the thresholds."""
    rules = chinese_rules(recipe.chinese.rules, recipe.chinese.profile)
    study = study_thresholds([Group("all days", rules, annotated)], recipe.chinese.studies)
    return Draft(tables=study.tables, files=study_files(study), metadata=study.totals)


FUNNEL_STAGES = ("normalized", "annotated", "filtered", "exact_unique", "near_unique", "line_unique")


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"chinese/{name}", ALL) for name in FUNNEL_STAGES})
def funnel(
    normalized: Dataset,
    annotated: Dataset,
    filtered: Dataset,
    exact_unique: Dataset,
    near_unique: Dataset,
    line_unique: Dataset,
) -> Draft:
    """Pages that each stage took in, kept, rejected and why, beside the funnel that MAP-Neo published."""
    found = measure_funnel("chinese", (normalized, annotated, filtered, exact_unique, near_unique, line_unique))
    return Draft(tables=found.tables, files=funnel_files(found), metadata=found.metadata)


@asset(
    kinds={"duckdb", "parquet"},
    partitions_def=crawl_days,
    inputs={"extracted": "crawl/extracted", "imports": "crawl/imports"},
)
def profiles(
    extracted: Dataset, imports: Dataset, normalized: Dataset, annotated: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """A sample of the pages with two verdicts: what MAP-Neo's released code decides, and what our rules decide."""
    measure = released_chinese("faithful", recipe.chinese.url_lists)
    return compare_profiles(
        engine,
        extracted + imports,
        normalized.named("decisions"),
        annotated,
        faithful=(*measure, JudgeByRules(chinese_rules(recipe.chinese.rules, "faithful"))),
        corrected=JudgeByRules(chinese_rules(recipe.chinese.rules)),
        sample_documents=recipe.chinese.studies.profile_sample_documents,
        max_chars=recipe.chinese.max_chars,
    )


@asset(kinds={"parquet", "matplotlib"}, inputs={"profiles": ("chinese/profiles", ALL)})
def profile_report(profiles: Dataset) -> Draft:
    """What the released code and our rules keep differently, defect by defect, with examples."""
    report = report_profiles(profiles.batches())
    return Draft(tables=report.tables, files={"profiles.png": report.plot()}, metadata=report.metadata)
