"""The tokenizer: SentencePiece BPE on a weighted sample of the corpus, and how well it compresses every subset."""

from neo_assets.asset import Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.partitions import ALL
from neo_assets.plots import bar_chart
from neo_assets.tokens.report import tokenizer_report
from neo_assets.tokens.sample import SampleDocuments, sample_fractions
from neo_assets.tokens.tokenizer import Tokenizer, train_tokenizer

MODEL = "tokenizer.model"


@asset(kinds={"parquet"}, inputs={"documents": ("corpus/decontaminated", ALL), "statistics": "corpus/statistics"})
def sample(documents: Dataset, statistics: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents that the tokenizer is trained on, drawn by id with the recipe's weights; `copies` says how often."""
    counts = {row["subset"]: row["characters"] for row in statistics.read().to_pylist()}
    characters = dict.fromkeys(recipe.corpus.subsets, 0) | counts
    fractions = sample_fractions(characters, recipe.tokenizer.sampling)
    return engine.map(documents, SampleDocuments.of(fractions, recipe.seed))


@asset(kinds={"sentencepiece"})
def tokenizer(sample: Dataset, recipe: Recipe) -> Draft:
    """The SentencePiece model: byte fallback, digits split, text neither normalised nor stripped of whitespace."""
    model = train_tokenizer(sample.read(["doc_id", "text", "copies"]), recipe.tokenizer, recipe.seed)
    return Draft(files={MODEL: model}, metadata={"pieces": recipe.tokenizer.vocab_size, "model bytes": len(model)})


@asset(kinds={"parquet"}, inputs={"documents": ("corpus/decontaminated", ALL)})
def report(documents: Dataset, tokenizer: Dataset, recipe: Recipe) -> Draft:
    """Characters and bytes per token, fertility, byte fallback and round-trip losses, per subset."""
    table = tokenizer_report(
        documents.read(["subset", "text"]), Tokenizer.load(tokenizer.file(MODEL), recipe.tokenizer)
    )
    chart = bar_chart(table, "subset", "characters_per_token")
    lossy = sum(table["lossy_documents"].to_pylist()[:-1])
    return Draft(tables={"rows": table}, files={"compression.png": chart}, metadata={"documents not lossless": lossy})
