"""The English line: reprocessed open sources and what our crawl found, judged by rules chosen per source."""

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.stages import judge_exact, judge_near
from neo_assets.partitions import ALL, FIRST_DAY, english_sources
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.annotators import annotator, released_english
from neo_assets.text.badwords import load_terms
from neo_assets.text.funnel import measure_funnel
from neo_assets.text.funnel_report import funnel_files
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.normalise import NormaliseEnglish
from neo_assets.text.profiles import compare_profiles
from neo_assets.text.profiles import profile_report as report_profiles
from neo_assets.text.redpajama import PreferShipped
from neo_assets.text.reference_models import (
    train_importance_model,
    train_perplexity_model,
    train_reference_classifier,
)
from neo_assets.text.references import reference_documents
from neo_assets.text.rules import english_rules
from neo_assets.text.sources import crawled_records, file_records
from neo_assets.text.studies import Group, study_thresholds
from neo_assets.text.study_report import study_files
from neo_assets.web.language import IdentifyLanguage


@asset(kinds={"parquet"}, inputs={"extracted": ("crawl/extracted", FIRST_DAY)})
def references(extracted: Dataset, recipe: Recipe) -> Relation:
    """Documents that models learn from: the recipe's reference sets, and as the web the first crawl day."""
    crawled = extracted.batches(["doc_id", "language", "text"])
    return reference_documents(recipe.english.references, SEED_FOLDER, crawled)


@asset(kinds={"numba"})
def perplexity_model(references: Dataset, recipe: Recipe) -> Draft:
    """The n-gram language model of the encyclopaedia (Kneser-Ney), and the limits of the perplexity buckets."""
    trained = train_perplexity_model(references.read(), recipe.english.references, "english")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(kinds={"numba"})
def importance_model(references: Dataset, recipe: Recipe) -> Draft:
    """Log ratios of hashed words and word pairs, reference sets over web: importance weights as DSIR has them."""
    trained = train_importance_model(references.read(), recipe.english.references, "english")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(kinds={"numba"})
def reference_classifier(references: Dataset, recipe: Recipe) -> Draft:
    """The linear classifier that tells the reference sets from the web, and its accuracy on documents held out."""
    trained = train_reference_classifier(references.read(), recipe.english.references, "english")
    return Draft(files=trained.files, metadata=trained.metadata)


@asset(kinds={"parquet"}, partitions_def=english_sources, inputs={"extracted": ("crawl/extracted", ALL)})
def records(context: Context, extracted: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents of one English source as it gives them; broken records are quarantined with file, place and reason."""
    source = recipe.english.sources[context.partition_key]
    if source.kind == "crawl":
        return engine.query(crawled_records(context.partition_key, source), judges="extracted", extracted=extracted)
    read = file_records(engine, context.partition_key, source, SEED_FOLDER, recipe.english.max_chars)
    return engine.map(read, IdentifyLanguage())


@asset(kinds={"parquet"}, partitions_def=english_sources)
def normalized(context: Context, records: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents in the source's language, in Unicode NFC with tidy whitespace, with a digest of the text."""
    source = recipe.english.sources[context.partition_key]
    bad_words = load_terms(recipe.english.bad_words_files, SEED_FOLDER)
    normalise = NormaliseEnglish.of(source, recipe.english.max_chars, recipe.english.line_filter, bad_words)
    return engine.map(records, normalise, TextDigests())


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def annotated(
    normalized: Dataset,
    perplexity_model: Dataset,
    importance_model: Dataset,
    reference_classifier: Dataset,
    engine: Engine,
    recipe: Recipe,
) -> Relation:
    """The same documents with every signal beside the text: RedPajama-V2's 42 annotations, and our own."""
    models = [model.folder() for model in (perplexity_model, importance_model, reference_classifier)]
    kernel = annotator(
        "english",
        recipe.english.stop_words_file,
        recipe.english.bad_words_files,
        recipe.english.url_lists,
        recipe.english.references,
        models,
    )
    released = released_english(recipe.english.profile, recipe.english.stop_words_file, recipe.english.bad_words_files)
    return engine.map(normalized, kernel, *released, PreferShipped())


@asset(kinds={"parquet"}, partitions_def=english_sources)
def filtered(context: Context, annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents that pass the rules of their source; the others stand in the decisions with all rules they fail."""
    source = recipe.english.sources[context.partition_key]
    return engine.map(annotated, JudgeByRules(english_rules(source, recipe.english.rule_sets, recipe.english.profile)))


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


@asset(kinds={"parquet", "matplotlib"}, inputs={"annotated": ("english/annotated", ALL)})
def threshold_study(annotated: Dataset, recipe: Recipe) -> Draft:
    """What each rule does to the documents of each source: distributions, shares, documents near the thresholds."""
    sets, profile = recipe.english.rule_sets, recipe.english.profile
    groups = [
        Group(name, english_rules(source, sets, profile), annotated.partition(name))
        for name, source in recipe.english.sources.items()
    ]
    study = study_thresholds(groups, recipe.english.studies)
    return Draft(tables=study.tables, files=study_files(study), metadata=study.totals)


FUNNEL_STAGES = ("records", "normalized", "annotated", "filtered", "exact_unique", "near_unique")


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"english/{name}", ALL) for name in FUNNEL_STAGES})
def funnel(
    records: Dataset,
    normalized: Dataset,
    annotated: Dataset,
    filtered: Dataset,
    exact_unique: Dataset,
    near_unique: Dataset,
) -> Draft:
    """Documents that each stage took in, kept, rejected and why, beside the funnel that MAP-Neo published."""
    found = measure_funnel("english", (records, normalized, annotated, filtered, exact_unique, near_unique))
    return Draft(tables=found.tables, files=funnel_files(found), metadata=found.metadata)


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources)
def profiles(
    context: Context, records: Dataset, normalized: Dataset, annotated: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """A sample of the documents with two verdicts: what MAP-Neo's released code decides, and what our rules decide."""
    source, sets = recipe.english.sources[context.partition_key], recipe.english.rule_sets
    measure = released_english("faithful", recipe.english.stop_words_file, recipe.english.bad_words_files)
    return compare_profiles(
        engine,
        annotated if source.rule_set == "redpajama" else records,
        normalized.named("decisions"),
        annotated,
        faithful=(*measure, JudgeByRules(english_rules(source, sets, "faithful"))),
        corrected=JudgeByRules(english_rules(source, sets)),
        sample_documents=recipe.english.studies.profile_sample_documents,
        max_chars=recipe.english.max_chars,
    )


@asset(kinds={"parquet", "matplotlib"}, inputs={"profiles": ("english/profiles", ALL)})
def profile_report(profiles: Dataset) -> Draft:
    """What the released code and our rules keep differently, defect by defect, with examples."""
    report = report_profiles(profiles.batches())
    return Draft(tables=report.tables, files={"profiles.png": report.plot()}, metadata=report.metadata)
