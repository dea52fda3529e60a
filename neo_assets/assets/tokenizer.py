"""The tokenizer: SentencePiece BPE on a weighted sample of the corpus, and how well it compresses every subset."""

from neo_assets.asset import Dataset, Draft, Engine, Recipe, Relation, asset
from neo_assets.partitions import ALL
from neo_assets.plots import bar_chart
from neo_assets.tokens.held_out import LeaveDocuments, ids_of
from neo_assets.tokens.vocabulary.coverage import unicode_table
from neo_assets.tokens.vocabulary.pieces import vocabulary_figures, vocabulary_table
from neo_assets.tokens.vocabulary.public import open_all
from neo_assets.tokens.vocabulary.report import measure
from neo_assets.tokens.vocabulary.sample import SampleDocuments, sample_fractions
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer

MODEL = "tokenizer.model"


@asset(
    kinds={"parquet"},
    inputs={
        "documents": ("corpus/decontaminated", ALL),
        "held_out": ("corpus/held_out", ALL),
        "statistics": "corpus/statistics",
    },
)
def sample(documents: Dataset, held_out: Dataset, statistics: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Documents that the tokenizer is trained on, drawn by id with the recipe's weights; `copies` says how often."""
    counts = {row["subset"]: row["characters"] for row in statistics.read().to_pylist()}
    characters = dict.fromkeys(recipe.corpus.subsets, 0) | counts
    fractions = sample_fractions(characters, recipe.tokenizer.sampling)
    trained_on = LeaveDocuments(frozenset(ids_of(held_out.batches(["doc_id"]))))
    return engine.map(documents, trained_on, SampleDocuments.of(fractions, recipe.seed))


@asset(kinds={"sentencepiece"})
def tokenizer(sample: Dataset, recipe: Recipe) -> Draft:
    """The SentencePiece model: byte fallback, digits split, text neither normalised nor stripped of whitespace."""
    model = train_tokenizer(sample.read(["doc_id", "text", "copies"]), recipe.tokenizer, recipe.seed)
    return Draft(files={MODEL: model}, metadata={"pieces": recipe.tokenizer.vocab_size, "model bytes": len(model)})


@asset(kinds={"parquet"}, inputs={"documents": ("corpus/decontaminated", ALL)})
def report(documents: Dataset, tokenizer: Dataset, recipe: Recipe) -> Draft:
    """Compression, fertility, Chinese, digits, white space and losses per subset.

    Tables beside: `unicode` tries every code point, `vocabulary` and `figures` say what the pieces are, `comparison`
    sets public tokenizers beside this one on the same texts.
    """
    model = Tokenizer.load(tokenizer.file(MODEL), recipe.tokenizer)
    found = measure(documents.batches(["subset", "text"]), model, open_all(recipe.evaluation.public_tokenizers))
    rows, tables = found.report(), {"comparison": found.comparison(), "unicode": unicode_table(model)}
    tables["vocabulary"] = vocabulary_table(found.vocabulary, found.uses)
    tables |= {"rows": rows, "figures": vocabulary_figures(found.vocabulary)}
    chart = bar_chart(tables["comparison"], "subset", "characters_per_token", "tokenizer")
    lossy = sum(rows["lossy_documents"].to_pylist()[:-1])
    return Draft(tables=tables, files={"compression.png": chart}, metadata={"documents not lossless": lossy})
