"""Settings of the supplement: domains, and the iterative recall that finds more of their kind in the whole crawl."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.corpus import Line
from neo_assets.recipe.references import ReferenceFiles

DomainName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Phrase = Annotated[str, StringConstraints(min_length=1)]


def _compiles(pattern: str) -> str:
    try:
        return re.compile(pattern).pattern
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


Pattern = Annotated[Phrase, AfterValidator(_compiles)]


class SeedFiles(ReferenceFiles):
    """Files of texts that are known to belong to a domain, and how they are cut into documents."""

    site: str | None = Field(
        None, min_length=1, description="what counts as their base URL; each file is a site of its own if missing"
    )
    licence: str = Field(min_length=1, description="of these files, as the data card names it")
    piece_chars: int = Field(
        0,
        ge=0,
        description="cut documents at line breaks into pieces of about so many characters, as long as pages",
    )


class SeedSettings(Section):
    """Where a domain's first positives come from."""

    files: tuple[SeedFiles, ...] = Field(default=(), description="texts at hand")
    hosts: tuple[Host, ...] = Field(
        default=(), description="crawled hosts all of whose pages belong to the domain; a host means its subdomains too"
    )
    url_patterns: tuple[Pattern, ...] = Field(
        default=(), description="regular expressions; crawled pages whose URL one is found in belong to the domain"
    )
    max_documents: int = Field(500_000, ge=1, description="of more, those with the smallest digests of their ids")


class HintSettings(Section):
    """What the embedded judge is told about a domain; a language model is told only the description."""

    url_patterns: tuple[Pattern, ...] = Field(
        default=(), description="regular expressions; a URL that one is found in speaks for the domain"
    )
    terms: tuple[Phrase, ...] = Field(default=(), description="words or phrases that speak for the domain, as written")


class TruthSettings(Section):
    """Hosts whose pages are known wholly to belong to the domain or not: rounds are measured on them, never taught."""

    positive_hosts: tuple[Host, ...] = Field(min_length=1)
    negative_hosts: tuple[Host, ...] = Field(
        default=(), description="hosts known to hold none; every other host, if none is named"
    )
    held_out: Literal["base_urls", "pages"] = Field(
        "base_urls", description="what is left out because of a seed: its whole base URL, or the seed alone"
    )


class DomainSettings(Section):
    """One domain of the supplement."""

    language: Line = Field(description="the line whose crawled pages are searched")
    description: str = Field(min_length=10, description="what belongs to it, in one sentence for the judge")
    seeds: SeedSettings
    hints: HintSettings = HintSettings()
    truth: TruthSettings | None = None

    @model_validator(mode="after")
    def _has_seeds(self) -> Self:
        if not (self.seeds.files or self.seeds.hosts or self.seeds.url_patterns):
            raise ValueError("seeds: give files, hosts or url_patterns; without a seed there is nothing to look for")
        return self


class SamplingSettings(Section):
    """What a round's classifier is trained on."""

    per_class: int = Field(
        500_000, ge=10, description="positives at most, spread evenly over their base URLs; as many negatives"
    )
    max_chars: int = Field(10_000, ge=100, description="of a document that training and scoring look at")
    valid_share: float = Field(0.025, gt=0, lt=0.5, description="of the base URLs; no base URL is in two splits")
    test_share: float = Field(0.025, gt=0, lt=0.5, description="of the base URLs")


class RecallClassifierSettings(Section):
    """The fastText classifier of a round; the defaults are MAP-Neo's. Trained on one thread, so that bytes repeat."""

    dim: int = Field(256, ge=4, le=1024)
    word_ngrams: int = Field(3, ge=1, le=5)
    min_count: int = Field(3, ge=1)
    learning_rate: float = Field(0.1, gt=0, le=5)
    epochs: int = Field(3, ge=1, le=1000)
    buckets: int = Field(2_000_000, ge=1000, le=100_000_000, description="hash buckets of the word n-grams")
    doubtful: float = Field(
        1.0,
        gt=0,
        le=1,
        description="negatives that a classifier of other pages takes for positives with more are left out, where much "
        "of the crawl is of the domain; 1 leaves all in, as MAP-Neo",
    )
    max_model_bytes: int = Field(
        100_000_000, ge=10_000, description="the model is quantised, and loses features, until its file is no larger"
    )
    max_loss: float = Field(
        0.01, gt=0, lt=1, description="of accuracy on the validation split by quantising; more is a warning"
    )


class ReviewSettings(Section):
    """How the threshold is chosen: from a sample of each stratum of confidence, never from a sort of the crawl."""

    default_threshold: float = Field(0.96, gt=0, lt=1, description="MAP-Neo's; taken where no other can be chosen")
    choose: bool = Field(True, description="false: the default threshold, whatever the review says")
    target_precision: float = Field(0.95, gt=0, lt=1, description="of what lies above the threshold, by the estimate")
    edges: tuple[float, ...] = Field(
        (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96, 0.99),
        min_length=1,
        description="confidences that divide the strata; those of at least `floor` can become the threshold",
    )
    floor: float = Field(0.5, gt=0, lt=1, description="pages below it are never recalled by their confidence")
    pages_per_stratum: int = Field(60, ge=1, description="that the judge looks at")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of the interval beside the estimate")

    @field_validator("edges")
    @classmethod
    def _ascend(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if list(edges) != sorted(set(edges)) or not 0 < edges[0] <= edges[-1] < 1:
            raise ValueError(f"must ascend between 0 and 1, not {edges}")
        return edges

    @model_validator(mode="after")
    def _default_can_be_estimated(self) -> Self:
        if self.default_threshold not in self.edges or self.default_threshold < self.floor:
            raise ValueError(
                f"default_threshold {self.default_threshold} must be one of the edges and no less than the floor, so "
                "that its precision can be estimated"
            )
        return self


class JudgeSettings(Section):
    """Who looks at a sample: rules and word weights of our own, a server, or a model in this process."""

    kind: Literal["embedded", "server", "local"] = Field(
        "embedded",
        description="server: OpenAI-compatible (vLLM has one); local: a Hugging Face model on this machine",
    )
    endpoint: str | None = Field(None, description="server: base URL, such as http://127.0.0.1:8000/v1")
    model: str | None = Field(None, min_length=1, description="server: its name there; local: the model's folder")
    api_key_variable: str = Field("NEO_JUDGE_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$", description="where the key is")
    max_requests: int = Field(20_000, gt=0, description="a run's budget; what is left is asked by the next run")
    timeout_seconds: float = Field(60, gt=0)
    threads: int = Field(8, ge=1, le=256, description="server: requests under way at once")
    batch_size: int = Field(8, ge=1, le=1024, description="local: prompts at once")
    max_answer_tokens: int = Field(200, gt=0)
    excerpt_chars: int = Field(1500, ge=50, description="of a page's text that the judge sees")
    max_failed_share: float = Field(0.02, ge=0, le=1, description="of the judgements; more is a warning")

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.kind == "server" and not (self.endpoint and self.model):
            raise ValueError("a server needs endpoint and model")
        if self.kind == "local" and not self.model:
            raise ValueError("a local judge needs model: the folder of a Hugging Face model")
        if self.kind != "server" and self.endpoint:
            raise ValueError("only kind: server has an endpoint")
        return self


class RecallSettings(Section):
    """Which base URLs are specific to a domain, and what is asked about their other pages."""

    hit_rate: float = Field(0.1, gt=0, lt=1, description="share of recalled pages above which a base URL is specific")
    min_pages: int = Field(2, ge=1, description="a base URL with fewer is never specific: a share of them says little")
    judged_per_base_url: int = Field(5, ge=0, description="recalled pages of a base URL that the judge looks at")
    min_confirmed: float = Field(
        0.5, ge=0, le=1, description="share of a base URL's judged pages below which its recalled pages are rejected"
    )
    annotated_per_base_url: int = Field(1000, ge=0, description="other pages of a specific base URL that are asked for")
    min_new_share: float = Field(
        0.02, ge=0, lt=1, description="a round whose new positives are a smaller share of the old ones is the last"
    )


class SupplementSection(Section):
    """The high-quality supplement: domains, and rounds of recall."""

    rounds: int = Field(3, ge=1, le=6, description="at most; a round that finds too little new is the last")
    domains: dict[DomainName, DomainSettings] = Field(default={}, description="what is looked for, by name")
    sampling: SamplingSettings = SamplingSettings()
    classifier: RecallClassifierSettings = RecallClassifierSettings()
    review: ReviewSettings = ReviewSettings()
    judge: JudgeSettings = JudgeSettings()
    recall: RecallSettings = RecallSettings()
    pools: tuple[str, ...] = Field(
        default=(), description="English sources that are searched; all of kinds crawl and imports, if none is named"
    )
