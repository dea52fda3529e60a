"""Settings of the reference sets, and of the models that are trained on them: perplexity, importance, classifier."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.sources import FileSettings


class ReferenceFiles(FileSettings):
    """Files of a reference set, and how they are cut into documents."""

    path: str = Field(min_length=1, description="Glob of the files, relative to the seed folder.")
    kind: Literal["text", "jsonl", "parquet"] = Field(
        "text", description="text: plain files; jsonl: an object with a field text a line; parquet: a column text."
    )

    @model_validator(mode="after")
    def _only_text_is_cut(self) -> Self:
        if self.kind != "text" and (self.split_at or self.group_chars):
            raise ValueError("split_at and group_chars are for kind: text only")
        return self


class LanguageModelSettings(Section):
    """The n-gram model behind perplexity, trained on the set `wikipedia` as ccnet does."""

    order: int = Field(3, ge=2, le=5, description="Longest n-gram, in words (English) or characters (Chinese).")
    min_count: int = Field(1, ge=1, description="N-grams of order 3 and above seen less often are left out.")
    bucket_quantiles: tuple[float, float] = Field(
        (1 / 3, 2 / 3), description="Shares of the web pool that end the head and the middle bucket: ccnet's thirds."
    )

    @field_validator("bucket_quantiles")
    @classmethod
    def _ascend(cls, quantiles: tuple[float, float]) -> tuple[float, float]:
        if not 0 < quantiles[0] < quantiles[1] < 1:
            raise ValueError(f"must ascend between 0 and 1, not {quantiles}")
        return quantiles


class ClassifierSettings(Section):
    """The linear classifier of web and reference sets over hashed words and word pairs."""

    buckets: int = Field(2**18, ge=2, le=2**26, description="Weights per class.")
    epochs: int = Field(10, ge=1, le=1000, description="Passes over the largest set; smaller ones are repeated.")
    learning_rate: float = Field(0.3, gt=0, le=1, description="Step at the start; it falls to 0 linearly.")
    held_out: float = Field(0.1, ge=0, lt=1, description="Share of each set that only measures accuracy.")
    seed: int = Field(1, ge=0, lt=2**32, description="Seed of the order of documents.")


class QualityModelSettings(Section):
    """A trained fastText classifier whose probability of one label is the signal `quality_score`."""

    path: str = Field(min_length=1, description="The model file, relative to the seed folder or absolute.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, so that the model is pinned.")
    label: str = Field(min_length=1, description="The label of good documents, without the prefix __label__.")


class ReferenceSettings(Section):
    """Reference sets of one language, and the models trained on them.

    The fifth set, the web, is what the first crawl day brought in the language, so that later days change no model.
    """

    wikipedia: tuple[ReferenceFiles, ...] = Field(min_length=1, description="Encyclopaedic texts.")
    books: tuple[ReferenceFiles, ...] = Field(min_length=1, description="Books.")
    openwebtext: tuple[ReferenceFiles, ...] = Field(min_length=1, description="Pages that readers recommended.")
    wikiref: tuple[ReferenceFiles, ...] = Field(min_length=1, description="Pages that an encyclopaedia cites.")
    web_language: str = Field(min_length=1, description="Label of the crawled documents that make the web pool.")
    max_documents: int = Field(
        100_000, ge=10, description="Documents of a set, and of the web pool; of more, those with the smallest digests."
    )
    language_model: LanguageModelSettings = LanguageModelSettings()
    importance_buckets: int = Field(10_000, ge=2, le=2**24, description="Hash buckets; RedPajama-V2 has 10,000.")
    classifier: ClassifierSettings = ClassifierSettings()
    quality_model: QualityModelSettings | None = Field(None, description="Adds the signal quality_score.")
