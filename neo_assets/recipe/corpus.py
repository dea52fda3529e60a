"""Settings of the corpus: its subsets, what is taken out of them, and how often each phase of training reads them."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from neo_assets.recipe.base import Section

Line = Literal["english", "chinese"]
Category = Literal["common_crawl", "code", "paper", "book", "instruction", "exam", "news", "wiki", "patent"]
"""The nine categories of the Matrix data set card."""


SubsetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class SubsetSettings(Section):
    """Which documents a subset takes: those of any of its domains, sources or hosts; with none of these, all.

    They are alternatives because the same text arrives several ways: a book as a file, and from a library's host.
    """

    language: Line = Field(description="the cleaning line its documents come from")
    category: Category = Field(description="category of the Matrix data set card")
    sources: tuple[str, ...] = Field(default=(), description="names of open data sets (partitions of the line)")
    hosts: tuple[str, ...] = Field(default=(), description="hosts of the URL; a host also means its subdomains")
    domains: tuple[str, ...] = Field(
        default=(), description="domains of the supplement: what was recalled for them, kept by the line or not"
    )

    @model_validator(mode="after")
    def _hosts_are_hosts(self) -> Self:
        for host in self.hosts:
            if host != host.lower() or "/" in host or ":" in host or host.startswith("."):
                raise ValueError(f"host {host!r} must be a bare lower-case host name such as laws.example.org")
        return self

    @property
    def is_catch_all(self) -> bool:
        """Whether it takes every document of its line."""
        return not self.sources and not self.hosts and not self.domains


PiiKind = Literal["email", "id_card", "ip", "phone"]
Marker = Annotated[str, StringConstraints(pattern=r"^(<[A-Z_]{1,20}>|\[[A-Z_]{1,20}\]|〈[A-Z_]{1,20}〉)$")]
"""In brackets and without digits, so that a marker is never taken for personal data itself."""


class PiiSettings(Section):
    """What personal data is replaced by; a kind without a marker is left alone."""

    markers: dict[PiiKind, Marker] = Field(
        default={"email": "<EMAIL>", "id_card": "<ID_CARD>", "ip": "<IP>", "phone": "<PHONE>"},
        description="marker by kind; plain text to the tokenizer, no token of its own",
    )


class DecontaminationSettings(Section):
    """How training text is kept clear of evaluation items: by windows of words and characters that both hold.

    A window has `window_words` words or `window_characters` Chinese characters, or a mixture that weighs as much.
    """

    action: Literal["document", "passage"] = Field(
        default="document", description="reject a document that holds an item, or cut the sentences and lines that do"
    )
    window_words: int = Field(default=13, ge=4, le=64, description="as in GPT-3 and its followers")
    window_characters: int = Field(
        default=20, ge=6, le=64, description="about as many characters as 13 words have: a Chinese word has 1.5 to 1.6"
    )
    shortest_item: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="an item shorter than a window is looked for whole if this share of one long",
    )
    least_share: float = Field(
        default=0.2, gt=0, le=1, description="of an item's windows that a document must hold: less is a common phrase"
    )
    least_characters: int = Field(
        default=50, ge=0, description="a document cut to fewer characters but whitespace is rejected"
    )


class HeldOutSettings(Section):
    """Documents of every subset that are never trained on, so that a loss on them tells what was learned."""

    share: float = Field(default=0.001, ge=0, lt=0.5, description="of a subset's documents, those with small hashes")
    min_documents: int = Field(
        default=1, ge=0, description="of each subset, if the share gives fewer; but never more than a quarter of it"
    )


class MixtureSettings(Section):
    """How often one phase of pre-training reads each subset."""

    weights: dict[str, float] = Field(
        min_length=1, description="repeat factor per subset: 0 leaves it out, 0.5 reads half of it, 2 reads it twice"
    )
    shares: dict[Category, float] = Field(
        default={},
        description="share of the phase's tokens that a category gets: its weights are multiplied by what that takes",
    )
    published_shares: dict[Category, float] = Field(
        default={}, description="shares of tokens published for this phase; reported beside the measured, not enforced"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if any(not 0 < share < 1 for share in self.shares.values()) or sum(self.shares.values()) >= 1:
            raise ValueError(f"shares must be between 0 and 1 and leave something for the rest: {self.shares}")
        for name, weight in self.weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"weight of {name} is {weight}; use 0 or a positive repeat factor")
        if not any(self.weights.values()):
            raise ValueError("every weight is 0; give at least one subset a positive repeat factor")
        return self


class CorpusSection(Section):
    """Every kept document belongs to exactly one subset: the first in the order given here that takes it."""

    subsets: dict[SubsetName, SubsetSettings] = Field(min_length=1)
    pii: PiiSettings = PiiSettings()
    decontamination: DecontaminationSettings = DecontaminationSettings()
    held_out: HeldOutSettings = HeldOutSettings()
    phases: dict[str, MixtureSettings] = Field(min_length=1, description="by the phase names of `training`")
    published_shares: dict[Category, float] = Field(
        default={}, description="shares of the whole corpus that were published; reported beside the measured"
    )
    tokens_per_shard: int = Field(default=1 << 28, gt=0, description="a shard ends with the document that fills it")
    tokens_per_digest: int = Field(default=1 << 20, gt=0, description="tokens under one SHA-256 of the token stream")

    @model_validator(mode="after")
    def _every_document_has_one_subset(self) -> Self:
        closed: dict[str, str] = {}
        for name, subset in self.subsets.items():
            if subset.language in closed:
                raise ValueError(
                    f"subset {name} can never take a document: {closed[subset.language]} before it takes everything"
                    f" {subset.language}; move the catch-all to the end"
                )
            if subset.is_catch_all:
                closed[subset.language] = name
        for language in dict.fromkeys(subset.language for subset in self.subsets.values()):
            if language not in closed:
                raise ValueError(f"{language} has no catch-all; add a last subset without sources, hosts and domains")
        return self

    @model_validator(mode="after")
    def _phases_name_every_subset(self) -> Self:
        for phase, mixture in self.phases.items():
            if unknown := sorted(set(mixture.weights) - set(self.subsets)):
                raise ValueError(f"phases.{phase}.weights names unknown subsets: {', '.join(unknown)}")
            if missing := sorted(set(self.subsets) - set(mixture.weights)):
                raise ValueError(
                    f"phases.{phase}.weights lacks {', '.join(missing)}; give each a factor, 0 to leave out"
                )
        return self
