"""The English line: reprocessed open sources and what our crawl found, judged by rules chosen per source."""

from neo_assets.asset import Context, Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.dedup.cluster_report import report_files as duplicate_files
from neo_assets.dedup.clusters import report_clusters
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.exempt import indexed
from neo_assets.dedup.judge_exact import judge_exact
from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
from neo_assets.dedup.judge_paragraphs import judge_paragraphs, paragraph_index
from neo_assets.dedup.judge_substrings import anchor_index, judge_substrings, window_index
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.profiles import near_settings, paragraph_settings, substring_settings
from neo_assets.dedup.survivors import Precedence
from neo_assets.partitions import ALL, FIRST_DAY, english_sources
from neo_assets.recipe.sources import ARRIVING
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


@asset(
    kinds={"parquet"},
    partitions_def=english_sources,
    inputs={
        "crawl": ("crawl/extracted", ALL),
        "imports": ("crawl/imports", ALL),
        "documents": ("documents/arrived", ALL),
    },
)
def records(
    context: Context, crawl: Dataset, imports: Dataset, documents: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """Documents of one English source as it gives them; broken records are quarantined with file, place and reason."""
    source = recipe.english.sources[context.partition_key]
    if source.kind in ARRIVING:
        arrived = {"crawl": crawl, "imports": imports, "documents": documents}[source.kind]
        judged = None if source.kind == "imports" else "arrived"
        return engine.query(crawled_records(context.partition_key, source), judges=judged, arrived=arrived)
    read = file_records(engine, context.partition_key, source, SEED_FOLDER, recipe.english.max_chars)
    return engine.map(read, IdentifyLanguage())


@asset(kinds={"parquet"}, partitions_def=english_sources)
def normalized(context: Context, records: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents in the source's language, in Unicode NFC with tidy whitespace, with a digest of the text."""
    source = recipe.english.sources[context.partition_key]
    bad_words = load_terms(recipe.english.bad_words_files, SEED_FOLDER)
    normalise = NormaliseEnglish.of(source, recipe.english.max_chars, recipe.english.line_filter, bad_words)
    return engine.map(records, normalise, TextDigests(recipe.english.dedup.exact, "english"))


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
    rules = english_rules(source, recipe.english.rule_sets, recipe.english.profile)
    return engine.map(annotated, JudgeByRules(rules), Precedence(recipe.english.dedup.survivor))


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources, inputs={"filtered": ("english/filtered", ALL)})
def exact_unique(context: Context, filtered: Dataset, engine: Engine) -> Relation:
    """Documents whose text no document of smaller precedence has, in any source."""
    return judge_exact(engine, filtered, context.partition_key)


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def signatures(exact_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """MinHash signatures of a source's documents."""
    return engine.map(exact_unique, Signatures(near_settings(recipe.english.dedup.near, recipe.english.profile)))


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def bands(signatures: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The keys by which similar documents meet, one a band: a source's part of the near-duplicate index."""
    return band_index(engine, signatures, near_settings(recipe.english.dedup.near, recipe.english.profile))


@asset(
    kinds={"duckdb", "numba", "parquet"},
    partitions_def=english_sources,
    inputs={"exact_unique": ("english/exact_unique", ALL), "bands": ("english/bands", ALL)},
)
def pairs(context: Context, exact_unique: Dataset, bands: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents of the source that met one of smaller precedence in a band, and how similar the two really are."""
    near = near_settings(recipe.english.dedup.near, recipe.english.profile)
    return candidate_pairs(engine, exact_unique, bands, context.partition_key, near)


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources, inputs={"pairs": ("english/pairs", ALL)})
def near_unique(context: Context, exact_unique: Dataset, pairs: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents without a similar one of smaller precedence; each one removed names its survivor and the similarity."""
    near = near_settings(recipe.english.dedup.near, recipe.english.profile)
    return judge_near(engine, exact_unique, pairs, context.partition_key, near)


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def paragraphs(context: Context, near_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Digests of a source's paragraphs with their places: its part of the paragraph index. Code has none in it."""
    documents = indexed(engine, near_unique, recipe.english.sources[context.partition_key])
    return paragraph_index(
        engine, documents, paragraph_settings(recipe.english.dedup.paragraph, recipe.english.profile)
    )


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources, inputs={"paragraphs": ("english/paragraphs", ALL)})
def paragraph_unique(
    context: Context, near_unique: Dataset, paragraphs: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """Documents without the paragraphs that stand earlier in any source; `paragraph_cuts` says what was cut."""
    settings = paragraph_settings(recipe.english.dedup.paragraph, recipe.english.profile)
    return judge_paragraphs(engine, near_unique, paragraphs, context.partition_key, settings)


@asset(kinds={"numba", "parquet"}, partitions_def=english_sources)
def anchors(context: Context, paragraph_unique: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Stretches of a source's texts with the hash of the passage that stands for each. Code has none in it."""
    documents = indexed(engine, paragraph_unique, recipe.english.sources[context.partition_key])
    return anchor_index(engine, documents, substring_settings(recipe.english.dedup.substring, recipe.english.profile))


@asset(
    kinds={"duckdb", "numba", "parquet"}, partitions_def=english_sources, inputs={"anchors": ("english/anchors", ALL)}
)
def windows(context: Context, paragraph_unique: Dataset, anchors: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """The first of each stretch of text that may stand elsewhere too: a source's part of the substring index."""
    settings = substring_settings(recipe.english.dedup.substring, recipe.english.profile)
    return window_index(engine, paragraph_unique, anchors, context.partition_key, settings)


@asset(kinds={"duckdb", "parquet"}, partitions_def=english_sources, inputs={"windows": ("english/windows", ALL)})
def substring_unique(
    paragraph_unique: Dataset, anchors: Dataset, windows: Dataset, engine: Engine, recipe: Recipe
) -> Relation:
    """Documents without passages of 50 characters that stand earlier anywhere; `substring_cuts` says what was cut."""
    settings = substring_settings(recipe.english.dedup.substring, recipe.english.profile)
    return judge_substrings(engine, paragraph_unique, anchors, windows, settings)


DEDUP_STAGES = ("exact_unique", "pairs", "near_unique", "paragraph_unique", "substring_unique")


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"english/{name}", ALL) for name in DEDUP_STAGES})
def duplicates(
    exact_unique: Dataset,
    pairs: Dataset,
    near_unique: Dataset,
    paragraph_unique: Dataset,
    substring_unique: Dataset,
    recipe: Recipe,
) -> Draft:
    """What deduplication merged: clusters by size, the largest ones, pairs to judge by eye, passages cut."""
    near, report = near_settings(recipe.english.dedup.near, recipe.english.profile), recipe.english.dedup.report
    found = report_clusters(exact_unique, near_unique, pairs, (paragraph_unique, substring_unique), near, report)
    return Draft(tables=found.tables, files=duplicate_files(found), metadata=found.totals)


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


FUNNEL_STAGES = (
    *("records", "normalized", "annotated", "filtered"),
    *("exact_unique", "near_unique", "paragraph_unique", "substring_unique"),
)


@asset(kinds={"parquet", "matplotlib"}, inputs={name: (f"english/{name}", ALL) for name in FUNNEL_STAGES})
def funnel(
    records: Dataset,
    normalized: Dataset,
    annotated: Dataset,
    filtered: Dataset,
    exact_unique: Dataset,
    near_unique: Dataset,
    paragraph_unique: Dataset,
    substring_unique: Dataset,
) -> Draft:
    """Documents that each stage took in, kept, rejected and why, beside the funnel that MAP-Neo published."""
    unique = (exact_unique, near_unique, paragraph_unique, substring_unique)
    found = measure_funnel("english", (records, normalized, annotated, filtered, *unique))
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
