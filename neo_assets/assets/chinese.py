"""The Chinese line: what our crawl found in Chinese, normalised, filtered and deduplicated, day by day."""

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.stages import judge_exact, judge_near
from neo_assets.partitions import ALL, FIRST_DAY, UP_TO, crawl_days
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.annotators import annotator, released_chinese
from neo_assets.text.badwords import load_terms
from neo_assets.text.funnel import measure_funnel
from neo_assets.text.funnel_report import funnel_files
from neo_assets.text.judge import JudgeByRules
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


@asset(kinds={"parquet"}, partitions_def=crawl_days, inputs={"extracted": "crawl/extracted"})
def normalized(extracted: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Pages in Chinese, full-width symbols unified and links removed, with a digest of the text."""
    normalise = NormaliseChinese(
        recipe.chinese.unify_symbols,
        recipe.chinese.remove_links,
        recipe.chinese.max_chars,
        recipe.chinese.line_filter,
        load_terms(recipe.chinese.bad_words_files, SEED_FOLDER),
    )
    released = released_chinese(recipe.chinese.profile, recipe.chinese.url_lists)
    return engine.map(extracted, *released, normalise, TextDigests())


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
    """Chinese pages that pass every quality rule; the others stand in the decisions with all rules they fail."""
    return engine.map(annotated, JudgeByRules(chinese_rules(recipe.chinese.rules, recipe.chinese.profile)))


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


@asset(kinds={"parquet", "matplotlib"}, inputs={"annotated": ("chinese/annotated", ALL)})
def threshold_study(annotated: Dataset, recipe: Recipe) -> Draft:
    """What each rule does to the pages of all days: distributions, shares, pages near the thresholds."""
    rules = chinese_rules(recipe.chinese.rules, recipe.chinese.profile)
    study = study_thresholds([Group("all days", rules, annotated)], recipe.chinese.studies)
    return Draft(tables=study.tables, files=study_files(study), metadata=study.totals)


FUNNEL_STAGES = ("normalized", "annotated", "filtered", "exact_unique", "near_unique")


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"chinese/{name}", ALL) for name in FUNNEL_STAGES})
def funnel(
    normalized: Dataset, annotated: Dataset, filtered: Dataset, exact_unique: Dataset, near_unique: Dataset
) -> Draft:
    """Pages that each stage took in, kept, rejected and why, beside the funnel that MAP-Neo published."""
    found = measure_funnel("chinese", (normalized, annotated, filtered, exact_unique, near_unique))
    return Draft(tables=found.tables, files=funnel_files(found), metadata=found.metadata)


@asset(kinds={"duckdb", "parquet"}, partitions_def=crawl_days, inputs={"extracted": "crawl/extracted"})
def profiles(extracted: Dataset, normalized: Dataset, annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """A sample of the pages with two verdicts: what MAP-Neo's released code decides, and what our rules decide."""
    measure = released_chinese("faithful", recipe.chinese.url_lists)
    return compare_profiles(
        engine,
        extracted,
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
