"""Settings of deduplication: exact, near, paragraphs, substrings and similar lines; and which copy survives."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from neo_assets.recipe.base import Section

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Normalisation = Literal["english", "chinese", "none"]


class SurvivorSettings(Section):
    """Which of two duplicates stays. Every policy ends with the smaller doc_id, so that it is a total order."""

    policy: Literal["earliest", "longest", "quality", "source"] = Field(
        "earliest",
        description="earliest: the smaller doc_id; longest: more characters; quality: the higher value of "
        "quality_column; source: the source named first in source_priority.",
    )
    quality_column: str = Field("rps_doc_ml_wikiref_score", description="The signal that says which copy is best.")
    source_priority: tuple[SourceName, ...] = Field((), description="Best source first; the others follow, equal.")

    @model_validator(mode="after")
    def _sources_named(self) -> Self:
        if (self.policy == "source") != bool(self.source_priority):
            raise ValueError("policy source needs source_priority, and no other policy reads it")
        return self


class ExactSettings(Section):
    """Documents with the same text."""

    text: Literal["raw", "normalised"] = Field(
        "raw", description="raw: equal character by character; normalised: equal once reduced as for MinHash."
    )


class BloomSettings(Section):
    """The filter of texts seen on earlier days."""

    error_rate: float = Field(0.001, gt=0, lt=1, description="Share of new texts it may take for known, over all days.")
    confirm: bool = Field(
        True, description="Look up what the filter takes for known among the digests; false: believe the filter."
    )


class NearSettings(Section):
    """MinHash-LSH over shingles, and the verification of what it proposes."""

    normalisation: Normalisation = Field(description="How text is reduced before shingling.")
    num_permutations: int = Field(128, gt=0, le=4096, description="Values in a signature.")
    permutation_seed: int = Field(1, ge=0, lt=2**32, description="Seed of the permutations; 1 is datasketch's.")
    shingle_chars: int = Field(13, gt=0, le=64, description="Characters in a shingle.")
    shingle_words: int | None = Field(
        None, gt=0, le=64, description="Words in a shingle instead of characters (Chinese: jieba's); null: characters."
    )
    bands: int = Field(9, gt=0, description="Bands; documents that agree on one whole band are compared.")
    rows: int = Field(13, gt=0, description="Signature values in a band.")
    verify: Literal["jaccard", "containment", "nothing"] = Field(
        "jaccard",
        description="jaccard: shared shingles by all; containment: by those of the smaller text; nothing: every "
        "compared pair is a duplicate, as published.",
    )
    threshold: float = Field(0.8, ge=0, le=1, description="A compared pair at or above this is a duplicate.")
    rule: Literal["earlier", "components"] = Field(
        "earlier",
        description="earlier: a document goes if one that ranks before it is similar; components: of every set of "
        "documents linked by similar pairs one stays.",
    )
    max_rounds: int = Field(
        24, gt=0, le=100, description="Rounds of the components' search; a search not finished by then fails."
    )
    short_texts_alike: bool = Field(
        False, description="Take all texts shorter than a shingle for one, as published; else only equal ones."
    )
    partners_per_bucket: int = Field(
        100, gt=0, description="A document is compared with this many of the first documents of each bucket."
    )

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if self.bands * self.rows > self.num_permutations:
            raise ValueError(
                f"bands x rows = {self.bands} x {self.rows} = {self.bands * self.rows} values, but a signature "
                f"has only {self.num_permutations}: lower bands or rows, or raise num_permutations"
            )
        return self


class ParagraphSettings(Section):
    """Paragraphs that stand in another document, or earlier in the same one."""

    exempt_chars: int = Field(
        20, ge=0, description="A paragraph with fewer characters (whitespace at its ends not counted) always stays."
    )
    min_document_chars: int = Field(20, ge=0, description="A document left with fewer characters is dropped.")


class SubstringSettings(Section):
    """Passages that stand in another document, or earlier in the same one."""

    window_chars: int = Field(50, ge=8, le=1000, description="Characters of a passage that may stand only once.")
    anchor_chars: int = Field(
        25, ge=4, le=1000, description="Characters of the anchors that are compared first; at most window_chars."
    )
    skip_last_window: bool = Field(False, description="Leave out the last window of a document, as released.")
    min_document_chars: int = Field(20, ge=0, description="A document left with fewer characters is dropped.")

    @model_validator(mode="after")
    def _anchors_fit(self) -> Self:
        if self.anchor_chars > self.window_chars:
            raise ValueError(f"anchor_chars {self.anchor_chars} must not exceed window_chars {self.window_chars}")
        return self


class SimilarLineSettings(Section):
    """Segments of a document that resemble an earlier segment of it. The defaults are MAP-Neo's (Matrix, Chinese)."""

    proportion: float = Field(0.1, ge=0, lt=1, description="Edits allowed, as a share of the longer segment.")
    exact_chars: int = Field(15, ge=0, description="If the shorter segment has at most so many, only equal ones match.")
    max_length_difference: float = Field(0.3, gt=0, le=1, description="Quick reject: relative difference of lengths.")
    min_overlap: float = Field(1 / 3, ge=0, le=1, description="Quick reject: shared characters by all, with repeats.")
    min_document_chars: int = Field(0, ge=0, description="A document left with fewer characters is dropped.")


class ClusterReportSettings(Section):
    """What the duplicates report shows. Counts are over all documents; what is drawn is drawn by document id."""

    largest_clusters: int = Field(20, ge=0, le=1_000, description="Clusters shown, the largest first.")
    members: int = Field(5, ge=0, le=100, description="Members named of each of these, the least similar first.")
    audit_documents: int = Field(
        5, ge=0, le=1_000, description="Removed documents, or refused pairs, drawn from each interval of similarity."
    )
    audit_seed: int = Field(1, ge=0, lt=2**32, description="Another seed draws others.")
    sample_chars: int = Field(200, gt=0, le=2_000, description="Characters of a text that are shown.")


class EnglishDedup(Section):
    """Deduplication of the English line."""

    survivor: SurvivorSettings = SurvivorSettings()
    exact: ExactSettings = ExactSettings()
    near: NearSettings = NearSettings(normalisation="english")
    paragraph: ParagraphSettings = ParagraphSettings()
    substring: SubstringSettings = SubstringSettings()
    report: ClusterReportSettings = ClusterReportSettings()


class ChineseDedup(Section):
    """Deduplication of the Chinese line. A text of an earlier day survives whatever the policy: it is published."""

    survivor: SurvivorSettings = SurvivorSettings()
    exact: ExactSettings = ExactSettings()
    bloom: BloomSettings = BloomSettings()
    near: NearSettings = NearSettings(normalisation="chinese")
    line: SimilarLineSettings = SimilarLineSettings()
    report: ClusterReportSettings = ClusterReportSettings()
