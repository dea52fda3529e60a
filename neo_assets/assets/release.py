"""The release: weights in Hugging Face format, exposures of every document, cards, and a manifest of everything."""

from neo_assets.asset import Compute, Context, Dataset, Draft, Recipe, Result, asset
from neo_assets.ordinals import ordinal_index, ordinal_key
from neo_assets.partitions import ALL, LAST
from neo_assets.provenance.facts import data_card_of, manifest_of, model_card_of
from neo_assets.tokens.exposures import exposures


@asset(
    kinds={"huggingface"},
    inputs={"checkpoint": ("training/checkpoint", LAST), "tokenizer": "tokenizer/tokenizer"},
)
def weights(context: Context, checkpoint: Dataset, tokenizer: Dataset, compute: Compute) -> Result:
    """The last checkpoint and its tokenizer as a Hugging Face Llama folder, with logits equal to the trainer's."""
    return compute.run(context, "neo_assets.jobs.export", profile="cpu", checkpoint=checkpoint, tokenizer=tokenizer)


@asset(kinds={"parquet"}, inputs={"chunk": ("training/chunk", ALL)})
def exposure_index(chunk: Dataset, recipe: Recipe) -> Draft:
    """For every document: at which positions the run saw it, how many tokens of it, and before which checkpoints."""
    spans = ((str(m.partition), chunk.partition(m.partition).named("spans").read()) for m in chunk.manifests)
    by_checkpoint = ((ordinal_key("ckpt", ordinal_index(key)), found) for key, found in spans)
    table = exposures(recipe.release.name, by_checkpoint)
    return Draft(tables={"rows": table})


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
