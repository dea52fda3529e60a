"""Settings of the tokenizer: the sample it is trained on, SentencePiece, and the ids added after its vocabulary."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.training import padded_vocab_rows

N_BYTES = 256


class SamplingSettings(Section):
    """The training sample: a share of each subset, chosen by a hash of the document id."""

    total_characters: int = Field(gt=0, description="expected size; a smaller corpus is taken whole")
    default_weight: float = Field(default=1.0, ge=0, description="weight of subsets not named in `weights`")
    weights: dict[str, float] = Field(
        default={}, description="how much more (or less) often than by its size a subset is sampled; above 1 repeats it"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name, weight in {**self.weights, "default_weight": self.default_weight}.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"sampling weight of {name} is {weight}; use 0 or a positive number")
        return self

    def weight(self, subset: str) -> float:
        """The sampling weight of a subset."""
        return self.weights.get(subset, self.default_weight)


class TokenizerSection(Section):
    """A SentencePiece model and the embedding rows around it. Source of the defaults: the published MAP-Neo model."""

    sampling: SamplingSettings
    model_type: Literal["bpe"] = "bpe"
    vocab_size: int = Field(default=64_000, gt=0, description="pieces, with the special and byte pieces")
    character_coverage: float = Field(default=0.9999, ge=0.98, le=1, description="share of the text in own pieces")
    max_sentences: int = Field(default=50_000_000, gt=0, description="lines of the sample used at most, chosen by hash")
    max_sentence_bytes: int = Field(default=64_000, ge=16, description="longer lines are cut, never dropped")
    max_piece_characters: int = Field(default=16, gt=0)
    split_digits: bool = True
    byte_fallback: bool = True
    normalization: Literal["identity", "nfkc", "nmt_nfkc"] = "identity"
    remove_extra_whitespaces: bool = Field(default=False, description="true loses indentation")
    add_dummy_prefix: bool = Field(default=True, description="every text starts with a space marker")
    allow_whitespace_only_pieces: bool = Field(default=False, description="true lets runs of spaces become one piece")
    split_by_unicode_script: bool = True
    split_by_whitespace: bool = True
    split_by_number: bool = True
    unk_id: int = Field(default=0, ge=0)
    bos_id: int = Field(default=1, ge=-1, description="-1: none")
    eos_id: int = Field(default=2, ge=-1, description="-1: none")
    pad_id: int = Field(default=-1, ge=-1, description="-1: none")
    appended_tokens: tuple[str, ...] = Field(
        default=("<CLS>", "<SEP>", "<EOD>", "<MASK>", "<PAD>"), description="get the ids after the vocabulary"
    )
    end_of_document: str = Field(default="<EOD>", description="the appended token that ends every document")
    rows_multiple: int = Field(default=128, gt=0, description="embedding rows are padded to this times tensor parallel")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.end_of_document not in self.appended_tokens or len(set(self.appended_tokens)) < len(
            self.appended_tokens
        ):
            raise ValueError(f"appended_tokens must be distinct and hold end_of_document {self.end_of_document!r}")
        special = [id_ for id_ in (self.unk_id, self.bos_id, self.eos_id, self.pad_id) if id_ >= 0]
        if sorted(special) != list(range(len(special))):
            raise ValueError(
                f"unk_id, bos_id, eos_id and pad_id must be 0, 1, 2 … without gaps (-1: none), not {special}"
            )
        reserved = len(special) + (N_BYTES if self.byte_fallback else 0)
        if self.vocab_size <= reserved:
            raise ValueError(f"vocab_size {self.vocab_size} must exceed the {reserved} special and byte pieces")
        return self

    @property
    def n_ids(self) -> int:
        """Token ids in use: the vocabulary and the appended tokens."""
        return self.vocab_size + len(self.appended_tokens)

    @property
    def end_of_document_id(self) -> int:
        """The id that ends every document (64,002 in MAP-Neo)."""
        return self.vocab_size + self.appended_tokens.index(self.end_of_document)

    def vocab_rows(self, tensor_parallel: int = 1) -> int:
        """Rows of the embedding: 64,128 as published, 64,256 at tensor parallel 2."""
        return padded_vocab_rows(self.n_ids, tensor_parallel, self.rows_multiple)
