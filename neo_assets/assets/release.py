"""The release: weights in Hugging Face format, exposures of every document, cards, and a manifest of everything."""

from neo_assets.asset import Compute, Context, Dataset, Draft, Engine, Recipe, Result, asset
from neo_assets.partitions import ALL, LAST
from neo_assets.provenance.facts import data_card_of, manifest_of, model_card_of
from neo_assets.tokens.lineage.exposures import DOCUMENTS_BY_URL, EXPOSURE_INDEX


@asset(
    kinds={"huggingface"},
    inputs={"checkpoint": ("training/checkpoint", LAST), "tokenizer": "tokenizer/tokenizer"},
)
def weights(context: Context, checkpoint: Dataset, tokenizer: Dataset, compute: Compute) -> Result:
    """The last checkpoint and its tokenizer as a Hugging Face Llama folder, with logits equal to the trainer's."""
    return compute.run(context, "neo_assets.jobs.export", profile="cpu", checkpoint=checkpoint, tokenizer=tokenizer)


@asset(kinds={"duckdb", "parquet"}, inputs={"exposures": ("training/exposures", ALL)})
def exposure_index(exposures: Dataset, engine: Engine) -> Draft:
    """For every document: at which positions the run read it, how many of its tokens moved the weights, and before
    which checkpoints. The table `by_url` finds documents by their URL."""
    rows = engine.query(EXPOSURE_INDEX, exposures=exposures)
    return Draft(tables={"rows": rows, "by_url": engine.query(DOCUMENTS_BY_URL, exposures=exposures)})


@asset(
    kinds={"markdown"},
    inputs={"report": ("evaluation/report", LAST), "metrics": "training/metrics", "overlap": "evaluation/overlap"},
)
def model_card(weights: Dataset, report: Dataset, metrics: Dataset, overlap: Dataset, recipe: Recipe) -> Draft:
    """The model card, written from what was measured."""
    card = model_card_of(recipe.release, recipe.training, weights, report, metrics, overlap)
    return Draft(files={"model_card.md": card.encode()})


@asset(
    kinds={"markdown"},
    inputs={
        "documents": ("corpus/decontaminated", ALL),
        "statistics": "corpus/statistics",
        "token_statistics": "training/token_statistics",
        "mix": "corpus/mix",
    },
)
def data_card(
    documents: Dataset, statistics: Dataset, token_statistics: Dataset, mix: Dataset, recipe: Recipe
) -> Draft:
    """The data card: sources and licences, what every stage kept, personal data, evaluation items, subsets, mixture."""
    tables = {"statistics": statistics, "token_statistics": token_statistics, "mix": mix}
    card = data_card_of(recipe.release, recipe.english.sources, documents, tables)
    return Draft(files={"data_card.md": card.encode()})


@asset(kinds={"json"})
def manifest(
    weights: Dataset, model_card: Dataset, data_card: Dataset, exposure_index: Dataset, recipe: Recipe
) -> Draft:
    """Content digests of every asset partition behind the release, from the first crawl day to these files."""
    return Draft(files={"manifest.json": manifest_of(recipe.release, weights, model_card, data_card, exposure_index)})
