"""The models and lists that our signals need in a benchmark: trained on the seed once, kept in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from benchmarks.corpora import cache_folder, documents
from benchmarks.peers.protocol import Language
from neo_assets.recipe.lists import UrlListSettings
from neo_assets.recipe.references import ReferenceFiles, ReferenceSettings
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.reference_models import (
    ReferenceModels,
    train_importance_model,
    train_perplexity_model,
    train_reference_classifier,
)
from neo_assets.text.references import read_references, web_pool
from neo_assets.text.urls import UrlLists, load_url_lists

WEB_DOCUMENTS = 500


def _pieces(path: str, chars: int = 3_000) -> tuple[ReferenceFiles, ...]:
    return (ReferenceFiles(path=path, split_at=r"^\s*$", group_chars=chars),)


SETTINGS = {
    "english": ReferenceSettings(
        wikipedia=_pieces("text/jargon.en.txt"),
        books=_pieces("text/prideprejudice.en.txt"),
        openwebtext=_pieces("gold/debmake.en.txt"),
        wikiref=_pieces("gold/*/*.rst.txt"),
        web_language="en",
    ),
    "chinese": ReferenceSettings(
        wikipedia=(ReferenceFiles(path="text/laws.zh.jsonl", kind="jsonl"),),
        books=_pieces("text/sanguo.zh.txt", 1_500),
        openwebtext=_pieces("gold/debmake.zh-cn.txt", 1_500),
        wikiref=_pieces("text/nahan.zh.txt", 1_500),
        web_language="zh",
    ),
}


def reference_models(language: Language) -> ReferenceModels:
    """The three models of a language: perplexity, importance, classifier."""
    settings = SETTINGS[language]
    folder = cache_folder() / f"models-{language}-{_stamp(settings)}"
    folders = [folder / name for name in ("perplexity", "importance", "classifier")]
    if not (folder / "done").exists():
        learned_from = pa.concat_tables([read_references(settings, SEED_FOLDER), web_pool(_web(language), settings)])
        for place, train in zip(
            folders, (train_perplexity_model, train_importance_model, train_reference_classifier), strict=True
        ):
            place.mkdir(parents=True, exist_ok=True)
            for name, content in train(learned_from, settings, language).files.items():
                (place / name).write_bytes(content)
        (folder / "done").touch()
    return ReferenceModels.of(*folders)


def url_lists() -> UrlLists:
    """The seed's URL lists."""
    return load_url_lists(UrlListSettings(path="lists/ut1"), SEED_FOLDER)


def _web(language: Language) -> Iterator[pa.RecordBatch]:
    """Documents like those of the corpus, but drawn anew: what stands for the web."""
    texts = list(islice(documents(language, 10**9, seed=2), WEB_DOCUMENTS))
    label = SETTINGS[language].web_language
    yield pa.RecordBatch.from_pydict(
        {"doc_id": [f"web:{i:04}" for i in range(len(texts))], "language": [label] * len(texts), "text": texts}
    )


def _stamp(settings: ReferenceSettings) -> str:
    """A digest of what the models are made of: settings, seed, and the code that trains them."""
    import neo_assets.text as text

    stamp = hashlib.sha256(settings.model_dump_json().encode() + Path(__file__).read_bytes())
    for name in ("language_model", "importance", "reference_classifier", "reference_models", "units", "words"):
        stamp.update(Path(text.__path__[0], f"{name}.py").read_bytes())
    return stamp.hexdigest()[:12]
